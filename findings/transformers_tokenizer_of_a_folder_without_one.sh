#!/usr/bin/env bash
# transformers 5.24.0: AutoTokenizer makes a tokenizer of special pieces for a folder that has none.
#
#   valid input  the folder that `model.save_pretrained` writes, to which nobody saved the tokenizer
#   seen         no error and no warning: BERT and DistilBERT get five pieces, so that each word is
#                [UNK]; RoBERTa gets five and GPT-2 one, and every text is the same few ids, or none
#   matters      a classifier in that folder answers alike for texts that have nothing in common,
#                and whoever labels a corpus with it does not notice
#
# Exits 0 while it is so. No weights are needed: the configuration alone decides.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
  transformers==5.24.0 tokenizers==0.23.3 numpy==2.3.5
"$folder/venv/bin/python" - "$folder" <<'PY'
import sys
from pathlib import Path

import transformers
from transformers import AutoTokenizer

SIZES = {"BertConfig": 5, "DistilBertConfig": 5, "RobertaConfig": 5, "GPT2Config": 1}
print(f"transformers {transformers.__version__}")
found = {}
for name in SIZES:
    place = Path(sys.argv[1]) / name
    getattr(transformers, name)().save_pretrained(place)
    tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True)
    first, second = (tokenizer(text)["input_ids"] for text in ("a warm film", "dull and long"))
    alike = first == second
    found[name] = len(tokenizer) if alike else None
    print(f"{name:18}{type(tokenizer).__name__:18}{len(tokenizer)} pieces, both texts are {first}")
if found != SIZES:
    raise SystemExit(f"changed: expected tokenizers of {SIZES} pieces, for which all texts are alike")
PY

"""Two tiny tasks in a folder: what a text is about, and what each word is; and a run of both."""

from __future__ import annotations

import json
from pathlib import Path

from schemas.multi_task import MultiTask, parse_multi_task
from tests import tiny, tiny_words

RUN_TEXT = """
name = "both"

[[tasks]]
name = "thing"
run = "thing.toml"

[[tasks]]
name = "words"
run = "words.toml"
weight = 2.0
train = { temperature = 3.0 }

[train]
seeds = [1]
epochs = 2
batch_size = 16
students = [{ name = "lstm", kind = "lstm", options = { embedding_width = 8, units = 8 } }]
"""

_WORDS_TEXT = f"""
name = "words"

[corpus]
format = "jsonl"
files = [{{ path = "words.jsonl" }}]
features = ["words"]
feature_kinds = {{ words = "words" }}
split = {{ validation = 0.2, test = 0.2 }}

[[heads]]
name = "word"
per = "token"
column = "tags"
classes = {json.dumps(tiny_words.CLASSES)}

[teacher]
kind = "module"
callable = "tests.tiny_words:make"
options = {{ window = 6 }}

[train]
seeds = [9]
students = [{{ name = "unused", kind = "bag" }}]

[evaluate]
latency_calls = 5
"""


def write(folder: Path) -> Path:
    """Write corpora, a teacher and run files; return the path of the run of both."""
    tiny.write_experiment(folder).rename(folder / "thing.toml")
    tiny.write_corpus(folder / "words.jsonl", tiny_words.examples())
    (folder / "words.toml").write_text(_WORDS_TEXT, encoding="utf-8")
    path = folder / "both.toml"
    path.write_text(RUN_TEXT, encoding="utf-8")
    return path


def run(*overrides: str) -> MultiTask:
    """Return the run of both, with overrides."""
    return parse_multi_task(RUN_TEXT, source="both.toml", overrides=overrides)

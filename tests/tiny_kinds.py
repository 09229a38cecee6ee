"""Tiny corpora whose rows have any number of classes, or a number; teachers for them in code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from schemas.run_file import RunFile
from tests import tiny

_CLASS_OF = {word: name for name in tiny.CLASSES for word in tiny._WORDS[name]}
_VALUES = {"animal": 2.0, "fruit": -1.5, "tool": 0.5}
OF_LABELS = (
    f'heads=[{{name="thing", kind="sigmoid", classes={json.dumps(tiny.CLASSES)}}}]',
    'teacher={kind="module", callable="tests.tiny_kinds:of_labels"}',
)
OF_VALUES = (
    'heads=[{name="score", kind="regression"}]',
    'teacher={kind="module", callable="tests.tiny_kinds:of_values"}',
    "train.loss=squared_error",
)


def of_labels():
    """Return a teacher that says of each class whether a word of it is there."""
    return lambda texts: np.array(
        [[4.0 if name in _classes(text) else -4.0 for name in tiny.CLASSES] for text in texts],
        np.float32,
    )


def of_probabilities():
    """Return the same teacher, which answers with probabilities."""
    return lambda texts: 1 / (1 + np.exp(-of_labels()(texts)))


def of_animals():
    """Return a teacher that says whether there is an animal."""
    return lambda texts: of_labels()(texts)[:, :1]


def of_values():
    """Return a teacher that adds up what the words are worth."""
    return lambda texts: np.array([[_value(text)] for text in texts], np.float32)


def of_flat_values():
    """Return the same teacher, which answers with a number a text."""
    return lambda texts: of_values()(texts)[:, 0]


def of_far_values():
    """Return a teacher whose numbers are all near 500."""
    return lambda texts: of_values()(texts) + 500


def examples(count: int = 120) -> list[dict[str, object]]:
    """Return rows of one to three words that have a class, with both kinds of label."""
    rows = []
    for number, row in enumerate(tiny.examples(count)):
        others = [tiny.examples(count)[(number * step + step) % count] for step in (5, 7)]
        text = " ".join([row["text"], *(other["text"] for other in others[: number % 3])])
        rows.append({"text": text, "thing": _classes(text), "score": _value(text)})
    return rows


def write(folder: Path, rows: list[dict[str, object]] | None = None) -> None:
    """Write the corpus."""
    tiny.write_corpus(folder / "corpus.jsonl", examples() if rows is None else rows)


def run(kind: tuple[str, ...], *overrides: str) -> RunFile:
    """Return the run file."""
    return tiny.run(*kind, *overrides)


def _classes(text: str) -> list[str]:
    found = {_CLASS_OF[word] for word in text.split() if word in _CLASS_OF}
    return [name for name in tiny.CLASSES if name in found]


def _value(text: str) -> float:
    return sum(_VALUES[_CLASS_OF[word]] for word in text.split() if word in _CLASS_OF)

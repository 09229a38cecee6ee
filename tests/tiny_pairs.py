"""Tiny pairs: what somebody looked at and an item; they click on what is of a kind they saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from schemas.run_file import RunFile
from stages.table.opening import SoftLabelTable
from tests import tiny

_CLASS_OF = {word: name for name in tiny.CLASSES for word in tiny._WORDS[name]}
OVERRIDES = (
    'corpus.features=["history", "item"]',
    'heads=[{name="click", kind="sigmoid", classes=["click"]}]',
    'teacher={kind="module", callable="tests.tiny_pairs:make"}',
)


def make():
    """Return a teacher of pairs."""
    return lambda pairs: np.array([[4.0 if _clicks(*pair) else -4.0] for pair in pairs], np.float32)


def examples(count: int = 160) -> list[dict[str, object]]:
    """Return rows of two texts and a flag."""
    draw = np.random.default_rng(8)
    words, rows = sorted(_CLASS_OF), []
    for _ in range(count):
        history = " ".join(draw.choice(words, draw.integers(1, 4)))
        item = f"the {draw.choice(words)}"
        rows.append({"history": history, "item": item, "click": int(_clicks(history, item))})
    return rows


def write_corpus(folder: Path) -> None:
    """Write the rows as JSON lines."""
    tiny.write_corpus(folder / "corpus.jsonl", examples())


def run(*overrides: str) -> RunFile:
    """Return the run file."""
    return tiny.run(*OVERRIDES, *overrides)


def label(folder: Path, *overrides: str) -> SoftLabelTable:
    """Label the pairs in a folder into `labels`."""
    return tiny.label_run(folder, run(*overrides))


def _clicks(history: str, item: str) -> bool:
    seen = {_CLASS_OF[word] for word in history.split()}
    return any(_CLASS_OF.get(word) in seen for word in item.split())

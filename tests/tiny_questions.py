"""Tiny questions: which animal, fruit or tool a text names; and a teacher of them in code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from schemas.run_file import RunFile
from stages.rows.pointers import SEPARATOR
from stages.table.opening import SoftLabelTable
from tests import tiny

OVERRIDES = (
    "corpus.format=squad",
    'corpus.files=[{path="questions.json"}]',
    'corpus.features=["words"]',
    'corpus.feature_kinds={words="words"}',
    "corpus.example_id=id",
    'heads=[{name="answer", kind="pointer", column="answers"}]',
    'teacher={kind="module", callable="tests.tiny_questions:make"}',
    "train.students=[{name='lstm', kind='lstm', options={embedding_width=16, units=16}}]",
)
_KIND_OF = {word: name for name, words in tiny._WORDS.items() for word in words}


def make(*, window: int = 99):
    """Return a teacher that points to the first word of the kind that is asked for."""

    def one(words):
        stripped = [word.strip() for word in words]
        place = stripped.index(SEPARATOR)
        wanted = stripped[place - 1]
        right = [n for n, word in enumerate(stripped) if n > place and _KIND_OF.get(word) == wanted]
        logits = np.full((len(words), 2), -2.0, np.float32)
        logits[right[0] if right else place] = 4.0
        return logits[:window]

    return lambda lists: [one(list(words)) for words in lists]


def questions(count: int = 90) -> list[dict[str, Any]]:
    """Return paragraphs of one question each; every fifth has no answer."""
    found = []
    for number in range(count):
        kinds = [tiny.CLASSES[(number + step) % 3] for step in (0, 1)]
        words = [tiny._WORDS[kind][(number // (1 + place)) % 4] for place, kind in enumerate(kinds)]
        context = f"the old {words[0]} and my good {words[1]} number {number}."
        kind = tiny.CLASSES[(number + 2) % 3] if number % 5 == 0 else kinds[number % 2]
        answers = []
        if number % 5:
            text = words[number % 2]
            answers = [{"text": text, "answer_start": context.index(text)}]
        asked = {"id": f"q{number}", "question": f"one new {kind}", "answers": answers}
        found.append({"context": context, "qas": [asked]})
    return found


def write(folder: Path, paragraphs: list[dict[str, Any]] | None = None) -> None:
    """Write a corpus in SQuAD's form."""
    rows = questions() if paragraphs is None else paragraphs
    data = {"data": [{"title": "tiny", "paragraphs": rows}]}
    (folder / "questions.json").write_text(json.dumps(data), encoding="utf-8")


def run(*overrides: str) -> RunFile:
    """Return the run file."""
    return tiny.run(*OVERRIDES, *overrides)


def label(folder: Path, *overrides: str) -> SoftLabelTable:
    """Label the corpus in a folder into `labels`."""
    return tiny.label_run(folder, run(*overrides))

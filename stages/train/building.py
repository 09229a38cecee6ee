"""A student before its first step: its vocabulary, its layers, and what its weights start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from schemas.errors import TableError
from schemas.teacher_card import VOCABULARY_FILE
from schemas.train_section import Student
from stages.artefacts import read_embeddings
from stages.assets import resolve_model
from stages.codec import decode
from stages.table import SoftLabelTable
from stages.train.plan import StudentPlan

if TYPE_CHECKING:
    import keras

    from stages.train.encoder_start import EncoderStart


def built(plan: StudentPlan, table: SoftLabelTable, vocabulary: list[str]) -> keras.Model:
    """Return the student before its first step."""
    from stages.output_bias import start_at_mean
    from stages.text import read_vocabulary
    from stages.train.embeddings import start_embeddings
    from stages.train.students import build_student

    student, start = plan.student, _start(plan.student)
    if start is not None:
        student = start.sized(student)
    classes = len(table.card.head.classes)
    model = build_student(
        student, vocabulary_size=len(vocabulary), classes=classes, per=table.card.head.per
    )
    if table.card.head.kind == "regression" and not student.kind.endswith(".keras"):
        start_at_mean(model, _numbers(table))
    if start is not None:
        start.copy_into(model, pieces=vocabulary)
    if student.embeddings == "teacher":
        start_embeddings(
            model,
            read_embeddings(table),
            teacher_pieces=read_vocabulary(table.artefacts_path / VOCABULARY_FILE),
            pieces=vocabulary,
            name=plan.name,
        )
    return model


def _numbers(table: SoftLabelTable) -> npt.NDArray[np.float32]:
    """Return the teacher's numbers for the train split, float32 [rows]."""
    rows = table.read("train", [table.card.head.teacher_column])
    return decode(rows, table.card.layout).values[:, 0]


def _start(student: Student) -> EncoderStart | None:
    if student.start is None:
        return None
    from stages.train.encoder_start import open_start

    found = resolve_model(student.start, base=Path.cwd())
    return open_start(found.location, layers=student.start.layers)


def vocabulary_of(table: SoftLabelTable, student: Student, *, lowercase: bool) -> list[str]:
    """Return the pieces that a student reads, [PAD] first.

    Raises:
      StudentError: its own vocabulary cannot be read.
      TableError: the teacher's is missing.
    """
    from stages.text import read_vocabulary
    from stages.train.vocabulary import given_vocabulary, padding_first, prune_vocabulary

    if student.vocabulary not in ("train", "teacher"):
        return given_vocabulary(Path(student.vocabulary))
    path = table.artefacts_path / VOCABULARY_FILE
    if not path.is_file():
        raise TableError(f"artefacts are missing: {path}. Run `label` again.")
    if student.vocabulary == "teacher":
        return padding_first(read_vocabulary(path))
    return prune_vocabulary(read_vocabulary(path), table.texts("train"), lowercase=lowercase)

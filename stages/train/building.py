"""A student before its first step: its vocabulary, its layers, and what its weights start from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from schemas.errors import StudentError
from schemas.student_card import STUDENT_MODEL_FILE, Role
from schemas.student_options import student_kinds
from schemas.train_section import Student
from stages.heads import head_kind
from stages.heads.labels import labels_by_line
from stages.places.assets import resolve_model
from stages.rows.codec import decode
from stages.table.artefacts import read_embeddings, vocabulary_path
from stages.table.opening import SoftLabelTable
from stages.train.plan import StudentPlan

if TYPE_CHECKING:
    import keras

    from stages.train.start.encoder import EncoderStart


def built(plan: StudentPlan, table: SoftLabelTable, vocabulary: list[str]) -> keras.Model:
    """Return the student before its first step."""
    from stages.train.students import build_student
    from stages.train.students.answers import check_answers

    start, head = open_start_of(plan.student), table.card.head
    student = plan.student if start is None else start.sized(plan.student)
    model = build_student(
        student, vocabulary_size=len(vocabulary), classes=len(head.classes), per=head.per
    )
    if student.kind not in student_kinds():
        check_answers(model, head, name=student.name, vocabulary_size=len(vocabulary))
    start_output(model, table, student, plan.role)
    start_pieces(model, plan, start, table, vocabulary)
    return model


def saved_weights(path: Path) -> list[npt.NDArray[np.generic]]:
    """Return the weights of a student of a known builder, in their model's order.

    Raises:
      ValueError, OSError, TypeError: of Keras.
    """
    import keras

    model = keras.saving.load_model(path / STUDENT_MODEL_FILE, compile=False, safe_mode=True)
    weights: list[npt.NDArray[np.generic]] = model.get_weights()
    return weights


def check_length(model: keras.Model, max_length: int, *, name: str) -> None:
    """Refuse rows that are longer than a student has positions for.

    Raises:
      StudentError: they may be.
    """
    from stages.networks.layers import positions_below

    if (longest := positions_below(model, max_length)) is not None:
        raise StudentError(
            f"student cannot read rows so long: {name}: train.max_length is {max_length}, and it "
            f"has {longest} positions. State train.max_length = {longest}, or a student of more "
            "(options.max_length)."
        )


def start_output(model: keras.Model, table: SoftLabelTable, student: Student, role: Role) -> None:
    """Let the output of a model of numbers begin at their mean; a saved one is left.

    A student's at the mean of the teacher's numbers, a baseline's at that of the hard labels.
    """
    from stages.networks.output_bias import start_at_mean

    at_mean = head_kind(table.card.head.kind).starts_at_mean
    if at_mean and not student.kind.endswith(".keras"):
        start_at_mean(model, _numbers(table, role))


def start_pieces(
    model: keras.Model,
    plan: StudentPlan,
    start: EncoderStart | None,
    table: SoftLabelTable,
    vocabulary: list[str],
) -> None:
    """Set what a student is said to start from: an encoder, or the teacher's embeddings."""
    from stages.inputs.wordpiece import read_vocabulary
    from stages.train.start.embeddings import start_embeddings

    if start is not None:
        start.copy_into(model, pieces=vocabulary)
    if plan.student.embeddings == "teacher":
        start_embeddings(
            model,
            read_embeddings(table),
            teacher_pieces=read_vocabulary(vocabulary_path(table)),
            pieces=vocabulary,
            name=plan.name,
        )


def _numbers(table: SoftLabelTable, role: Role) -> npt.NDArray[np.float32]:
    """Return the numbers of the train split that a model of a role learns, float32 [rows]."""
    head, layout = table.card.head, table.card.layout
    if role == "baseline":
        labels = labels_by_line(table.read("train", [head.label_column]), layout)
        return labels[:, 0].astype(np.float32)
    return decode(table.read("train", [head.teacher_column]), layout).values[:, 0]


def open_start_of(student: Student) -> EncoderStart | None:
    """Return the encoder that a student starts from, if it states one."""
    if student.start is None:
        return None
    from stages.train.start.encoder import open_start

    found = resolve_model(student.start, base=Path.cwd())
    return open_start(found.location, layers=student.start.layers)


def vocabulary_of(
    tables: Sequence[SoftLabelTable], student: Student, *, lowercase: bool
) -> list[str]:
    """Return the pieces that a student reads, [PAD] first.

    Args:
      tables: what it learns from; the teacher of the first has the pieces, of which those stay
        that occur in any.
      student: says which.
      lowercase: how texts are read.

    Raises:
      AssetError, StudentError: its vocabulary cannot be read, or is none.
      TableError: the teacher's is missing, or damaged.
    """
    from stages.inputs.wordpiece import read_vocabulary
    from stages.train.start.vocabulary import given_vocabulary, padding_first, prune_vocabulary

    if student.vocabulary not in ("train", "teacher"):
        return given_vocabulary(Path(student.vocabulary))
    path = vocabulary_path(tables[0])
    if student.vocabulary == "teacher":
        return padding_first(read_vocabulary(path))
    texts = chain.from_iterable(table.texts("train") for table in tables)
    return prune_vocabulary(read_vocabulary(path), texts, lowercase=lowercase)

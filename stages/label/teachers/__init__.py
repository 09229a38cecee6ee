"""Teachers by kind: one module each, whose `load` makes one from its source."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from stages.label.answers import FromOne, FromProbabilities, StatedLogits
from stages.label.teacher import Teacher
from stages.label.teachers.windows import Windowed, WordTeacher
from stages.teacher_source import TeacherSource


def load_teacher(source: TeacherSource) -> Teacher:
    """Load a teacher; its framework is imported here and not before.

    Raises:
      TeacherError: it cannot be loaded, or its framework is not installed.
    """
    how = source.how
    teacher: Teacher = import_module(f"{__name__}.{how.kind}").load(source)
    if how.stride is not None:
        asks = source.kind == "pointer"
        teacher = Windowed(cast("WordTeacher", teacher), stride=how.stride, asks=asks)
    if how.gives_one_number:
        return teacher if how.kind == "column" else FromOne(teacher, source)
    if how.stride is not None:
        return teacher
    if how.answers == "logits" and source.kind == "sigmoid":
        return StatedLogits(teacher)
    converts = how.answers == "probabilities" and how.kind != "column"
    return FromProbabilities(teacher, source.kind) if converts else teacher

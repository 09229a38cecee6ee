"""A teacher is loaded: the module of its kind is imported here, and not before."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from schemas.head_kinds import head_kinds
from stages.heads import head_kind
from stages.teachers.parts.answers import FromOne, FromProbabilities, StatedLogits
from stages.teachers.parts.protocol import Teacher
from stages.teachers.parts.source import TeacherSource
from stages.teachers.parts.windows import Windowed, WordTeacher


def load_teacher(source: TeacherSource) -> Teacher:
    """Load a teacher; its framework is imported here and not before.

    Raises:
      TeacherError: it cannot be loaded, or its framework is not installed.
    """
    how = source.how
    teacher: Teacher = import_module(f"stages.teachers.{how.kind}").load(source)
    if how.stride is not None:
        asks = head_kinds()[source.kind].points
        teacher = Windowed(cast("WordTeacher", teacher), stride=how.stride, asks=asks)
    if how.gives_one_number:
        return teacher if how.kind == "column" else FromOne(teacher, source)
    if how.stride is not None:
        return teacher
    if how.answers == "logits" and head_kind(source.kind).may_look_like_probabilities:
        return StatedLogits(teacher)
    converts = how.answers == "probabilities" and how.kind != "column"
    return FromProbabilities(teacher, source.kind) if converts else teacher

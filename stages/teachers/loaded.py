"""The teacher that the launcher has loaded, for an engine that works in the launcher's process.

One at most is kept, so that a teacher which was checked is not loaded a second time. Where workers
are processes of their own nothing is kept: it would take its memory twice.
"""

from __future__ import annotations

import gc

from stages.teachers.parts.protocol import Teacher
from stages.teachers.parts.source import TeacherSource

_KEPT: dict[str, tuple[TeacherSource, Teacher]] = {}
_PLACE = "teacher"


def kept_teacher(source: TeacherSource) -> Teacher:
    """Return a teacher that is loaded once and kept until `forget_teacher`.

    Raises:
      TeacherError: it cannot be loaded.
    """
    teacher = teacher_at_hand(source)
    _KEPT[_PLACE] = (source, teacher)
    return teacher


def teacher_at_hand(source: TeacherSource) -> Teacher:
    """Return the teacher that is kept, or one that is loaded now and not kept.

    Raises:
      TeacherError: it cannot be loaded.
    """
    from stages.teachers.load import load_teacher

    kept = _KEPT.get(_PLACE)
    if kept is not None and kept[0] == source:
        return kept[1]
    return load_teacher(source)


def forget_teacher() -> None:
    """Let go of the teacher that is kept."""
    _KEPT.clear()
    gc.collect()

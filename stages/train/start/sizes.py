"""How large a shipped student is, told from its options without Keras, before memory is taken.

The sums are of the matrices; scales, shifts and biases are left out, so they are a little low.
"""

from __future__ import annotations

import os

from schemas.errors import StudentError
from schemas.student_options import sizes_of, student_kinds, weights_of
from schemas.train_section import Student

_COPIES = 4  # of each weight in training: itself, its gradient and Adam's two moments
_BYTES = 4
_GIB = 2**30


def check_memory(student: Student, *, classes: int, vocabulary_size: int = 0) -> None:
    """Refuse a student whose training this machine has no memory for.

    Args:
      student: of any kind; one of a user's own, and one that starts from an encoder, is let pass.
      classes: of its head.
      vocabulary_size: pieces, as far as that is known.

    Raises:
      StudentError: it says how much is needed, and which options to mend.
    """
    if student.kind not in student_kinds() or student.start is not None:
        return
    weights = weights_of(student.kind, student.options, pieces=vocabulary_size, classes=classes)
    needed, there = weights * _COPIES * _BYTES, _memory_bytes()
    if needed > there:
        names = ", ".join(sizes_of(student.kind))
        raise StudentError(
            f"student is too large: {student.name!r} of kind {student.kind!r}: {weights:,} weights "
            f"need {needed / _GIB:,.0f} GiB to be trained, this machine has {there / _GIB:,.0f}. "
            f"State smaller options: {names}."
        )


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

"""A teacher in a user's own code: `module:function`.

The function is called once a worker with the run file's options. It returns a `Teacher`, or a
function from a list of strings to an array [texts, classes].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import TeacherError
from stages.label.teacher import Teacher
from stages.label.teachers.texts import TextInputs
from stages.plugins import import_function
from stages.teacher_source import TeacherSource

Answer = Callable[[list[str]], Any]


@dataclass(frozen=True)
class FunctionTeacher:
    """A function from texts to answers, as a teacher."""

    classes: tuple[str, ...]
    answer: Answer
    parameters: int = 0

    def encode(self, inputs: pa.Table) -> TextInputs:
        """Return the texts as they are."""
        return TextInputs.of(inputs)

    def logits(self, encoded: TextInputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), classes]: what the function says."""
        return np.asarray(self.answer(encoded.take(rows)), np.float32)


def load(source: TeacherSource) -> Teacher:
    """Return the teacher that the function makes.

    Raises:
      TeacherError: it takes other options, or returns something else.
    """
    name = str(source.how.callable)
    try:
        made = import_function(name)(**source.how.options)
    except (TypeError, ImportError, AttributeError, ValueError) as error:
        raise TeacherError(
            f"teacher cannot be made: {name}: {error}. Mend the function or teacher.options."
        ) from error
    if not hasattr(made, "encode"):
        if not callable(made):
            raise TeacherError(
                f"teacher cannot be made: {name}: found {type(made).__name__}, expected a Teacher "
                "or a function from texts to answers. Mend it."
            )
        return FunctionTeacher(source.classes, made)
    teacher: Teacher = made
    if tuple(teacher.classes) != source.classes:
        raise TeacherError(
            f"teacher has other classes: {name}: found {', '.join(teacher.classes[:12])}, "
            f"expected {', '.join(source.classes[:12])}. Mend it, or the run file."
        )
    return teacher

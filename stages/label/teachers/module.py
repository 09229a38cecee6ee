"""A teacher in a user's own code: `module:function`.

The function is called once a worker with the run file's options. It returns a `Teacher`, or a
function from a list of strings to an array [texts, classes]; where each word has a class, from a
list of lists of words to one array [words, classes] each, which may be shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import TeacherError
from stages.label.teacher import Teacher
from stages.label.teachers.texts import TextInputs
from stages.listing import first_few
from stages.plugins import import_function
from stages.teacher_source import TeacherSource

Answer = Callable[[list[Any]], Any]


@dataclass(frozen=True)
class FunctionTeacher:
    """A function from texts to answers, as a teacher."""

    classes: tuple[str, ...]
    answer: Answer
    by_position: bool = False
    parameters: int = 0

    def encode(self, inputs: pa.Table) -> TextInputs:
        """Return the texts as they are."""
        return TextInputs.of(inputs)

    def logits(self, encoded: TextInputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), classes], or [len(rows), words, classes]: what it says."""
        found = self.answer(encoded.take(rows))
        return padded(found) if self.by_position else np.asarray(found, np.float32)


def padded(answers: Iterable[npt.ArrayLike]) -> npt.NDArray[np.float32]:
    """Return answers [words, classes] each as one array, NaN where one is shorter.

    >>> padded([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]]).shape
    (2, 2, 2)
    """
    arrays = [np.asarray(answer, np.float32) for answer in answers]
    if any(array.ndim != 2 for array in arrays):
        return np.stack(arrays)  # of another shape than is wanted; whoever asked says so
    longest = max(len(array) for array in arrays)
    found = np.full((len(arrays), longest, arrays[0].shape[-1]), np.nan, np.float32)
    for row, array in enumerate(arrays):
        found[row, : len(array)] = array
    return found


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
        return FunctionTeacher(source.classes, made, by_position=source.per != "example")
    teacher: Teacher = made
    if tuple(teacher.classes) != source.classes:
        raise TeacherError(
            f"teacher has other classes: {name}: found {first_few(teacher.classes)}, "
            f"expected {first_few(source.classes)}. Mend it, or the run file."
        )
    return teacher

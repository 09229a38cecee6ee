"""A teacher in a user's own code: `module:function`.

The function is called once a worker with the run file's options. It returns a `Teacher`, or a
function from a list of strings to an array [texts, classes]; where each word has a class, from a
list of lists of words to one array [words, classes] each, which may be shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import TeacherError, UserCodeError
from stages.machine.listing import first_few
from stages.machine.plugins import guarded, import_function
from stages.teachers.parts.protocol import EncodedInputs, Teacher, TeacherAround
from stages.teachers.parts.source import TeacherSource
from stages.teachers.parts.texts import TextInputs

Answer = Callable[[list[Any]], Any]
Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FunctionTeacher:
    """A function from texts to answers, as a teacher."""

    classes: tuple[str, ...]
    answer: Answer
    by_position: bool = False
    parameters: int = 0
    name: str = "teacher"

    def encode(self, inputs: pa.Table) -> TextInputs:
        """Return the texts as they are."""
        return TextInputs.of(inputs)

    def logits(self, encoded: EncodedInputs, rows: npt.NDArray[np.int64]) -> Numbers:
        """Return float32 [len(rows), classes], or [len(rows), words, classes]: what it says.

        Raises:
          UserCodeError: it raises, or its answer is no array of numbers.
        """
        make = padded if self.by_position else array_of
        texts = cast(TextInputs, encoded).take(rows)
        return _numbers(self.name, self.answer(texts), make)


def _numbers(name: str, found: Any, make: Callable[[Any], Numbers]) -> Numbers:
    """Return an answer as an array.

    Raises:
      UserCodeError: it cannot be one.
    """
    try:
        return make(found)
    except (TypeError, ValueError) as error:
        what = f"found {str(found)[:80]!r}, expected an array of numbers"
        own = UserCodeError(f"your own code does not answer: {name}: {what}. Mend it.")
        own.of_input = f"makes it answer with something else: {what}"
        raise own from error


def array_of(found: Any) -> Numbers:
    """Return an answer as an array float32; what is too large for that is infinite.

    Raises:
      TypeError, ValueError: it cannot be one, as where it holds no real numbers.
    """
    array = np.asarray(found)
    if not _are_real(array):
        raise TypeError(f"{array.dtype} is not of real numbers")
    with np.errstate(all="ignore"):  # infinite values are stated by whoever asked
        return array.astype(np.float32, copy=False)


def _are_real(array: npt.NDArray[Any]) -> bool:
    """Return whether an array is of floats or integers; booleans are neither."""
    if array.dtype.kind == "O":  # such as integers beyond 64 bits; None is NaN to NumPy
        return all(
            isinstance(one, Real | Decimal) and not isinstance(one, bool) for one in array.flat
        )
    small_float = array.dtype.kind == "V" and array.dtype.names is None  # bfloat16
    return array.dtype.kind in "fiu" or small_float


def padded(answers: Iterable[npt.ArrayLike]) -> Numbers:
    """Return answers [words, classes] each as one array, NaN where one is shorter.

    >>> padded([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]]).shape
    (2, 2, 2)
    """
    arrays = [array_of(answer) for answer in answers]
    if any(array.ndim != 2 for array in arrays):
        return np.stack(arrays)  # of another shape than is wanted; whoever asked says so
    longest = max(len(array) for array in arrays)
    found = np.full((len(arrays), longest, arrays[0].shape[-1]), np.nan, np.float32)
    for row, array in enumerate(arrays):
        found[row, : len(array)] = array
    return found


@dataclass(frozen=True)
class OwnInputs:
    """What a user's own teacher made of inputs, and what is asked of it."""

    lengths: npt.NDArray[np.int32]
    overlong: npt.NDArray[np.bool_]
    encoded: EncodedInputs


@dataclass
class OwnTeacher(TeacherAround):
    """A `Teacher` of a user's own, whose exceptions and answers are stated."""

    name: str

    def encode(self, inputs: pa.Table) -> OwnInputs:
        """Return the feature columns' rows preprocessed.

        Raises:
          TeacherError: lengths, or which are too long, are not of every input.
          UserCodeError: it raises.
        """
        encoded = guarded(self.name, self.teacher.encode)(inputs)
        lengths = np.asarray(getattr(encoded, "lengths", None))
        overlong = np.asarray(getattr(encoded, "overlong", None))
        if not lengths.shape == overlong.shape == (inputs.num_rows,):
            raise TeacherError(
                f"teacher encodes otherwise: {self.name}: found {type(encoded).__name__} with "
                f"`lengths` {lengths.shape} and `overlong` {overlong.shape}, expected "
                f"{(inputs.num_rows,)}. Mend its `encode`."
            )
        return OwnInputs(lengths.astype(np.int32), overlong.astype(np.bool_), encoded)

    def logits(self, encoded: EncodedInputs, rows: npt.NDArray[np.int64]) -> Numbers:
        """Return float32 [len(rows), classes].

        Raises:
          UserCodeError: it raises, or its answer is no array of numbers.
        """
        own = cast(OwnInputs, encoded).encoded
        found = guarded(self.name, self.teacher.logits)(own, rows)
        return _numbers(self.name, found, array_of)


def load(source: TeacherSource) -> Teacher:
    """Return the teacher that the function makes.

    Raises:
      TeacherError: it takes other options, or returns something else.
      UserCodeError: it raises.
    """
    name = str(source.how.callable)
    try:
        made = guarded(name, import_function(name))(**source.how.options)
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
        by_position = source.per != "example"
        return FunctionTeacher(
            source.classes, guarded(name, made), by_position=by_position, name=name
        )
    return _checked(OwnTeacher(made, name), source)


def _checked(teacher: OwnTeacher, source: TeacherSource) -> Teacher:
    missing = [part for part in ("classes", "parameters", "logits") if not _has(teacher, part)]
    if missing:
        raise TeacherError(
            f"teacher is not whole: {teacher.name}: found {type(teacher.teacher).__name__} "
            f"without {', '.join(missing)}, expected a Teacher "
            "(stages/teachers/parts/protocol.py). Mend it."
        )
    if tuple(teacher.classes) != source.classes:
        raise TeacherError(
            f"teacher has other classes: {teacher.name}: found {first_few(teacher.classes)}, "
            f"expected {first_few(source.classes)}. Mend it, or the run file."
        )
    return teacher


def _has(teacher: OwnTeacher, part: str) -> bool:
    return hasattr(teacher.teacher, part)

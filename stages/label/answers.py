"""What a teacher answers with: logits, or probabilities that are made logits by their log."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import TeacherError
from stages.label.teacher import EncodedInputs, Teacher

_SUM_TOLERANCE = 1e-3
_SMALLEST = np.finfo(np.float32).tiny  # what a probability of 0 counts as: its log is -87.3


def are_probabilities(answers: npt.NDArray[np.float32]) -> bool:
    """Return whether every row is of numbers in [0, 1] whose sum is 1 within 0.001.

    >>> are_probabilities(np.array([[0.5, 0.5]])), are_probabilities(np.array([[2.0, -1.0]]))
    (True, False)
    """
    return len(answers) > 0 and bool(rows_of_probabilities(answers).all())


def rows_of_probabilities(answers: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Return bool [rows]: which of them are probabilities.

    >>> rows_of_probabilities(np.array([[0.5, 0.5], [2.0, -1.0]])).tolist()
    [True, False]
    """
    one = np.abs(answers.sum(axis=-1) - 1) <= _SUM_TOLERANCE
    found: npt.NDArray[np.bool_] = one & (answers >= 0).all(axis=-1)
    return found


def logits_of_probabilities(answers: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return float32 logits whose softmax is the probabilities: their logarithms."""
    return np.log(np.maximum(answers, _SMALLEST)).astype(np.float32)


@dataclass
class FromProbabilities:
    """A teacher that answers with probabilities, as one that answers with logits."""

    teacher: Teacher

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""
        return self.teacher.classes

    @property
    def parameters(self) -> int:
        """Number of weights; 0 where it is not known."""
        return self.teacher.parameters

    @property
    def parallel_calls(self) -> int:
        """How many threads may ask it at a time."""
        return getattr(self.teacher, "parallel_calls", 1)

    def word_embeddings(self) -> npt.NDArray[np.float32] | None:
        """Return float32 [pieces, width], or None where it has none."""
        asked = getattr(self.teacher, "word_embeddings", None)
        return None if asked is None else asked()

    def encode(self, inputs: pa.Table) -> EncodedInputs:
        """Return the feature columns' rows preprocessed."""
        return self.teacher.encode(inputs)

    def logits(
        self, encoded: EncodedInputs, rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), classes]: the logarithms of its answers.

        Raises:
          TeacherError: they are no probabilities.
        """
        answers = self.teacher.logits(encoded, rows)
        if not are_probabilities(answers):
            raise TeacherError(
                f"teacher's answers are no probabilities: found {answers[:1].tolist()}, expected "
                'numbers in [0, 1] whose sum is 1. State teacher.answers = "logits".'
            )
        return logits_of_probabilities(answers)

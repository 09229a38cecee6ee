"""The teacher as the label stage sees it: one small protocol for every kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa


class EncodedInputs(Protocol):
    """Inputs after preprocessing, before any batch is padded."""

    @property
    def lengths(self) -> npt.NDArray[np.int32]:
        """Tokens in each input, int32 [inputs]; 1 where the teacher knows no length."""

    @property
    def overlong(self) -> npt.NDArray[np.bool_]:
        """Which inputs do not fit the teacher's window, bool [inputs]."""


class Teacher(Protocol):
    """A trained model that answers with logits.

    It may also have `parallel_calls`, an int: how many threads may ask it at a time, and gain by
    it (without it batches are asked one after the other), and `word_embeddings()`, which returns
    float32 [pieces, width] in the order of its vocabulary, or None. One that cuts texts into pieces
    has `unknown_piece`, the number of the piece for what it does not know, or None where all is
    known; its encoded inputs then have `flat()`, and of words `words_seen()`.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""

    @property
    def parameters(self) -> int:
        """Number of weights; 0 where it is not known."""

    def encode(self, inputs: pa.Table) -> EncodedInputs:
        """Return the feature columns' rows preprocessed."""

    def logits(
        self, encoded: EncodedInputs, rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), classes] for some rows, padded to their longest only.

        Where each position of an input has a class: float32 [len(rows), positions, classes], NaN
        for one that the model did not see.
        """


@dataclass
class TeacherAround:
    """A teacher that passes everything on to another one; kinds of it change a part."""

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
        """Return float32 [len(rows), classes]."""
        return self.teacher.logits(encoded, rows)

"""Inputs of a teacher that takes raw strings, or lists of words, and tokenizes them itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.inputs.find import input_of


@dataclass(frozen=True)
class TextInputs:
    """Raw strings, or lists of words; how many tokens they are is estimated."""

    texts: list[Any]
    lengths: npt.NDArray[np.int32]
    overlong: npt.NDArray[np.bool_]

    @staticmethod
    def of(inputs: pa.Table) -> TextInputs:
        """Return each row as its kind of input is asked."""
        kind, none = input_of(inputs), np.zeros(inputs.num_rows, np.bool_)
        return TextInputs(kind.asked(inputs), kind.lengths(inputs), none)

    def take(self, rows: npt.NDArray[np.int64]) -> list[Any]:
        """Return some rows."""
        return [self.texts[row] for row in rows]

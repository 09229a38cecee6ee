"""Inputs of a teacher that takes raw strings, or lists of words, and tokenizes them itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.inputs.features import inputs_of

_BYTES_PER_TOKEN = 4


@dataclass(frozen=True)
class TextInputs:
    """Raw strings, or lists of words; how many tokens they are is estimated."""

    texts: list[Any]
    lengths: npt.NDArray[np.int32]
    overlong: npt.NDArray[np.bool_]

    @staticmethod
    def of(inputs: pa.Table) -> TextInputs:
        """Return the one column's rows, or pairs of two columns'."""
        if inputs.num_columns == 2:
            one, other = (TextInputs.of(inputs.select([name])) for name in inputs.column_names)
            pairs, none = inputs_of(inputs, inputs.column_names), one.overlong
            return TextInputs(pairs, one.lengths + other.lengths, none)
        column = inputs.column(0)
        if pa.types.is_list(column.type):
            words = pc.list_value_length(column).to_numpy().astype(np.int32)
            return TextInputs(column.to_pylist(), words, np.zeros(len(words), np.bool_))
        size = pc.fill_null(pc.binary_length(column), 0).to_numpy()
        lengths = (size // _BYTES_PER_TOKEN + 1).astype(np.int32)
        return TextInputs(column.to_pylist(), lengths, np.zeros(len(lengths), np.bool_))

    def take(self, rows: npt.NDArray[np.int64]) -> list[Any]:
        """Return some rows."""
        return [self.texts[row] for row in rows]

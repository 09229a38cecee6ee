"""A text: one column of strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.inputs.protocol import Rows
from stages.rows.identity import headers
from stages.rows.lists import one_chunk

if TYPE_CHECKING:
    import tensorflow as tf

DECLARES = {"place": 1, "arrow": "string"}

_BYTES_PER_TOKEN = 4


class Text:
    """As `Varied` says."""

    def read(self, rows: Rows, name: str) -> pa.Array:
        """Return a column of texts; a row without one is refused."""
        column = rows.text(name)
        rows.refuse(pc.is_null(column), "no value", lambda _: "every row needs one. Mend it.", name)
        return pc.fill_null(column, "")

    def canonical(self, column: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Return the length in bytes, and the UTF-8 bytes."""
        return headers("s", pc.binary_length(column)), column.cast(pa.binary())

    def lengths(self, inputs: pa.Table) -> npt.NDArray[np.int32]:
        """Return an estimate from the number of bytes."""
        size = pc.fill_null(pc.binary_length(inputs.column(0)), 0).to_numpy()
        found: npt.NDArray[np.int32] = (size // _BYTES_PER_TOKEN + 1).astype(np.int32)
        return found

    def asked(self, inputs: pa.Table) -> list[Any]:
        """Return the texts."""
        return list(inputs.column(0).to_pylist())

    texts = shown = asked

    def strings(self, inputs: pa.Table) -> pa.Array:
        """Return the texts."""
        return one_chunk(inputs.column(0))

    def in_graph(self, strings: tf.Tensor) -> tf.Tensor:
        """Return string [rows]."""
        return strings

    def words(self, column: pa.ChunkedArray) -> list[list[str]]:
        """Return what stands between white space."""
        return [text.split() for text in column.to_pylist()]

    def of_words(self, words: list[list[str]]) -> pa.Array:
        """Return words joined by spaces."""
        return pa.array(map(" ".join, words), pa.string())


INPUT = Text()

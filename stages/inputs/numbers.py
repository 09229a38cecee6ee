"""Numbers: one column, a list of them a row, as of an image's pixels or the samples of a sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.inputs.gaps import refuse_gaps
from stages.inputs.protocol import Rows
from stages.rows.identity import headers
from stages.rows.lists import lengths_of, lists_from, positions_of

if TYPE_CHECKING:
    import tensorflow as tf

DECLARES = {
    "place": 3,
    "arrow": "list<float32>",
    "per": ("frame", "pixel"),
    "teachers": ("module",),
    "views": False,
    "students": False,
    "refused": {
        "teachers": "numbers need a teacher of kind module",
        "views": "[label.views] makes views of texts and words, not of numbers",
    },
}


class NumberLists:
    """As `Input` says; it has no texts."""

    def read(self, rows: Rows, name: str) -> pa.Array:
        """Return lists of float32; a row without any, or with one not finite, is refused."""
        elements, offsets = positions_of(rows.number_lists(name))
        values = elements.to_numpy(zero_copy_only=False).astype(np.float32)
        broken = ~np.isfinite(values)
        refuse_gaps(rows, name, broken, offsets, what="number", said="one is null or not finite.")
        return lists_from(pa.array(values), offsets)

    def canonical(self, column: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Return the number of numbers, and each as little-endian float32."""
        elements, offsets = positions_of(column)
        values = elements.to_numpy(zero_copy_only=False).astype("<f4")
        ends = pa.py_buffer((offsets * values.itemsize).astype(np.int32))
        buffers = [None, ends, pa.py_buffer(values.tobytes())]
        data = pa.Array.from_buffers(pa.binary(), len(column), buffers)
        return headers("n", pc.list_value_length(column)), data

    def lengths(self, inputs: pa.Table) -> npt.NDArray[np.int32]:
        """Return the number of numbers."""
        return lengths_of(inputs.column(0))

    def asked(self, inputs: pa.Table) -> list[Any]:
        """Return the lists of numbers."""
        return list(inputs.column(0).to_pylist())

    texts = asked

    def shown(self, inputs: pa.Table) -> list[str]:
        """Return an empty text for each row."""
        return [""] * inputs.num_rows

    def strings(self, inputs: pa.Table) -> pa.Array:
        """Return no text of any row."""
        return pa.array([], pa.string())

    def in_graph(self, strings: tf.Tensor) -> tf.Tensor:
        """Return none."""
        return strings


INPUT = NumberLists()

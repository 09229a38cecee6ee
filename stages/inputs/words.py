"""Words: one column, a list of them a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.inputs import text
from stages.inputs.gaps import refuse_gaps
from stages.inputs.protocol import Rows
from stages.rows.identity import headers
from stages.rows.lists import lengths_of, lists_from, one_chunk, positions_of

if TYPE_CHECKING:
    import tensorflow as tf

DECLARES = {
    "place": 2,
    "arrow": "list<string>",
    "per": ("token",),
    "teachers": ("keras", "transformers", "module"),
    "refused": {
        "teachers": "words need a teacher of kind keras or transformers or module (found {found!r})"
    },
}


class Words:
    """As `Varied` says; a model of texts is asked about a row's words joined by spaces."""

    def read(self, rows: Rows, name: str) -> pa.Array:
        """Return a column of lists of words; a row without any, or with a null, is refused."""
        elements, offsets = positions_of(rows.lists(name))
        missing = elements.is_null().to_numpy(zero_copy_only=False)
        refuse_gaps(rows, name, missing, offsets, what="word", said="one of the words is null.")
        return lists_from(pc.fill_null(elements, ""), offsets)

    def canonical(self, column: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Return the number of words, and each as a text is."""
        elements, offsets = positions_of(column)
        framed = pc.binary_join_element_wise(
            *text.INPUT.canonical(elements), pa.scalar(b"", pa.binary())
        )
        lists = lists_from(framed, offsets)
        lengths = pc.list_value_length(column)
        return headers("l", lengths), pc.binary_join(lists, pa.scalar(b"", pa.binary()))

    def lengths(self, inputs: pa.Table) -> npt.NDArray[np.int32]:
        """Return the number of words."""
        return lengths_of(inputs.column(0))

    def asked(self, inputs: pa.Table) -> list[Any]:
        """Return the lists of words."""
        return list(inputs.column(0).to_pylist())

    def texts(self, inputs: pa.Table) -> list[Any]:
        """Return each row's words joined by spaces."""
        return list(self.strings(inputs).to_pylist())

    shown = texts

    def strings(self, inputs: pa.Table) -> pa.Array:
        """Return each row's words joined by spaces."""
        return one_chunk(pc.binary_join(inputs.column(0), " "))

    def in_graph(self, strings: tf.Tensor) -> tf.Tensor:
        """Return string [rows]."""
        return strings

    def words(self, column: pa.ChunkedArray) -> list[list[str]]:
        """Return the words."""
        return list(column.to_pylist())

    def of_words(self, words: list[list[str]]) -> pa.Array:
        """Return them as they are."""
        return pa.array(words, pa.list_(pa.string()))


INPUT = Words()

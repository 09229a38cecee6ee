"""A pair: two columns of texts that are asked together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.inputs import text
from stages.inputs.protocol import Rows
from stages.rows.lists import one_chunk

if TYPE_CHECKING:
    import tensorflow as tf

DECLARES = {
    "place": 4,
    "arrow": "string",
    "feature": "text",
    "features": 2,
    "teachers": ("keras", "transformers", "module", "column"),
    "views": False,
    "refused": {
        "teachers": "pairs of texts need a teacher of kind keras or transformers or module or "
        "column",
        "views": "[label.views] makes views of one text, not of a pair",
    },
}


class Pair:
    """As `Input` says; each row is a list of two texts."""

    def read(self, rows: Rows, name: str) -> pa.Array:
        """Return one of the columns of texts; a row without one is refused."""
        return text.INPUT.read(rows, name)

    def canonical(self, column: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Return what a text's is."""
        return text.INPUT.canonical(column)

    def lengths(self, inputs: pa.Table) -> npt.NDArray[np.int32]:
        """Return the sum of both."""
        one, other = (text.INPUT.lengths(inputs.select([at])) for at in (0, 1))
        return one + other

    def asked(self, inputs: pa.Table) -> list[Any]:
        """Return lists of two texts.

        >>> INPUT.asked(pa.table({"a": ["x"], "b": ["y"]}))
        [['x', 'y']]
        """
        columns = (column.to_pylist() for column in inputs.columns)
        return [list(values) for values in zip(*columns, strict=True)]

    texts = asked

    def shown(self, inputs: pa.Table) -> list[str]:
        """Return both joined by a space."""
        return [" ".join(both) for both in self.asked(inputs)]

    def strings(self, inputs: pa.Table) -> pa.Array:
        """Return the texts row by row.

        >>> INPUT.strings(pa.table({"a": ["x", "z"], "b": ["y", ""]})).to_pylist()
        ['x', 'y', 'z', '']
        """
        columns = [one_chunk(column) for column in inputs.columns]
        places = np.arange(len(columns) * inputs.num_rows).reshape(len(columns), -1)
        return pa.concat_arrays(columns).take(pa.array(places.T.ravel()))

    def in_graph(self, strings: tf.Tensor) -> tf.Tensor:
        """Return string [rows, 2]."""
        import tensorflow as tf

        return tf.reshape(strings, [-1, 2])


INPUT = Pair()

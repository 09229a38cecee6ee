"""What a model is asked about each row: a text, a pair of texts, or a list of words or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.layout import Layout


def inputs_of(rows: pa.Table, features: Sequence[str]) -> list[Any]:
    """Return each row's input; of two features a list of the two.

    >>> inputs_of(pa.table({"a": ["x"], "b": ["y"]}), ["a", "b"])
    [['x', 'y']]
    """
    if len(features) == 1:
        return list(rows[features[0]].to_pylist())
    columns = (rows[name].to_pylist() for name in features)
    return [list(values) for values in zip(*columns, strict=True)]


def texts_of(rows: pa.Table, features: Sequence[str]) -> list[Any]:
    """Return each row's text, of two features a list of the two; words are joined by spaces.

    >>> texts_of(pa.table({"words": [["one", "two"], []]}), ["words"])
    ['one two', '']
    """
    return inputs_of(pa.table({name: as_text(rows[name]) for name in features}), features)


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of texts; of lists of words, each row's joined by spaces."""
    of_words = pa.types.is_list(column.type) and pa.types.is_string(column.type.value_type)
    return pc.binary_join(column, " ") if of_words else column


def student_inputs(rows: pa.Table, layout: Layout) -> list[Any]:
    """Return what a student is asked about each row: its words where each has a class, or text."""
    return (inputs_of if layout.head.by_position else texts_of)(rows, layout.features)


def as_table(inputs: Sequence[Any], features: Sequence[str]) -> pa.Table:
    """Return what `inputs_of` was made from.

    >>> as_table([["x", "y"]], ["a", "b"]).to_pydict()
    {'a': ['x'], 'b': ['y']}
    """
    if len(features) == 1:
        return pa.table({features[0]: pa.array(inputs)})
    columns = zip(*inputs, strict=True) if inputs else ([] for _ in features)
    return pa.table({name: list(values) for name, values in zip(features, columns, strict=True)})


def one_after_another(rows: pa.Table, features: Sequence[str]) -> pa.Array:
    """Return the texts of some features as one column, row by row.

    >>> one_after_another(pa.table({"a": ["x", "z"], "b": ["y", ""]}), ["a", "b"]).to_pylist()
    ['x', 'y', 'z', '']
    """
    columns = [rows[name].combine_chunks() for name in features]
    places = np.arange(len(features) * rows.num_rows).reshape(len(features), -1)
    return pa.concat_arrays(columns).take(pa.array(places.T.ravel()))

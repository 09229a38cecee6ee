"""List columns: their elements one after another, and where each row's begin."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Numbers = npt.NDArray[np.int64]


def offsets_of(counts: npt.NDArray[np.integer]) -> Numbers:
    """Return int64 [rows + 1]: where each row begins.

    >>> offsets_of(np.array([2, 0, 3])).tolist()
    [0, 2, 2, 5]
    """
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def one_chunk(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, without a copy where it is one."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def positions_of(column: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, Numbers]:
    """Return a list column's elements one after another, and where each row's begin."""
    column = one_chunk(column)
    counts = pc.fill_null(pc.list_value_length(column), 0)
    return column.flatten(), offsets_of(counts.to_numpy(zero_copy_only=False))


def lengths_of(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int32]:
    """Return int32 [rows]: how many elements each row of a list column has; none is null.

    >>> lengths_of(pa.array([["a", "b"], []])).tolist()
    [2, 0]
    """
    return np.asarray(pc.list_value_length(column).to_numpy(), np.int32)


def lists_from(
    elements: pa.Array, offsets: Numbers, *, missing: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """Return a list a row of elements one after another; null where one is missing.

    Args:
      elements: of all rows.
      offsets: int64 [rows + 1].
      missing: bool [rows].
    """
    mask = pa.array(missing) if missing is not None and missing.any() else None
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), elements, mask=mask)

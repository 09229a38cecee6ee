"""Columns of the table as NumPy arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.layout import DIGEST_BYTES

FLOAT32 = pa.float32()


def class_numbers(labels: pa.ChunkedArray, classes: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Return int64 [rows]: each hard label's class number, -1 for none."""
    numbers = pc.fill_null(pc.index_in(labels, value_set=pa.array(classes)), -1)
    return np.asarray(numbers.to_numpy(), np.int64)


def logits_matrix(column: pa.ChunkedArray) -> npt.NDArray[np.float32]:
    """Return float32 [rows, classes] of a logits column."""
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    values: npt.NDArray[np.float32] = (
        flat.reshape(len(column), -1) if len(column) else flat[:, None]
    )
    return values


def logits_lists(
    matrix: npt.NDArray[np.float32] | npt.NDArray[np.int64], kind: pa.DataType = FLOAT32
) -> pa.Array:
    """Return a list column of a matrix [rows, values]."""
    offsets = np.arange(len(matrix) + 1, dtype=np.int32) * matrix.shape[1]
    return pa.ListArray.from_arrays(offsets, pa.array(matrix.ravel(), kind))


def digest_matrix(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    """Return uint8 [rows, 16] of a digest column, without a copy where it is one chunk."""
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if len(column) == 0:
        return np.zeros((0, DIGEST_BYTES), np.uint8)
    start, size = column.offset * DIGEST_BYTES, len(column) * DIGEST_BYTES
    return np.frombuffer(column.buffers()[2], np.uint8)[start : start + size].reshape(
        -1, DIGEST_BYTES
    )


def repeats(rows: pa.Table, label_column: str) -> npt.NDArray[np.bool_]:
    """Return bool [rows]: which rows are equal in input and label to an earlier one.

    Args:
      rows: with `input_digest` and the label column.
      label_column: the head's.
    """
    if rows.num_rows == 0:
        return np.zeros(0, np.bool_)
    words = digest_matrix(rows["input_digest"]).view(np.uint64)
    labels = rows[label_column].combine_chunks().dictionary_encode().indices
    numbers = pc.fill_null(labels, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.lexsort((numbers, words[:, 1], words[:, 0]))
    keys = np.column_stack([words.view(np.int64), numbers])[order]
    repeated = np.zeros(rows.num_rows, np.bool_)
    repeated[order[1:]] = (keys[1:] == keys[:-1]).all(axis=1)
    return repeated

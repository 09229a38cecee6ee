"""Columns of the table as NumPy arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


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


def repeats(rows: pa.Table, label_column: str) -> np.ndarray:
    """Return bool [rows]: rows, in the table's order, equal in input and label to the one before.

    Args:
      rows: with `input_digest` and the label column, sorted by digest.
      label_column: the head's.
    """
    if rows.num_rows == 0:
        return np.zeros(0, bool)
    digests = np.array(rows["input_digest"].to_pylist(), dtype=object)
    labels = np.array(rows[label_column].to_pylist(), dtype=object)
    seen: set[object] = set()
    repeated = np.zeros(rows.num_rows, bool)
    for index, key in enumerate(zip(digests, labels, strict=True)):
        repeated[index] = key in seen
        seen = {key} if index and digests[index] != digests[index - 1] else seen | {key}
    return repeated

"""Columns of the table as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.heads import Head
from schemas.layout import DIGEST_BYTES
from stages.rows.lists import one_chunk

FLOAT32 = pa.float32()
Labels = npt.NDArray[Any]  # int64 or float32, see `stages/heads/labels.py`

KNOWN_COLUMN = "known_logits"
KNOWN_PREFIX = "known_"  # before a column of the layout: what is written as it was


def out_of_scope(rows: pa.Table, head: Head) -> npt.NDArray[np.bool_]:
    """Return bool [rows]: which of them are stated to be of none of the classes."""
    if head.out_of_scope is None:
        return np.zeros(rows.num_rows, np.bool_)
    found = pc.fill_null(pc.equal(rows[head.label_column], head.out_of_scope), False)
    return np.asarray(found.to_numpy(), np.bool_)


def has_label(labels: Labels) -> npt.NDArray[np.bool_]:
    """Return bool [lines]: which of the labels of `labels_by_line` there are."""
    there: npt.NDArray[np.bool_] = ~np.isnan(labels[:, 0]) if labels.ndim == 2 else labels >= 0
    return there


def no_label(labels: Labels) -> float:
    """Return what stands for none among the labels of `labels_by_line`."""
    return np.nan if labels.ndim == 2 else -1


def class_numbers(labels: pa.ChunkedArray, classes: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Return int64 [rows]: each hard label's class number, -1 for none.

    Of lists of labels, [positions]: those of a row after those of the row before.
    """
    if pa.types.is_list(labels.type):
        labels = pa.chunked_array([labels.combine_chunks().flatten()], pa.string())
    if pa.types.is_dictionary(labels.type):
        return np.concatenate([_numbers_of_codes(codes, classes) for codes in labels.chunks])
    numbers = pc.fill_null(pc.index_in(labels, value_set=pa.array(classes)), -1)
    return np.asarray(numbers.to_numpy(), np.int64)


def _numbers_of_codes(
    labels: pa.DictionaryArray, classes: tuple[str, ...]
) -> npt.NDArray[np.int64]:
    """Return the same of labels that a file's dictionary holds, each looked up once."""
    values = class_numbers(pa.chunked_array([labels.dictionary]), classes)
    codes = pc.fill_null(labels.indices, len(values)).to_numpy()
    return np.asarray(np.append(values, -1)[codes], np.int64)


def logits_matrix(column: pa.ChunkedArray) -> npt.NDArray[np.float32]:
    """Return float32 [rows, classes] of a logits column."""
    flat = one_chunk(column).flatten().to_numpy(zero_copy_only=False)
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
    column = one_chunk(column)
    if len(column) == 0:
        return np.zeros((0, DIGEST_BYTES), np.uint8)
    start, size = column.offset * DIGEST_BYTES, len(column) * DIGEST_BYTES
    return np.frombuffer(column.buffers()[2], np.uint8)[start : start + size].reshape(
        -1, DIGEST_BYTES
    )


def family(rows: pa.Table) -> pa.Array:
    """Return the digest that decides each row's place: its parent's, for a view."""
    return pc.coalesce(rows["parent_digest"], rows["input_digest"]).combine_chunks()


def shard_order(rows: pa.Table) -> npt.NDArray[np.int64]:
    """Return the numbers of rows in a shard's order: by family, view and id."""
    keyed = rows.select(["view", "example_id"]).append_column("family", family(rows))
    keys = [(name, "ascending") for name in ("family", "view", "example_id")]
    order = pc.sort_indices(keyed, sort_keys=keys).to_numpy()
    return np.asarray(order, np.int64)


def repeats(rows: pa.Table, label_column: str) -> npt.NDArray[np.bool_]:
    """Return bool [rows]: which rows are equal in input and label to an earlier one.

    Args:
      rows: with `input_digest` and the label column.
      label_column: the head's.
    """
    if rows.num_rows == 0:
        return np.zeros(0, np.bool_)
    words = digest_matrix(rows["input_digest"]).view(np.uint64)
    labels = label_text(rows[label_column]).dictionary_encode().indices
    numbers = pc.fill_null(labels, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.lexsort((numbers, words[:, 1], words[:, 0]))
    keys = np.column_stack([words.view(np.int64), numbers])[order]
    repeated = np.zeros(rows.num_rows, np.bool_)
    repeated[order[1:]] = (keys[1:] == keys[:-1]).all(axis=1)
    return repeated


def label_text(labels: pa.ChunkedArray) -> pa.Array:
    """Return labels as one text a row, so that rows can be compared; null for none."""
    column = labels.combine_chunks()
    if pa.types.is_floating(column.type):
        return column.cast(pa.string())
    if not pa.types.is_list(column.type):
        return column
    texts = pc.binary_join_element_wise(pc.fill_null(column.values, "\x1e"), "", "\x1f")
    mask = column.is_null() if column.null_count else None
    return pc.binary_join(pa.ListArray.from_arrays(column.offsets, texts, mask=mask), "")

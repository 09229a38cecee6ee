"""Columns of the table as they go into TensorFlow, and batches cut from them inside the graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from schemas.layout import Layout
from stages.codec import decode
from stages.columns import labels_by_line
from stages.row_logits import positions_of

Numbers = npt.NDArray[np.int64]


class Columns(NamedTuple):
    """Rows of the table: texts as one blob, and what is said of each text or of each of its words.

    Attributes:
      blob, ends: every text, or every word, one after another, and int64 [texts + 1] where each
        begins.
      rows: int64 [rows + 1], where each row's words begin; empty where a row is a text.
      labels: int64 [lines], class numbers, -1 for none.
      logits: float32 [lines, classes], the teacher's; zeros where it saw nothing.
      seen: bool [lines]; empty where a row is a text.
      is_view: bool [rows]; empty of a table without views.
    """

    blob: bytes
    ends: Numbers
    rows: Numbers
    labels: Numbers
    logits: npt.NDArray[np.float32]
    seen: npt.NDArray[np.bool_]
    is_view: npt.NDArray[np.bool_]


def columns_of(rows: pa.Table, layout: Layout, *, views: bool) -> Columns:
    """Return rows of the table as columns."""
    texts, starts = rows[layout.features[0]].combine_chunks(), np.zeros(0, np.int64)
    answers = decode(rows, layout)
    logits, seen = answers.values, np.zeros(0, np.bool_)
    if answers.offsets is not None:
        texts, starts = positions_of(texts)
        seen = answers.seen
        logits = np.where(seen[:, None], logits, np.float32(0))
    blob, ends = text_buffers(texts)
    is_view = rows["view"].to_numpy() > 0 if views else np.zeros(0, np.bool_)
    return Columns(blob, ends, starts, labels_by_line(rows, layout), logits, seen, is_view)


def signature(classes: int) -> tuple[tf.TensorSpec, ...]:
    """Return the types of columns."""
    numbers, flags = tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.bool)
    logits = tf.TensorSpec([None, classes], tf.float32)
    return (tf.TensorSpec([], tf.string), numbers, numbers, numbers, logits, flags, flags)


def row_count(columns: Columns, *, by_position: bool) -> tf.Tensor:
    """Return the number of rows."""
    if by_position:
        return tf.shape(columns.rows, tf.int64)[0] - 1
    return tf.shape(columns.labels, tf.int64)[0]


def text_batch(columns: Columns, start: tf.Tensor, size: int) -> dict[str, tf.Tensor]:
    """Return `size` rows, or what is left, of texts; only a batch's own texts are copied."""
    ends = columns.ends[start : start + size + 1]
    return {
        "text": tf.strings.substr(columns.blob, ends[:-1], ends[1:] - ends[:-1]),
        "label": columns.labels[start : start + size],
        "teacher_logits": columns.logits[start : start + size],
    }


def word_batch(columns: Columns, start: tf.Tensor, size: int) -> dict[str, tf.Tensor]:
    """Return `size` rows, or what is left, of words, padded to the longest but for the words."""
    rows = columns.rows[start : start + size + 1]
    first, last = rows[0], rows[-1]
    ends = columns.ends[first : last + 1]
    words = tf.strings.substr(columns.blob, ends[:-1], ends[1:] - ends[:-1])

    def by_row(lines: tf.Tensor) -> tf.RaggedTensor:
        return tf.RaggedTensor.from_row_splits(lines, rows - first)

    return {
        "text": by_row(words),
        "label": by_row(columns.labels[first:last]).to_tensor(-1),
        "teacher_logits": by_row(columns.logits[first:last]).to_tensor(),
        "seen": by_row(columns.seen[first:last]).to_tensor(False),
    }


def text_buffers(column: pa.Array) -> tuple[bytes, Numbers]:
    """Return a string column as one blob and int64 [rows + 1] offsets into it."""
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    if len(column) == 0:
        return b"", np.zeros(1, np.int64)
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    blob = b"" if data is None else data.slice(ends[0], ends[-1] - ends[0]).to_pybytes()
    return blob, (ends - ends[0]).astype(np.int64)

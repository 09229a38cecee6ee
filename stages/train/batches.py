"""Columns of the table as they go into TensorFlow, and batches cut from them inside the graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from schemas.heads import Head
from schemas.layout import Layout
from stages.codec import decode
from stages.columns import Labels, labels_by_line
from stages.inputs import as_text, one_after_another
from stages.lists import Numbers, one_chunk, positions_of


class Columns(NamedTuple):
    """Rows of the table: texts as one blob, and what is said of each text or of each of its words.

    Attributes:
      blob, ends: every text (of pairs both), or every word, one after another, and int64 [texts +
        1] where each begins.
      rows: int64 [rows + 1], where each row's words begin; empty where a row is a text.
      labels: of `labels_by_line`.
      logits: float32 [lines, classes], the teacher's; zeros where it saw nothing.
      seen: bool [lines]; empty where a row is a text.
      is_view: bool [rows]; empty of a table without views.
    """

    blob: bytes
    ends: Numbers
    rows: Numbers
    labels: Labels
    logits: npt.NDArray[np.float32]
    seen: npt.NDArray[np.bool_]
    is_view: npt.NDArray[np.bool_]


def columns_of(rows: pa.Table, order: Numbers, layout: Layout, *, views: bool) -> Columns:
    """Return some rows of the table as columns.

    Args:
      rows: in one chunk.
      order: int64 [rows chosen], the number of each within `rows`.
      layout: the table's.
      views: whether the table has augmented ones.
    """
    is_view = rows["view"].to_numpy()[order] > 0 if views else np.zeros(0, np.bool_)
    if layout.head.by_position:
        return _columns_of_words(rows.take(pa.array(order)), layout, is_view)
    names = [*layout.features, layout.head.label_column]
    asked = rows.select(names).take(pa.array(order))
    texts = one_after_another(asked, layout.features) if layout.has_pairs else as_text(asked[0])
    blob, ends = text_buffers(texts)
    labels, logits = labels_by_line(asked, layout), _logits(rows, order, layout)
    nothing, unsaid = np.zeros(0, np.int64), np.zeros(0, np.bool_)
    return Columns(blob, ends, nothing, labels, logits, unsaid, is_view)


def _logits(rows: pa.Table, order: Numbers, layout: Layout) -> npt.NDArray[np.float32]:
    """Return some rows' logits; those that a table kept a few of are made whole for these alone."""
    if layout.encoding.top_k is None:
        return np.take(decode(rows, layout).values, order, axis=0)  # faster than an index of rows
    return decode(rows.select(layout.logit_columns).take(pa.array(order)), layout).values


def _columns_of_words(rows: pa.Table, layout: Layout, is_view: npt.NDArray[np.bool_]) -> Columns:
    words, starts = positions_of(rows[layout.features[0]])
    answers = decode(rows, layout)
    logits = np.where(answers.seen[:, None], answers.values, np.float32(0))
    blob, ends = text_buffers(words)
    return Columns(blob, ends, starts, labels_by_line(rows, layout), logits, answers.seen, is_view)


def signature(head: Head) -> tuple[tf.TensorSpec, ...]:
    """Return the types of columns."""
    classes = len(head.classes)
    numbers, flags = tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.bool)
    logits = tf.TensorSpec([None, classes], tf.float32)
    labels = numbers if head.kind == "softmax" else logits
    return (tf.TensorSpec([], tf.string), numbers, numbers, labels, logits, flags, flags)


def text_batches(columns: Columns, size: int, *, views: bool, pairs: bool) -> tf.data.Dataset:
    """Return batches of `size` texts, or pairs of them [size, 2], and one of what is left.

    All texts are made at once, and batches are slices of them, since a function that is called for
    each batch takes longer than what it does.
    """
    lines = {
        "text": tf.strings.substr(
            columns.blob, columns.ends[:-1], columns.ends[1:] - columns.ends[:-1]
        ),
        "label": columns.labels,
        "teacher_logits": columns.logits,
        **({"is_view": columns.is_view} if views else {}),
    }
    if pairs:
        lines["text"] = tf.reshape(lines["text"], [-1, 2])
    rows = tf.shape(columns.labels)[0]
    whole = rows // size * size
    full = {name: _stacked(found[:whole], size) for name, found in lines.items()}
    # no batch, or one, of what is left
    rest = {name: found[whole:][None][: rows - whole] for name, found in lines.items()}
    slices = tf.data.Dataset.from_tensor_slices
    return slices(full).concatenate(slices(rest))


def word_batches(columns: Columns, size: int, *, views: bool) -> tf.data.Dataset:
    """Return batches of `size` rows of words, and one of what is left, padded to the longest."""

    def batch(start: tf.Tensor) -> dict[str, tf.Tensor]:
        found = _word_batch(columns, start, size)
        return {**found, "is_view": columns.is_view[start : start + size]} if views else found

    return tf.data.Dataset.range(0, tf.shape(columns.rows, tf.int64)[0] - 1, size).map(batch)


def _stacked(lines: tf.Tensor, size: int) -> tf.Tensor:
    """Return [lines, …] as [batches, size, …]."""
    return tf.reshape(lines, tf.concat([[-1, size], tf.shape(lines)[1:]], axis=0))


def _word_batch(columns: Columns, start: tf.Tensor, size: int) -> dict[str, tf.Tensor]:
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
    column = one_chunk(column)
    if len(column) == 0:
        return b"", np.zeros(1, np.int64)
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    blob = b"" if data is None else data.slice(ends[0], ends[-1] - ends[0]).to_pybytes()
    return blob, (ends - ends[0]).astype(np.int64)

"""Columns of the table as they go into TensorFlow, and batches cut from them inside the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from schemas.heads import Head
from schemas.layout import Layout
from stages.heads import head_kind
from stages.heads.labels import labels_by_line
from stages.inputs.find import input_named
from stages.inputs.protocol import Input
from stages.rows.codec import decode
from stages.rows.columns import Labels
from stages.rows.lists import Numbers, one_chunk, positions_of
from stages.rows.row_logits import RowLogits


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
    texts = input_named(layout.input_kind).strings(asked.select(list(layout.features)))
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
    logits = zero_where_unseen(answers)
    blob, ends = text_buffers(words)
    return Columns(blob, ends, starts, labels_by_line(rows, layout), logits, answers.seen, is_view)


def zero_where_unseen(answers: RowLogits) -> npt.NDArray[np.float32]:
    """Return float32 [lines, classes]: logits, zeros where there is none."""
    return np.where(answers.seen[:, None], answers.values, np.float32(0))


def signature(head: Head) -> tuple[tf.TensorSpec, ...]:
    """Return the types of columns."""
    classes = len(head.classes)
    numbers, flags = tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.bool)
    logits = tf.TensorSpec([None, classes], tf.float32)
    labels = numbers if head_kind(head.kind).has_class_numbers else logits
    return (tf.TensorSpec([], tf.string), numbers, numbers, labels, logits, flags, flags)


def text_batches(columns: Columns, size: int, *, views: bool, kind: Input) -> tf.data.Dataset:
    """Return batches of `size` texts, as their kind of input has them, and one of what is left."""
    lines = {
        "text": kind.in_graph(texts_of(columns.blob, columns.ends)),
        "label": columns.labels,
        "teacher_logits": columns.logits,
        **({"is_view": columns.is_view} if views else {}),
    }
    return sliced(lines, tf.shape(columns.labels)[0], size)


def texts_of(blob: tf.Tensor, ends: tf.Tensor) -> tf.Tensor:
    """Return the texts of a blob, string [texts]."""
    return tf.strings.substr(blob, ends[:-1], ends[1:] - ends[:-1])


def sliced(lines: Mapping[str, Any], rows: tf.Tensor, size: int) -> tf.data.Dataset:
    """Return batches of `size` rows of some tensors, and one of what is left.

    All rows are made before, and batches are slices of them, since a function that is called for
    each batch takes longer than what it does.

    Args:
      lines: each [rows, …], by name, or by names.
      rows: how many.
      size: of a batch.
    """
    whole = rows // size * size
    full = tf.nest.map_structure(lambda found: _stacked(found[:whole], size), lines)
    # no batch, or one, of what is left
    rest = tf.nest.map_structure(lambda found: found[whole:][None][: rows - whole], lines)
    slices = tf.data.Dataset.from_tensor_slices
    return slices(full).concatenate(slices(rest))


def word_batches(columns: Columns, size: int, *, views: bool) -> tf.data.Dataset:
    """Return batches of `size` rows of words, and one of what is left, padded to the longest."""

    def batch(rows: WordRows) -> dict[str, tf.Tensor]:
        found = {
            "text": rows.words(columns.blob, columns.ends),
            **rows.answers(columns.labels, columns.logits, columns.seen),
        }
        return {**found, "is_view": rows.each(columns.is_view)} if views else found

    return by_rows(columns.rows, size, batch)


class WordRows:
    """Some rows of words of a chunk, one after another."""

    def __init__(self, starts: tf.Tensor, first: tf.Tensor, size: int) -> None:
        """Say which.

        Args:
          starts: int64 [rows of the chunk + 1], where each row's words begin.
          first: number of the first row.
          size: how many, or as many as there are.
        """
        self._place = slice(first, first + size)
        rows = starts[first : first + size + 1]
        self._first, self._last = rows[0], rows[-1]
        self._splits = rows - self._first

    def each(self, values: tf.Tensor) -> tf.Tensor:
        """Return what there is for each row."""
        return values[self._place]

    def words(self, blob: tf.Tensor, ends: tf.Tensor) -> tf.RaggedTensor:
        """Return the words, string [rows, (words)]."""
        return self._by_row(texts_of(blob, ends[self._first : self._last + 1]))

    def answers(
        self, labels: tf.Tensor, logits: tf.Tensor, seen: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return what is said of the words, each [rows, most words, …], padded."""
        return {
            "label": self._padded(labels, -1),
            "teacher_logits": self._padded(logits, 0.0),
            "seen": self._padded(seen, False),
        }

    def _padded(self, lines: tf.Tensor, value: float | bool) -> tf.Tensor:
        return self._by_row(lines[self._first : self._last]).to_tensor(value)

    def _by_row(self, lines: tf.Tensor) -> tf.RaggedTensor:
        return tf.RaggedTensor.from_row_splits(lines, self._splits)


def by_rows(
    starts: tf.Tensor, size: int, batch: Callable[[WordRows], Mapping[str, Any]]
) -> tf.data.Dataset:
    """Return the batches of `size` rows of words of a chunk, and one of what is left."""
    firsts = tf.data.Dataset.range(0, tf.shape(starts, tf.int64)[0] - 1, size)
    return firsts.map(lambda first: batch(WordRows(starts, first, size)))


def _stacked(lines: tf.Tensor, size: int) -> tf.Tensor:
    """Return [lines, …] as [batches, size, …]."""
    return tf.reshape(lines, tf.concat([[-1, size], tf.shape(lines)[1:]], axis=0))


def largest(logits: tf.Tensor, top_k: int) -> tf.Tensor:
    """Return bool [..., classes]: the largest logits, which are those that a table keeps.

    >>> largest(tf.constant([[1.0, 3.0, 2.0]]), 2).numpy().tolist()
    [[False, True, True]]
    """
    _, classes = tf.math.top_k(logits, top_k)
    return tf.reduce_any(tf.one_hot(classes, logits.shape[-1], True, False, dtype=tf.bool), axis=-2)


def text_buffers(column: pa.Array) -> tuple[bytes, Numbers]:
    """Return a string column as one blob and int64 [rows + 1] offsets into it."""
    column = one_chunk(column)
    if len(column) == 0:
        return b"", np.zeros(1, np.int64)
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    blob = b"" if data is None else data.slice(ends[0], ends[-1] - ends[0]).to_pybytes()
    return blob, (ends - ends[0]).astype(np.int64)

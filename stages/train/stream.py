"""Stream a split of the table into batches, without a Python object per row.

The batch at (seed, epoch, step) is a pure function of the table version: row groups are
permuted, then the rows within a window of row groups. Any step can be reached without
reading what comes before it, but for its own window. Memory: one window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from schemas.errors import DamagedTableError, TableError
from stages.codec import decode
from stages.columns import class_numbers, repeats
from stages.table import Shard, SoftLabelTable, read_shard

_WINDOW_ROWS = 131_072


@dataclass(frozen=True)
class _Group:
    """A row group of a shard: which of its rows count, by number within the group."""

    shard: Shard
    number: int
    kept: npt.NDArray[np.int64]


class SoftLabelStream:
    """Batches of one split: `text`, `label` (class number, -1 for none), `teacher_logits`.

    Of a table with `top_k` also `teacher_kept`: which logits are the teacher's own.
    """

    def __init__(
        self,
        table: SoftLabelTable,
        split: str,
        *,
        batch_size: int,
        seed: int,
        once: bool,
        labelled_only: bool = False,
    ) -> None:
        """Plan the stream; only digests, views and labels are read.

        An epoch has as many steps as the labelled examples fill, views or not: so students with
        and without views train for equally many steps.

        Args:
          table: the opened version.
          split: train, validation or test.
          batch_size: rows in a batch; the last of an epoch has what remains.
          seed: of the order.
          once: leave out rows that repeat another's input and label.
          labelled_only: leave out augmented views and rows without a hard label.

        Raises:
          TableError: the split has no row.
        """
        self._layout = table.card.layout
        self._head = table.card.head
        self._feature = table.card.features[0]
        self._batch_size = batch_size
        self._seed = seed
        shards = table.shards_of(split)
        chosen = [_Chosen.of(shard, self._head.label_column, once=once) for shard in shards]
        self._groups = [
            group
            for shard, rows in zip(shards, chosen, strict=True)
            for group in _groups(shard, rows.labelled if labelled_only else rows.counted)
        ]
        self.rows = sum(len(group.kept) for group in self._groups)
        self.labelled = labelled = sum(int(rows.labelled.sum()) for rows in chosen)
        if self.rows == 0:
            raise TableError(f"no row in split {split!r}: {table.path}. Mend the corpus's split.")
        self.steps_per_pass = math.ceil(self.rows / batch_size)
        self.steps_per_epoch = math.ceil((labelled or self.rows) / batch_size)

    def dataset(self, *, first_epoch: int = 0, first_step: int = 0) -> tf.data.Dataset:
        """Return endless batches from (first_epoch, first_step) on, epoch after epoch.

        Elements: `text` string [batch], `label` int64 [batch], `teacher_logits` float32
        [batch, classes], and `teacher_kept` bool [batch, classes] of a table with `top_k`.
        """
        first_row = first_step * self._batch_size
        epochs = tf.data.Dataset.counter(first_epoch)
        return epochs.flat_map(
            lambda epoch: self._epoch(epoch, tf.where(epoch == first_epoch, first_row, 0))
        )

    def one_pass(self) -> tf.data.Dataset:
        """Return every row once, as a dataset that knows its length."""
        batches = self.dataset().take(self.steps_per_pass)
        return batches.apply(tf.data.experimental.assert_cardinality(self.steps_per_pass))

    def chunks(self, epoch: int, first_row: int) -> Iterator[tuple[bytes, ...]]:
        """Yield an epoch's windows in order, each as columns; whole windows before are skipped."""
        rng = np.random.default_rng([self._seed, epoch])
        for number, window in enumerate(self._windows(rng.permutation(len(self._groups)))):
            size = sum(len(group.kept) for group in window)
            order = np.random.default_rng([self._seed, epoch, number]).permutation(size)
            if first_row < size:
                yield self._columns(window, order[first_row:])
            first_row = max(0, first_row - size)

    def _epoch(self, epoch: tf.Tensor, first_row: tf.Tensor) -> tf.data.Dataset:
        signature = (
            tf.TensorSpec([], tf.string),
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([None, len(self._head.classes)], tf.float32),
        )
        chunks = tf.data.Dataset.from_generator(
            self.chunks, output_signature=signature, args=(epoch, first_row)
        )
        top_k = self._layout.encoding.top_k
        return chunks.map(lambda *columns: _unpack(*columns, top_k=top_k)).rebatch(self._batch_size)

    def _windows(self, order: npt.NDArray[np.int64]) -> Iterator[list[_Group]]:
        window: list[_Group] = []
        for number in order:
            window.append(self._groups[number])
            if sum(len(group.kept) for group in window) >= _WINDOW_ROWS:
                yield window
                window = []
        if window:
            yield window

    def _columns(self, window: list[_Group], order: npt.NDArray[np.int64]) -> tuple[bytes, ...]:
        names = [self._feature, self._head.label_column, *self._layout.logit_columns]
        rows = pa.concat_tables([_read_group(group, names) for group in window])
        rows = rows.combine_chunks().take(pa.array(order)).combine_chunks()
        blob, offsets = text_buffers(rows[self._feature].combine_chunks())
        labels = class_numbers(rows[self._head.label_column], self._head.classes)
        return blob, offsets, labels, decode(rows, self._layout)


def text_buffers(column: pa.Array) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Return a string column as one blob and int64 [rows + 1] offsets into it."""
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    blob = b"" if data is None else data.slice(ends[0], ends[-1] - ends[0]).to_pybytes()
    return blob, (ends - ends[0]).astype(np.int64)


def _unpack(
    blob: tf.Tensor,
    offsets: tf.Tensor,
    labels: tf.Tensor,
    logits: tf.Tensor,
    *,
    top_k: int | None,
) -> dict[str, tf.Tensor]:
    text = tf.strings.substr(blob, offsets[:-1], offsets[1:] - offsets[:-1])
    columns = {"text": text, "label": labels, "teacher_logits": logits}
    if top_k is not None:
        columns["teacher_kept"] = _largest(logits, top_k)
    return columns


def _largest(logits: tf.Tensor, top_k: int) -> tf.Tensor:
    """Return bool [batch, classes]: the largest logits, which are those that a table keeps."""
    _, classes = tf.math.top_k(logits, top_k)
    return tf.reduce_any(tf.one_hot(classes, logits.shape[-1], True, False, dtype=tf.bool), axis=1)


@dataclass(frozen=True)
class _Chosen:
    """Which rows of a shard count: bool [rows] each."""

    counted: npt.NDArray[np.bool_]
    labelled: npt.NDArray[np.bool_]

    @staticmethod
    def of(shard: Shard, label_column: str, *, once: bool) -> _Chosen:
        rows = read_shard(shard, ["input_digest", "view", label_column])
        original = rows["view"].to_numpy() == 0
        counted = np.ones(rows.num_rows, np.bool_)
        if once:
            counted[original] = ~repeats(rows.filter(pa.array(original)), label_column)
        has_label = rows[label_column].is_valid().to_numpy()
        return _Chosen(counted, counted & original & has_label)


def _groups(shard: Shard, keep: npt.NDArray[np.bool_]) -> list[_Group]:
    try:
        metadata = pq.read_metadata(shard.path)
    except (pa.ArrowException, OSError) as error:
        raise DamagedTableError(f"shard cannot be read: {shard.path}: {error}.") from error
    groups, start = [], 0
    for number in range(metadata.num_row_groups):
        end = start + metadata.row_group(number).num_rows
        groups.append(_Group(shard, number, np.flatnonzero(keep[start:end])))
        start = end
    return groups


def _read_group(group: _Group, names: list[str]) -> pa.Table:
    try:
        with pq.ParquetFile(group.shard.path) as file:
            rows = file.read_row_group(group.number, columns=names)
    except (pa.ArrowException, OSError) as error:
        said = str(error).splitlines()[0]
        raise DamagedTableError(f"shard cannot be read: {group.shard.path}: {said}.") from error
    return rows.take(pa.array(group.kept))

"""Stream a split of the table into batches, without a Python object per row.

The batch at (seed, step) is a pure function of the table version: in each pass row groups are
permuted, then the rows within a window of row groups. Any step can be reached without reading
what comes before it, but for its own window. Memory: three windows as they are kept, of which two
are read ahead, and two chunks, parts of a window whose texts and logits are made whole at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from schemas.errors import TableError
from stages.networks.untuned import untuned
from stages.rows.lists import Numbers
from stages.table.opening import JoinedTable, SoftLabelTable
from stages.train.stream.contents import Contents, OneHead
from stages.train.stream.row_groups import RowGroup, row_groups
from stages.train.stream.windows import Window, read_ahead, windows_of

_CHUNK_VALUES = 2**24  # logits of a chunk
_OF_VIEWS = 0x56  # apart from the numbers of windows


class SoftLabelStream:
    """Batches of one split: `text`, `label` (as of `labels_by_line`), `teacher_logits`.

    Of a table with `top_k` also `teacher_kept`: which logits are the teacher's own. Of one with
    augmented views also `is_view`.
    """

    def __init__(
        self,
        table: SoftLabelTable | JoinedTable,
        split: str,
        *,
        batch_size: int,
        seed: int,
        once: bool,
        labelled_only: bool = False,
        views_per_pass: int | None = None,
        contents: Contents | None = None,
    ) -> None:
        """Plan the stream; only digests, views and labels are read.

        An epoch has as many steps as the labelled examples fill, views or not: so students with
        and without views train for equally many steps. A pass has every row.

        Args:
          table: the opened version.
          split: train, validation or test.
          batch_size: rows in a batch; the last of a pass has what remains.
          seed: of the order.
          once: leave out rows that repeat another's input and label.
          labelled_only: leave out augmented views and rows without a hard label.
          views_per_pass: how many views of each example a pass has, drawn for each; all when None.
          contents: what of each row a batch has; the text, label and logits of one head when None.

        Raises:
          TableError: the split has no row, or none with a hard label where these are wanted.
        """
        self._contents = contents or OneHead.of(cast(SoftLabelTable, table))
        self.batch_size, self._split, self._name = batch_size, split, table.name
        self._seed = seed
        self._failure: TableError | None = None
        shards = table.shards_of(split)
        chosen = [self._contents.chosen(shard, once=once) for shard in shards]
        self._groups = [
            group
            for shard, rows in zip(shards, chosen, strict=True)
            for group in row_groups(
                shard, rows.labelled if labelled_only else rows.counted, rows.views, rows.marks
            )
        ]
        self._views_per_pass = views_per_pass
        self._rows_of_views = _rows_of_views(self._groups)
        self.originals = int(self._rows_of_views[0])
        self.views = int(self._rows_of_views[1:].sum())
        self.rows = self._rows_of_pass(0)
        self.labelled = sum(int(rows.labelled.sum()) for rows in chosen)
        if labelled_only and any(rows.counted.any() for rows in chosen):
            self.check_labelled()
        if self.rows == 0:
            raise TableError(f"no row in split {split!r}: {table.name}. Mend the corpus's split.")
        self.steps_per_pass = math.ceil(self.rows / batch_size)
        self.steps_per_epoch = math.ceil((self.labelled or self.rows) / batch_size)

    def check_labelled(self) -> None:
        """Refuse a split without hard labels.

        Raises:
          TableError: there is none.
        """
        if not self.labelled:
            raise TableError(
                f"no row with a hard label in split {self._split!r}: {self._name}: a baseline, and "
                "epochs on hard labels, need some. State train.baseline = false and "
                "train.hard_label_epochs = 0, or label some rows."
            )

    def times_asked(self, steps: int) -> tuple[float, float]:
        """Return how often so many steps from the first on ask each row and, on average, a view."""
        number, step = self._place_of(steps)
        part = step * self.batch_size / self._rows_of_pass(number)
        views = [self._rows_of_pass(one) - self.originals for one in range(number + 1)]
        return number + part, (sum(views[:-1]) + part * views[-1]) / max(1, self.views)

    def dataset(self, *, first_step: int = 0) -> tf.data.Dataset:
        """Return endless batches from a step on, pass after pass.

        Elements: `text` string [batch], of pairs [batch, 2]; `label` as of `labels_by_line`;
        `teacher_logits` float32 [batch, classes]; `teacher_kept` bool [batch, classes] of a table
        with `top_k`; `is_view` bool [batch] of one with views. Of words each is [batch, words, …],
        padded with -1 and zeros; `text` is ragged, and `seen` bool [batch, words] says which the
        teacher saw.
        """
        first_pass, step = self._place_of(first_step)
        first_row = step * self.batch_size
        return self._batches_of(partial(count, first_pass), first_row)

    def one_pass(self) -> tf.data.Dataset:
        """Return every row once, as a dataset that knows its length."""
        batches = self._batches_of(lambda: [0], 0)
        return batches.apply(tf.data.experimental.assert_cardinality(self.steps_per_pass))

    def chunks(self, passes: Iterable[int], first_row: int) -> Iterator[Any]:
        """Yield the rows of passes in order, as columns of whole batches, the last of what remains.

        Args:
          passes: their numbers.
          first_row: where in the first to begin; whole windows before it are not read.
        """
        try:
            yield from self._whole_batches(self._windows(passes, first_row))
        except TableError as error:
            self._failure = error  # TensorFlow makes another error of it
            raise

    @contextmanager
    def own_errors(self) -> Iterator[None]:
        """Raise what the stream stated, where TensorFlow says it in words of its own.

        Raises:
          DamagedTableError: a shard cannot be read.
        """
        try:
            yield
        except tf.errors.OpError as error:
            if self._failure is None:
                raise
            raise self._failure from error

    def _place_of(self, step: int) -> tuple[int, int]:
        """Return the pass of a step, and its number within that."""
        if self._views_per_pass is None:
            return divmod(step, self.steps_per_pass)
        number = 0
        while step >= (steps := math.ceil(self._rows_of_pass(number) / self.batch_size)):
            number, step = number + 1, step - steps
        return number, step

    def _rows_of_pass(self, number: int) -> int:
        return int(self._rows_of_views[[0, *self._views_of(number)]].sum())

    def _views_of(self, number: int) -> npt.NDArray[np.int64]:
        """Return the numbers of the views that a pass has."""
        every = np.arange(1, len(self._rows_of_views))
        if self._views_per_pass is None or self._views_per_pass >= len(every):
            return every
        draw = np.random.default_rng([self._seed, number, _OF_VIEWS])
        return np.sort(draw.choice(every, self._views_per_pass, replace=False))

    def _groups_of(self, number: int) -> list[RowGroup]:
        if self._views_per_pass is None:
            return self._groups
        chosen = self._views_of(number)
        return [group.with_views(chosen) for group in self._groups]

    def _windows(self, passes: Iterable[int], first_row: int) -> Iterator[Window]:
        for number in passes:
            groups = self._groups_of(number)
            yield from windows_of(groups, seed=self._seed, number=number, first_row=first_row)
            first_row = 0

    def _whole_batches(self, windows: Iterable[Window]) -> Iterator[Any]:
        """Yield each window's rows but those that fill no batch, which wait for the next."""
        waiting: list[pa.Table] = []
        names, by_code = self._contents.names, self._contents.by_code
        for window, read in read_ahead(windows, names, by_code=by_code):
            rows = pa.concat_tables([*waiting, read]).combine_chunks()
            del read  # of which `rows` is a copy
            before = rows.num_rows - window.size
            order = np.concatenate([np.arange(before), before + window.order()])
            end = len(order) if window.last else len(order) // self.batch_size * self.batch_size
            waiting = [] if window.last else [rows.take(pa.array(order[end:]))]
            for part in self._parts(rows, order[:end]):
                yield self._contents.columns(rows, part)
            del rows  # before the next are joined

    def _parts(self, rows: pa.Table, order: Numbers) -> Iterator[Numbers]:
        """Yield some whole batches of rows at a time, so that their logits are not too many."""
        values = max(1, self._contents.logits_of(rows))
        size = max(1, _CHUNK_VALUES * rows.num_rows // values // self.batch_size)
        for start in range(0, len(order), size * self.batch_size):
            yield order[start : start + size * self.batch_size]

    def _batches_of(self, passes: Callable[[], Iterable[int]], first_row: int) -> tf.data.Dataset:
        """Return the batches of passes, the first from a row on; one chunk is made ahead."""
        chunks = tf.data.Dataset.from_generator(
            lambda: self.chunks(passes(), first_row), output_signature=self._contents.signature
        )
        cut = partial(self._contents.batches, size=self.batch_size)
        return untuned(chunks.prefetch(1).flat_map(lambda *chunk: cut(*chunk)))


def _rows_of_views(groups: Iterable[RowGroup]) -> npt.NDArray[np.int64]:
    """Return int64 [views + 1]: how many rows that count each view has; originals first."""
    counts = np.zeros(1, np.int64)
    for group in groups:
        own = np.array([group.size]) if group.views is None else np.bincount(group.views)
        longer = np.zeros(max(len(counts), len(own)), np.int64)
        longer[: len(counts)] += counts
        longer[: len(own)] += own
        counts = longer
    return counts

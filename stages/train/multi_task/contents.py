"""What a batch has for several heads: each row once, and what every head says of it.

What a row lacks has no label, and is not `seen`: losses do not count it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from schemas.layout import Layout
from stages.heads.labels import labels_by_line
from stages.inputs.find import input_named
from stages.rows.codec import decode
from stages.rows.columns import Labels, no_label
from stages.rows.lists import Numbers, positions_of
from stages.rows.row_logits import RowLogits
from stages.table.shard import Shard
from stages.train.stream.batches import (
    WordRows,
    by_rows,
    signature,
    sliced,
    text_buffers,
    texts_of,
    zero_where_unseen,
)
from stages.train.stream.contents import lines_of, with_kept
from stages.train.stream.row_groups import ChosenRows

Answers = tuple[Labels, npt.NDArray[np.float32], npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class SeveralHeads:
    """Batches of `text`, `is_view` and `heads`: by task `label`, `teacher_logits` and `seen`.

    Of a task whose table has `top_k` also `teacher_kept`. Where any head has a class per word,
    `text` is of words, as of a stream of such a head, and a head per example has a line a row.

    Attributes:
      layouts: by task, as its head sees the table; all of the same features.
    """

    layouts: Mapping[str, Layout]

    @property
    def names(self) -> list[str]:
        """Columns that are read."""
        names = [*self._first.features, "view"]
        for layout in self.layouts.values():
            names += [layout.head.label_column, *layout.logit_columns]
        return names

    @property
    def by_code(self) -> list[str]:
        """No column."""
        return []

    @property
    def signature(self) -> tuple[Any, ...]:
        """Types of the columns of a chunk."""
        blob, numbers, rows, *_, flags = signature(self._first.head)
        heads = {}
        for task, layout in self.layouts.items():
            *_, labels, logits, seen, _ = signature(layout.head)
            heads[task] = (labels, logits, seen)
        return (blob, numbers, rows, flags, heads)

    def chosen(self, shard: Shard, *, once: bool) -> ChosenRows:
        """Return which rows of a file count for any head, and for which of them."""
        heads = [layout.head for layout in self.layouts.values()]
        found = {
            head.presence_column: ChosenRows.of(
                replace(shard, presence=head.presence_column), head, once=once
            )
            for head in heads
        }
        return ChosenRows.of_any(found)

    def logits_of(self, rows: pa.Table) -> int:
        """Return how many logits some rows have when they are whole."""
        return sum(
            lines_of(rows, layout) * len(layout.head.classes) for layout in self.layouts.values()
        )

    def columns(self, rows: pa.Table, order: Numbers) -> tuple[Any, ...]:
        """Return some rows as the columns of a chunk."""
        chosen = rows.take(pa.array(order)).combine_chunks()
        features = self._first.features
        is_view = chosen["view"].to_numpy() > 0
        if self._of_words:
            texts, starts = positions_of(chosen[features[0]])
        else:
            kind = input_named(self._first.input_kind)
            texts = kind.strings(chosen.select(list(features)))
            starts = np.zeros(0, np.int64)
        heads = {task: _answers(chosen, one, starts) for task, one in self.layouts.items()}
        return (*text_buffers(texts), starts, is_view, heads)

    def batches(self, *columns: Any, size: int) -> tf.data.Dataset:
        """Return a chunk cut into batches."""
        if self._of_words:
            found = self._word_batches(*columns, size=size)
        else:
            found = self._text_batches(*columns, size=size)
        return found.map(self._kept)

    def _text_batches(
        self, blob: tf.Tensor, ends: tf.Tensor, _: Any, is_view: tf.Tensor, heads: Any, *, size: int
    ) -> tf.data.Dataset:
        texts = input_named(self._first.input_kind).in_graph(texts_of(blob, ends))
        named = {task: _named(*answers) for task, answers in heads.items()}
        lines = {"text": texts, "is_view": is_view, "heads": named}
        return sliced(lines, tf.shape(is_view)[0], size)

    def _word_batches(
        self,
        blob: tf.Tensor,
        ends: tf.Tensor,
        starts: tf.Tensor,
        is_view: tf.Tensor,
        heads: Any,
        *,
        size: int,
    ) -> tf.data.Dataset:
        def batch(rows: WordRows) -> dict[str, Any]:
            named = {}
            for task, answers in heads.items():
                by_position = self.layouts[task].head.by_position
                each = rows.answers(*answers) if by_position else _named(*map(rows.each, answers))
                named[task] = each
            return {"text": rows.words(blob, ends), "is_view": rows.each(is_view), "heads": named}

        return by_rows(starts, size, batch)

    def _kept(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return a batch with which logits are the teacher's own, where it kept a few."""
        heads = {}
        for task, answers in batch["heads"].items():
            heads[task] = with_kept(answers, self.layouts[task])
        return {**batch, "heads": heads}

    @property
    def _first(self) -> Layout:
        return next(iter(self.layouts.values()))

    @property
    def _of_words(self) -> bool:
        return any(layout.head.by_position for layout in self.layouts.values())


def _named(labels: tf.Tensor, logits: tf.Tensor, seen: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"label": labels, "teacher_logits": logits, "seen": seen}


def _answers(rows: pa.Table, layout: Layout, starts: Numbers) -> Answers:
    """Return the labels, the logits and what is seen of a head, a line a row or a position."""
    there = rows[layout.head.presence_column].to_numpy()
    own = rows.filter(pa.array(there))
    count = int(starts[-1]) if layout.head.by_position else rows.num_rows
    logits = np.zeros((count, len(layout.head.classes)), np.float32)
    shape = RowLogits(logits, starts if layout.head.by_position else None)
    lines = shape.lines_of(np.flatnonzero(there))
    own_labels, answers = labels_by_line(own, layout), decode(own, layout)
    labels = np.full((count, *own_labels.shape[1:]), no_label(own_labels), own_labels.dtype)
    seen = np.zeros(count, np.bool_)
    labels[lines], logits[lines], seen[lines] = own_labels, zero_where_unseen(answers), answers.seen
    return labels, logits, seen

"""What of a table's rows a batch has: the columns that are read, and the tensors made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from schemas.layout import Layout
from stages.heads import head_kind
from stages.inputs.find import input_named
from stages.rows.lists import Numbers
from stages.table.opening import SoftLabelTable
from stages.table.shard import Shard
from stages.train.stream.batches import (
    Columns,
    columns_of,
    largest,
    signature,
    text_batches,
    word_batches,
)
from stages.train.stream.row_groups import ChosenRows


class Contents(Protocol):
    """What a batch has."""

    @property
    def names(self) -> list[str]:
        """Columns that are read."""

    @property
    def by_code(self) -> list[str]:
        """Which of them are read as numbers in the file's dictionary."""

    @property
    def signature(self) -> Any:
        """Types of the columns of a chunk."""

    def chosen(self, shard: Shard, *, once: bool) -> ChosenRows:
        """Return which rows of a file count; with `once` none that repeats another."""

    def logits_of(self, rows: pa.Table) -> int:
        """Return how many logits some rows have when they are whole."""

    def columns(self, rows: pa.Table, order: Numbers) -> Any:
        """Return some rows as the columns of a chunk.

        Args:
          rows: with the columns of `names`, in one chunk.
          order: int64 [rows chosen], the number of each within `rows`.
        """

    def batches(self, *columns: Any, size: int) -> tf.data.Dataset:
        """Return a chunk cut into batches of `size` rows, and one of what is left; in a graph."""


@dataclass(frozen=True)
class OneHead:
    """The text, the label and the teacher's logits of one head, as `SoftLabelStream` says.

    Attributes:
      layout: of the table, as the head sees it.
      has_views: whether it has augmented views.
    """

    layout: Layout
    has_views: bool

    @staticmethod
    def of(table: SoftLabelTable) -> OneHead:
        """Return those of a table."""
        return OneHead(table.card.layout, table.card.counts.views > 0)

    @property
    def names(self) -> list[str]:
        """Columns that are read."""
        layout = self.layout
        names = [*layout.features, layout.head.label_column, *layout.logit_columns]
        return [*names, "view"] if self.has_views else names

    @property
    def by_code(self) -> list[str]:
        """The label's column, where each row has one class."""
        head = self.layout.head
        one_class = head_kind(head.kind).has_class_numbers and not head.by_position
        return [head.label_column] if one_class else []

    @property
    def signature(self) -> tuple[tf.TensorSpec, ...]:
        """Types of `Columns`."""
        return signature(self.layout.head)

    def chosen(self, shard: Shard, *, once: bool) -> ChosenRows:
        """Return which rows of a file count; with `once` none that repeats another."""
        return ChosenRows.of(shard, self.layout.head, once=once)

    def logits_of(self, rows: pa.Table) -> int:
        """Return how many logits some rows have when they are whole."""
        return lines_of(rows, self.layout) * len(self.layout.head.classes)

    def columns(self, rows: pa.Table, order: Numbers) -> Columns:
        """Return some rows as the columns of a chunk."""
        return columns_of(rows, order, self.layout, views=self.has_views)

    def batches(self, *columns: tf.Tensor, size: int) -> tf.data.Dataset:
        """Return a chunk cut into batches."""
        whole, layout = Columns(*columns), self.layout
        if layout.head.by_position:
            batches = word_batches(whole, size, views=self.has_views)
        else:
            batches = text_batches(
                whole, size, views=self.has_views, kind=input_named(layout.input_kind)
            )
        if layout.encoding.top_k is None:
            return batches
        return batches.map(lambda batch: with_kept(batch, layout))


def with_kept(answers: dict[str, tf.Tensor], layout: Layout) -> dict[str, tf.Tensor]:
    """Return answers with which logits are the teacher's own, where the table keeps a few."""
    top_k = layout.encoding.top_k
    if top_k is None:
        return answers
    return {**answers, "teacher_kept": largest(answers["teacher_logits"], top_k)}


def lines_of(rows: pa.Table, layout: Layout) -> int:
    """Return how many rows there are, or positions of theirs."""
    if not layout.head.by_position:
        return int(rows.num_rows)
    return pc.sum(pc.list_value_length(rows[layout.features[0]])).as_py() or 0

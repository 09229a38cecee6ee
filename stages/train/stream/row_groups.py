"""The row groups of a split's shards, and which of their rows a student is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.heads import Head
from stages.rows.columns import out_of_scope, repeats
from stages.table.shard import Shard, opened, read_file, read_shard

Marks = Mapping[str, npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class RowGroup:
    """A row group of a shard.

    Attributes:
      shard: the file.
      number: of the group within it.
      size: how many of its rows count.
      kept: which rows count, by number within the group; None for all of them.
      views: of the rows that count, the number of each one's view; None where all are originals.
      marks: of the rows that count, what else is known of each, by name of a column.
      size_bytes: of all its rows and columns in memory, about.
    """

    shard: Shard
    number: int
    size: int
    kept: npt.NDArray[np.int32] | None
    views: npt.NDArray[np.int16] | None = None
    marks: Marks = field(default_factory=dict)
    size_bytes: int = 0

    def with_views(self, chosen: npt.NDArray[np.int64]) -> RowGroup:
        """Return the same with the originals and some views only."""
        if self.views is None:
            return self
        rows = np.arange(self.size, dtype=np.int32) if self.kept is None else self.kept
        wanted = (self.views == 0) | np.isin(self.views, chosen)
        marks = {name: mark[wanted] for name, mark in self.marks.items()}
        size = int(wanted.sum())
        return replace(self, size=size, kept=rows[wanted], views=None, marks=marks)

    def counted(self, rows: pa.Table) -> pa.Table:
        """Return those of its rows that count, with their marks."""
        counted = rows if self.kept is None else rows.take(pa.array(self.kept))
        for name, mark in self.marks.items():
            counted = counted.append_column(name, pa.array(mark))
        return counted


@dataclass(frozen=True)
class ChosenRows:
    """Which rows of a shard count: bool [rows] each.

    Attributes:
      counted: all that are trained on.
      views: int16 [rows], the number of each row's view.
      labelled: those of them with a hard label, which are no augmented view.
      marks: what else is known of each, by name of a column.
    """

    counted: npt.NDArray[np.bool_]
    labelled: npt.NDArray[np.bool_]
    views: npt.NDArray[np.int16]
    marks: Marks = field(default_factory=dict)

    @staticmethod
    def of(shard: Shard, head: Head, *, once: bool) -> ChosenRows:
        """Return a shard's; with `once`, a row that repeats another's input and label is not.

        Of several heads, rows that lack this one do not count.
        """
        names = ["input_digest", "view", head.label_column]
        if shard.presence is None:
            return ChosenRows._of_rows(read_shard(shard, names), head, once=once)
        rows = read_file(shard, [*names, shard.presence])
        there = rows[shard.presence]
        own = ChosenRows._of_rows(rows.filter(there), head, once=once)
        return own._among(np.asarray(there.to_numpy(), np.bool_))

    @staticmethod
    def of_any(found: Mapping[str, ChosenRows]) -> ChosenRows:
        """Return the rows of one file that count in any way; by name, in which of them as marks."""
        return ChosenRows(
            np.any([one.counted for one in found.values()], axis=0),
            np.any([one.labelled for one in found.values()], axis=0),
            np.max([one.views for one in found.values()], axis=0),
            {name: one.counted for name, one in found.items()},
        )

    @staticmethod
    def _of_rows(rows: pa.Table, head: Head, *, once: bool) -> ChosenRows:
        views = rows["view"].to_numpy()
        original = views == 0
        counted = np.ones(rows.num_rows, np.bool_)
        if once:
            originals = rows.filter(pa.array(original))
            counted[original] = ~repeats(originals, head.label_column)
        has_label = rows[head.label_column].is_valid().to_numpy() & ~out_of_scope(rows, head)
        return ChosenRows(counted, counted & original & has_label, views)

    def _among(self, there: npt.NDArray[np.bool_]) -> ChosenRows:
        """Return the same of a file in which just these rows are there."""
        whole = [np.zeros(len(there), own.dtype) for own in (self.counted, self.labelled)]
        views = np.zeros(len(there), self.views.dtype)
        whole[0][there], whole[1][there], views[there] = self.counted, self.labelled, self.views
        return ChosenRows(whole[0], whole[1], views)


def row_groups(
    shard: Shard,
    keep: npt.NDArray[np.bool_],
    views: npt.NDArray[np.int16],
    marks: Marks | None = None,
) -> list[RowGroup]:
    """Return a shard's row groups.

    Args:
      shard: the file.
      keep: bool [rows of the shard]: which count.
      views: int16 [rows of the shard]: the number of each one's view.
      marks: bool [rows of the shard] each: what else is known of the rows.

    Raises:
      DamagedTableError: the file cannot be read.
    """
    with opened(shard) as file:
        metadata = file.metadata
    groups, start = [], 0
    for number in range(metadata.num_row_groups):
        size = metadata.row_group(number).num_rows
        kept = np.flatnonzero(keep[start : start + size]).astype(np.int32)
        own = views[start + kept]
        groups.append(
            RowGroup(
                shard,
                number,
                len(kept),
                kept if len(kept) < size else None,
                own if own.any() else None,
                {name: mark[start + kept] for name, mark in (marks or {}).items()},
                metadata.row_group(number).total_byte_size,
            )
        )
        start += size
    return groups

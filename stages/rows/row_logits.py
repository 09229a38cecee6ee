"""Logits of rows that have one answer each, or one for each of their positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.rows.columns import logits_lists, logits_matrix
from stages.rows.lists import Numbers, lists_from, offsets_of, positions_of


@dataclass(frozen=True)
class RowLogits:
    """Logits, a line a row; or a line a position, the positions of a row one after another.

    Attributes:
      values: float32 [lines, classes]; NaN where the teacher did not see a position.
      offsets: int64 [rows + 1], where each row's lines begin; None where a row is a line.
    """

    values: npt.NDArray[np.float32]
    offsets: Numbers | None = None

    def __len__(self) -> int:
        return len(self.values) if self.offsets is None else len(self.offsets) - 1

    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """Which lines are an answer, bool [lines]."""
        found: npt.NDArray[np.bool_] = ~np.isnan(self.values[:, 0])
        return found

    @property
    def row_of_line(self) -> Numbers:
        """The row of each line, int64 [lines]."""
        return np.repeat(np.arange(len(self)), np.diff(self._starts))

    def lines_of(self, rows: Numbers) -> Numbers:
        """Return the numbers of some rows' lines, row after row.

        >>> RowLogits(np.zeros((5, 2), np.float32), np.array([0, 2, 5])).lines_of(np.array([1, 0]))
        array([2, 3, 4, 0, 1])
        """
        if self.offsets is None:
            return np.asarray(rows)
        counts = np.diff(self.offsets)[rows]
        ends = np.cumsum(counts)
        first = np.repeat(self.offsets[rows] - (ends - counts), counts)
        lines: Numbers = first + np.arange(len(first))
        return lines

    def take(self, rows: Numbers) -> RowLogits:
        """Return some rows', in that order."""
        values = self.values[self.lines_of(rows)]
        if self.offsets is None:
            return RowLogits(values)
        return RowLogits(values, offsets_of(np.diff(self.offsets)[rows]))

    def confidence(self) -> npt.NDArray[np.float64]:
        """Return each row's largest probability, float64 [rows]; the mean of its positions'."""
        seen = self.seen
        values = self.values[seen].astype(np.float64)
        below = np.exp(values - values.max(axis=1, keepdims=True))
        largest: npt.NDArray[np.float64] = 1.0 / below.sum(axis=1)
        if self.offsets is None:
            return largest
        rows = self.row_of_line[seen]
        total = np.bincount(rows, largest, minlength=len(self))
        mean: npt.NDArray[np.float64] = total / np.maximum(
            np.bincount(rows, minlength=len(self)), 1
        )
        return mean

    def column(self) -> pa.Array:
        """Return a list a row; of positions, a list of lists, null where one was not seen."""
        if self.offsets is None:
            return logits_lists(self.values)
        seen = self.seen
        return by_position(logits_lists(self.values[seen]), seen, self.offsets)

    @staticmethod
    def joined(parts: Sequence[RowLogits]) -> RowLogits:
        """Return the rows of all parts, of which there is one at least."""
        values = np.concatenate([part.values for part in parts])
        if parts[0].offsets is None:
            return RowLogits(values)
        counts = [np.diff(part.offsets) for part in parts if part.offsets is not None]
        return RowLogits(values, offsets_of(np.concatenate(counts)))

    @staticmethod
    def of_column(column: pa.Array | pa.ChunkedArray, *, classes: int) -> RowLogits:
        """Return what `column` made."""
        if not pa.types.is_list(column.type.value_type):
            return RowLogits(logits_matrix(pa.chunked_array(column)))
        lists, offsets = positions_of(column)
        values = np.full((len(lists), classes), np.nan, np.float32)
        seen = lists.is_valid().to_numpy(zero_copy_only=False)
        if seen.any():
            flat = lists.flatten().to_numpy(zero_copy_only=False)
            values[seen] = flat.reshape(-1, classes)
        return RowLogits(values, offsets)

    @property
    def _starts(self) -> Numbers:
        return np.arange(len(self.values) + 1) if self.offsets is None else self.offsets


def by_position(lines: pa.Array, seen: npt.NDArray[np.bool_], offsets: Numbers) -> pa.Array:
    """Return a list a row of the lines of its positions, null for those not seen.

    Args:
      lines: of the positions that were seen.
      seen: bool [positions].
      offsets: int64 [rows + 1].
    """
    numbers = pa.array(np.cumsum(seen) - 1, pa.int64(), mask=~seen)
    return lists_from(lines.take(numbers), offsets)

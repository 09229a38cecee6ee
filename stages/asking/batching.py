"""Batches for the teacher: sorted by length and bounded in padded tokens, so little is padding."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Lengths = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]


def token_bounded_batches(lengths: Lengths, *, batch_tokens: int) -> list[Rows]:
    """Return row numbers cut into batches of similar length.

    Every row is in exactly one batch; rows × longest row ≤ `batch_tokens`, except where one
    row alone is longer. The order depends on the lengths only (ties: row order).

    Args:
      lengths: int [rows], tokens in each row.
      batch_tokens: > 0.

    >>> [batch.tolist() for batch in token_bounded_batches(np.array([3, 1, 2]), batch_tokens=4)]
    [[1, 2], [0]]
    """
    order = np.argsort(lengths, kind="stable")
    ordered = lengths[order].astype(np.int64)
    batches, start = [], 0
    while start < len(order):
        tokens = _PaddedTokens(ordered, start)
        fitting = bisect_right(tokens, batch_tokens)
        batches.append(order[start : start + max(1, fitting)])
        start += max(1, fitting)
    return batches


class _PaddedTokens(Sequence[int]):
    """Padded tokens of a batch from `start` on, by its last row: never falls."""

    def __init__(self, ordered: Rows, start: int) -> None:
        self._ordered = ordered
        self._start = start

    def __len__(self) -> int:
        return len(self._ordered) - self._start

    def __getitem__(self, last: Any) -> Any:
        return (last + 1) * int(self._ordered[self._start + last])

"""Batches for the teacher: sorted by length and bounded in padded tokens, so little is padding."""

from __future__ import annotations

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
    batches, start = [], 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end + 1 - start) * int(lengths[order[end]]) > batch_tokens:
            batches.append(order[start:end])
            start = end
    return batches

"""Inputs of a teacher that takes token ids, kept unpadded until a batch is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TokenInputs:
    """Token ids, not padded; of pairs, where the tokenizer says it, also the text each is of."""

    token_ids: Sequence[Sequence[int]]
    lengths: npt.NDArray[np.int32]
    overlong: npt.NDArray[np.bool_]
    segments: Sequence[Sequence[int]] | None = None

    def flat(self) -> tuple[Ids, Ids]:
        """Return all token ids, and the input that each is of, int64 [tokens]."""
        ids = np.array([one for row in self.token_ids for one in row], np.int64)
        return ids, np.repeat(np.arange(len(self.lengths)), self.lengths)

    def padded(self, rows: Ids, *, pad_id: int = 0) -> tuple[Ids, Ids]:
        """Return token ids and mask of some rows, int64 [rows, longest of them]; 0 is padding.

        >>> inputs = TokenInputs([[5], [6, 7]], np.array([1, 2]), np.array([False, False]))
        >>> [part.tolist() for part in inputs.padded(np.array([1, 0]))]
        [[[6, 7], [5, 0]], [[1, 1], [1, 0]]]
        """
        lengths = self.lengths[rows]
        mask = (np.arange(int(lengths.max(initial=1))) < lengths[:, None]).astype(np.int64)
        return filled(self.token_ids, rows, mask.shape, pad_id), mask

    def padded_segments(self, rows: Ids) -> Ids | None:
        """Return whose each token of some rows is, int64 [rows, longest]; None of single texts."""
        if self.segments is None:
            return None
        longest = int(self.lengths[rows].max(initial=1))
        return filled(self.segments, rows, (len(rows), longest), 0)


def filled(
    lists: Sequence[Sequence[int] | Ids], rows: Ids, shape: tuple[int, ...], padding: int
) -> Ids:
    """Return the lists of some rows side by side, int64 of a shape that holds them, padded."""
    found = np.full(shape, padding, np.int64)
    for place, row in enumerate(rows):
        found[place, : len(lists[row])] = lists[row]
    return found

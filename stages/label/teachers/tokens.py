"""Inputs of a teacher that takes token ids, kept unpadded until a batch is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TokenInputs:
    """Token ids, not padded."""

    token_ids: Sequence[Sequence[int]]
    lengths: npt.NDArray[np.int32]
    overlong: npt.NDArray[np.bool_]

    def padded(self, rows: Ids, *, pad_id: int = 0) -> tuple[Ids, Ids]:
        """Return token ids and mask of some rows, int64 [rows, longest of them]; 0 is padding.

        >>> inputs = TokenInputs([[5], [6, 7]], np.array([1, 2]), np.array([False, False]))
        >>> [part.tolist() for part in inputs.padded(np.array([1, 0]))]
        [[[6, 7], [5, 0]], [[1, 1], [1, 0]]]
        """
        lengths = self.lengths[rows]
        mask = (np.arange(int(lengths.max(initial=1))) < lengths[:, None]).astype(np.int64)
        token_ids = np.full(mask.shape, pad_id, np.int64)
        for place, row in enumerate(rows):
            token_ids[place, : lengths[place]] = self.token_ids[row]
        return token_ids, mask

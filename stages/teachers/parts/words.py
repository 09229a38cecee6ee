"""From a teacher's pieces to the words of the corpus: which pieces are whose, and their logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from stages.teachers.parts.tokens import TokenInputs, filled

NO_WORD = -1


@dataclass(frozen=True)
class WordInputs(TokenInputs):
    """Token ids, not padded, with the word that each piece is of; -1 where it is of none."""

    word_ids: Sequence[npt.NDArray[np.int64]] = ()

    def words_seen(self, first: npt.NDArray[np.int64]) -> int:
        """Return how many words have a piece here, from the first of each row that counts."""
        return seen_from(self.word_ids, first)

    def padded_words(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the word of each piece of some rows, int64 [rows, longest], -1 for padding."""
        longest = int(self.lengths[rows].max(initial=1))
        return filled(self.word_ids, rows, (len(rows), longest), NO_WORD)


def logits_of_words(
    logits: npt.NDArray[np.float32],
    words: npt.NDArray[np.int64],
    *,
    pieces: Literal["first", "mean"],
) -> npt.NDArray[np.float32]:
    """Return float32 [rows, words, classes], NaN for a word that has no piece here.

    A model's own NaN is inf: of no use, and not taken for a word that it did not see.

    Args:
      logits: float32 [rows, pieces, classes].
      words: int64 [rows, pieces]: the word of each piece, ascending, -1 for none.
      pieces: take those of a word's first piece, or the mean over its pieces.

    >>> logits = np.array([[[1.0], [3.0], [5.0]]], np.float32)
    >>> logits_of_words(logits, np.array([[0, 0, 1]]), pieces="mean").tolist()
    [[[2.0], [5.0]]]
    """
    rows, places = np.nonzero(words != NO_WORD)
    owners, logits = words[rows, places], said(logits)
    shape = (len(words), int(owners.max(initial=-1)) + 1, logits.shape[-1])
    if pieces == "first":
        found = np.full(shape, np.nan, np.float32)
        found[rows[::-1], owners[::-1]] = logits[rows[::-1], places[::-1]]
        return found
    total, count = np.zeros(shape, np.float64), np.zeros(shape[:2])
    np.add.at(total, (rows, owners), logits[rows, places])
    np.add.at(count, (rows, owners), 1)
    with np.errstate(invalid="ignore"):
        return (total / count[..., None]).astype(np.float32)


def seen_from(
    word_ids: Sequence[Sequence[int] | npt.NDArray[np.int64]], first: npt.NDArray[np.int64]
) -> int:
    """Return how many different words the pieces of all rows are of, from each row's first on.

    >>> seen_from([[-1, 0, 0, 2, -1], [-1, 0, 1, -1]], np.array([0, 1]))
    3
    """
    rows = zip(word_ids, first.tolist(), strict=True)
    return sum(len({int(word) for word in row if word >= at}) for row, at in rows)


def said(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return a model's logits with inf for NaN, which among answers is what was not seen.

    >>> said(np.array([1.0, np.nan], np.float32)).tolist()
    [1.0, inf]
    """
    return np.where(np.isnan(logits), np.float32(np.inf), logits)

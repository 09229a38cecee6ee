"""Words with a class each, as an encoder is fine-tuned on them: at each word's first piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stages.teach.fit import LabelledTokens
from stages.text import Wordpiece, ragged_words


def labelled_words(
    wordpiece: Wordpiece, lists: Sequence[Sequence[str]], labels: npt.NDArray[np.int64]
) -> LabelledTokens:
    """Return token ids, and the class of each word at its first piece, -1 at every other token.

    Args:
      wordpiece: the encoder's.
      lists: words of each row.
      labels: int64 [words of all rows], -1 for none.
    """
    words = ragged_words(lists)
    pieces, counts = wordpiece.words(words)
    token_ids = wordpiece.frame(pieces)
    first = wordpiece.first_pieces(counts).numpy()
    offsets = token_ids.row_splits.numpy()
    by_token = np.full(int(offsets[-1]), -1, np.int64)
    is_word = np.arange(first.shape[1]) < words.row_lengths().numpy()[:, None]
    by_word = np.full(first.shape, -1, np.int64)
    by_word[is_word] = labels
    there = is_word & (first >= 0)
    by_token[(offsets[:-1, None] + first)[there]] = by_word[there]
    return LabelledTokens(token_ids, token_ids.with_flat_values(by_token))

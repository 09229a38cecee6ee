"""Words with a class each, as an encoder is fine-tuned on them: at each word's first piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stages.inputs.wordpiece import Wordpiece, ragged_words
from stages.rows.columns import Labels
from stages.teach.fit import LabelledTokens


def labelled_words(
    wordpiece: Wordpiece,
    lists: Sequence[Sequence[str]],
    labels: Labels,
    *,
    first: npt.NDArray[np.int64],
) -> LabelledTokens:
    """Return token ids, and the label of each word at its first piece, -1 at every other token.

    Args:
      wordpiece: the encoder's.
      lists: words of each row.
      labels: int64 [words of all rows], -1 for none; of pointers float32 [words of all rows, 2].
      first: the first word of each row that counts, int64 [rows].
    """
    words = ragged_words(lists)
    pieces, counts = wordpiece.words(words)
    token_ids = wordpiece.frame(pieces)
    pieces_at = wordpiece.first_pieces(counts).numpy()
    offsets, each = token_ids.row_splits.numpy(), labels.shape[1:]
    by_token = np.full((int(offsets[-1]), *each), -1, labels.dtype)
    places = np.arange(pieces_at.shape[1])
    is_word = places < words.row_lengths().numpy()[:, None]
    by_word = np.full((*pieces_at.shape, *each), -1, labels.dtype)
    by_word[is_word] = labels
    there = is_word & (pieces_at >= 0) & (places >= first[:, None])
    by_token[(offsets[:-1, None] + pieces_at)[there]] = by_word[there]
    return LabelledTokens(token_ids, token_ids.with_flat_values(by_token))

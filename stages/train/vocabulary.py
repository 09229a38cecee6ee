"""The student's vocabulary: the teacher's, pruned to what the train split needs.

Kept: the special pieces, every piece that occurs, and the single characters that occur, so
that an unseen word is still spelt. Order is the teacher's, so the result depends on content
only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from stages.text import END, PAD, START, UNKNOWN, Wordpiece

_SPECIAL = (PAD, UNKNOWN, START, END)
_CONTINUED = "##"


def prune_vocabulary(
    vocabulary: Sequence[str], texts: Iterable[Sequence[str]], *, lowercase: bool
) -> list[str]:
    """Return the pieces to keep, [PAD] first.

    Args:
      vocabulary: the teacher's pieces by id.
      texts: batches of the train split's texts.
      lowercase: how the teacher's tokenizer reads text.
    """
    wordpiece = Wordpiece(vocabulary, lowercase=lowercase, max_length=3)
    occurs = np.zeros(len(vocabulary), bool)
    characters: set[str] = set()
    for batch in texts:
        occurs[wordpiece.pieces(tf.constant(list(batch), tf.string)).flat_values.numpy()] = True
    for index in np.flatnonzero(occurs):
        characters.update(vocabulary[index].removeprefix(_CONTINUED))
    spelled = {mark + letter for letter in characters for mark in ("", _CONTINUED)}
    kept = [
        piece
        for piece, seen in zip(vocabulary, occurs, strict=True)
        if piece not in _SPECIAL and (seen or piece in spelled)
    ]
    return [*_SPECIAL, *kept]

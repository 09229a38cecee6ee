"""The student's vocabulary: the teacher's, pruned to what the train split needs, or as it is given.

Kept of the teacher's: the special pieces, every piece that occurs, and the single characters that
occur, so that an unseen word is still spelt. Order is the teacher's, so the result depends on
content only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from schemas.errors import StudentError
from stages.inputs.wordpiece import END, PAD, START, UNKNOWN, Wordpiece, read_vocabulary

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
    for index in np.flatnonzero(occurs).tolist():
        characters.update(vocabulary[index].removeprefix(_CONTINUED))
    spelled = {mark + letter for letter in characters for mark in ("", _CONTINUED)}
    kept = [
        piece
        for piece, seen in zip(vocabulary, occurs, strict=True)
        if piece not in _SPECIAL and (seen or piece in spelled)
    ]
    return [*_SPECIAL, *kept]


def given_vocabulary(path: Path) -> list[str]:
    """Return the pieces of a file, [PAD] first.

    Raises:
      AssetError: it cannot be read.
      StudentError: it is no wordpiece vocabulary.
    """
    pieces = read_vocabulary(path)
    missing = [piece for piece in _SPECIAL if piece not in pieces]
    if missing or pieces[0] != PAD:
        said = f"without {', '.join(missing)}" if missing else f"with {pieces[0]!r} first"
        raise StudentError(
            f"no wordpiece vocabulary: {path}: found {len(pieces)} pieces {said}, expected "
            f"{PAD} first and {', '.join(_SPECIAL[1:])}. Mend the file."
        )
    return pieces


def padding_first(pieces: Sequence[str]) -> list[str]:
    """Return a vocabulary with [PAD] first, whose number is the padding of every student."""
    return [PAD, *(piece for piece in pieces if piece != PAD)]

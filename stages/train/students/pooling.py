"""From a vector a piece to a vector for whatever has a class."""

from __future__ import annotations

import keras

from schemas.heads import HeadPer


def mean_over_valid_pieces(
    sequence: keras.KerasTensor, token_ids: keras.KerasTensor
) -> keras.KerasTensor:
    """Return the mean [batch, width] of a sequence [batch, length, width]; id 0 is padding."""
    return keras.layers.GlobalAveragePooling1D()(sequence, mask=token_ids != 0)


def pooled(
    sequence: keras.KerasTensor, token_ids: keras.KerasTensor, *, per: HeadPer
) -> keras.KerasTensor:
    """Return the mean over a text's pieces; or per token, the sequence as it is."""
    return mean_over_valid_pieces(sequence, token_ids) if per == "example" else sequence

"""From a vector a piece to a vector a text."""

from __future__ import annotations

import keras


def mean_over_valid_pieces(
    sequence: keras.KerasTensor, token_ids: keras.KerasTensor
) -> keras.KerasTensor:
    """Return the mean [batch, width] of a sequence [batch, length, width]; id 0 is padding."""
    return keras.layers.GlobalAveragePooling1D()(sequence, mask=token_ids != 0)

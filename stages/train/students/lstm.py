"""A bidirectional LSTM over word pieces."""

from __future__ import annotations

import keras


def build(
    *,
    vocabulary_size: int,
    classes: int,
    embedding_width: int = 64,
    units: int = 64,
    dropout: float = 0.2,
) -> keras.Model:
    """Return embedding → BiLSTM, its two last states → logits.

    Args:
      vocabulary_size: pieces.
      classes: outputs.
      embedding_width: of each piece.
      units: in each direction.
      dropout: share dropped before the LSTM and before the logits.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    embedding = keras.layers.Embedding(vocabulary_size, embedding_width, mask_zero=True)
    hidden = keras.layers.Dropout(dropout)(embedding(token_ids))
    hidden = keras.layers.Bidirectional(keras.layers.LSTM(units))(hidden)
    hidden = keras.layers.Dropout(dropout)(hidden)
    return keras.Model(token_ids, keras.layers.Dense(classes, name="logits")(hidden), name="lstm")

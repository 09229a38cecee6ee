"""A bag of word pieces: averaged embeddings and a small feed-forward network."""

from __future__ import annotations

import keras

DECLARES = {
    "options": {
        "embedding_width": [1, 65_536, 64],
        "units": [1, 65_536, 128],
        "dropout": "share",
    },
    "weights": [
        [1, "pieces", "embedding_width"],
        [1, "embedding_width", "units"],
        [1, "classes", "units"],
    ],
}


def build(
    *,
    vocabulary_size: int,
    classes: int,
    embedding_width: int = 64,
    units: int = 128,
    dropout: float = 0.2,
) -> keras.Model:
    """Return embedding → mean over valid pieces → dense → logits.

    Args:
      vocabulary_size: pieces.
      classes: outputs.
      embedding_width: of each piece.
      units: in the hidden layer.
      dropout: share dropped before each dense layer.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    embedding = keras.layers.Embedding(vocabulary_size, embedding_width, mask_zero=True)
    hidden = keras.layers.GlobalAveragePooling1D()(embedding(token_ids))
    hidden = keras.layers.Dropout(dropout)(hidden)
    hidden = keras.layers.Dense(units, activation="relu")(hidden)
    hidden = keras.layers.Dropout(dropout)(hidden)
    return keras.Model(token_ids, keras.layers.Dense(classes, name="logits")(hidden), name="bag")

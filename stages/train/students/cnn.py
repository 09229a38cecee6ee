"""Convolutions over word pieces, the largest answer of each filter.

Reference:
  Kim. Convolutional Neural Networks for Sentence Classification. 2014.
"""

from __future__ import annotations

import keras

DECLARES = {
    "options": {
        "embedding_width": [1, 65_536, 64],
        "filters": [1, 65_536, 64],
        "widest": [2, 64, 4],
        "dropout": "share",
    },
    "weights": [
        [1, "pieces", "embedding_width"],
        [0.5, "widest", "widest", "embedding_width", "filters"],
        [0.5, "widest", "embedding_width", "filters"],
        [-1, "embedding_width", "filters"],
        [1, "widest", "filters", "classes"],
        [-1, "filters", "classes"],
    ],
}


def build(
    *,
    vocabulary_size: int,
    classes: int,
    embedding_width: int = 64,
    filters: int = 64,
    widest: int = 4,
    dropout: float = 0.2,
) -> keras.Model:
    """Return embedding → filters over 2 to `widest` pieces → the largest of each → logits.

    Padding is zero before the filters and cannot be the largest after them, so it changes nothing.

    Args:
      vocabulary_size: pieces.
      classes: outputs.
      embedding_width: of each piece.
      filters: of each width.
      widest: pieces that the widest filter sees, ≥ 2.
      dropout: share dropped before the filters and before the logits.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    valid = keras.ops.expand_dims(keras.ops.cast(token_ids != 0, "float32"), -1)
    embedded = keras.layers.Embedding(vocabulary_size, embedding_width)(token_ids)
    embedded = keras.layers.Dropout(dropout)(embedded) * valid
    found = []
    for width in range(2, widest + 1):
        answers = keras.layers.Conv1D(filters, width, padding="same", activation="relu")(embedded)
        found.append(keras.layers.GlobalMaxPooling1D()(answers * valid))
    hidden = keras.layers.Concatenate()(found) if len(found) > 1 else found[0]
    hidden = keras.layers.Dropout(dropout)(hidden)
    return keras.Model(token_ids, keras.layers.Dense(classes, name="logits")(hidden), name="cnn")

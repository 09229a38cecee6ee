"""A bidirectional GRU over word pieces: three quarters of an LSTM's recurrent weights.

Reference:
  Cho, van Merriënboer, Gulcehre et al. Learning Phrase Representations using RNN
  Encoder-Decoder. 2014.
"""

from __future__ import annotations

import keras

from schemas.heads import HeadPer

DECLARES = {
    "options": {
        "embedding_width": [1, 65_536, 64],
        "units": [1, 65_536, 64],
        "dropout": "share",
    },
    "weights": [
        [1, "pieces", "embedding_width"],
        [6, "units", "embedding_width"],
        [6, "units", "units"],
        [2, "units", "classes"],
    ],
}


def build(
    *,
    vocabulary_size: int,
    classes: int,
    embedding_width: int = 64,
    units: int = 64,
    dropout: float = 0.2,
    per: HeadPer = "example",
) -> keras.Model:
    """Return embedding → BiGRU, its two last states → logits.

    Per token: its states at every piece → logits of each.

    Args:
      vocabulary_size: pieces.
      classes: outputs.
      embedding_width: of each piece.
      units: in each direction.
      dropout: share dropped before the GRU and before the logits.
      per: what has a class.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    embedding = keras.layers.Embedding(vocabulary_size, embedding_width, mask_zero=True)
    hidden = keras.layers.Dropout(dropout)(embedding(token_ids))
    states = keras.layers.GRU(units, return_sequences=per == "token")
    hidden = keras.layers.Bidirectional(states)(hidden)
    hidden = keras.layers.Dropout(dropout)(hidden)
    return keras.Model(token_ids, keras.layers.Dense(classes, name="logits")(hidden), name="gru")

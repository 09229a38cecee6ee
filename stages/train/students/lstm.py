"""A bidirectional LSTM over word pieces."""

from __future__ import annotations

import keras

from schemas.heads import HeadPer
from stages.train.students.recurrent import both_directions

DECLARES = {
    "options": {
        "embedding_width": [1, 65_536, 64],
        "units": [1, 65_536, 64],
        "dropout": "share",
    },
    "weights": [
        [1, "pieces", "embedding_width"],
        [8, "units", "embedding_width"],
        [8, "units", "units"],
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
    """Return a model from token ids to logits; `both_directions` says of what it is made."""
    return both_directions(
        keras.layers.LSTM,
        name="lstm",
        vocabulary_size=vocabulary_size,
        classes=classes,
        embedding_width=embedding_width,
        units=units,
        dropout=dropout,
        per=per,
    )

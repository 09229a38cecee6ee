"""A BERT of any depth and width, from random weights.

Reference:
  Turc, Chang, Lee, Toutanova. Well-Read Students Learn Better. 2019.
"""

from __future__ import annotations

import keras
import keras_hub

from schemas.heads import HeadPer
from stages.train.students.pooling import pooled

DECLARES = {
    "options": {
        "layers": [1, 256, 2],
        "hidden_width": [1, 65_536, 128],
        "heads": [1, 1024, 2],
        "inner_width": [1, 65_536, 512],
        "max_length": [3, 65_536, 512],
        "dropout": "share",
    },
    "weights": [
        [1, "pieces", "hidden_width"],
        [1, "max_length", "hidden_width"],
        [1, "classes", "hidden_width"],
        [1, "hidden_width", "hidden_width"],
        [4, "layers", "hidden_width", "hidden_width"],
        [2, "layers", "hidden_width", "inner_width"],
    ],
    "starts": True,
}


def build(
    *,
    vocabulary_size: int,
    classes: int,
    layers: int = 2,
    hidden_width: int = 128,
    heads: int = 2,
    inner_width: int = 512,
    max_length: int = 512,
    dropout: float = 0.1,
    per: HeadPer = "example",
) -> keras.Model:
    """Return encoder → mean over valid pieces → logits; per token without the mean.

    Args:
      vocabulary_size: pieces.
      classes: outputs.
      layers: of the encoder.
      hidden_width: of each piece; a multiple of `heads`.
      heads: of attention.
      inner_width: of the feed-forward networks.
      max_length: pieces of the longest input.
      dropout: share dropped within the encoder and before the logits.
      per: what has a class.
    """
    encoder = keras_hub.models.BertBackbone(
        vocabulary_size=vocabulary_size,
        num_layers=layers,
        num_heads=heads,
        hidden_dim=hidden_width,
        intermediate_dim=inner_width,
        dropout=dropout,
        max_sequence_length=max_length,
    )
    encoder.get_layer("pooled_dense").trainable = False  # its output is not used
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    inputs = {
        "token_ids": token_ids,
        "segment_ids": keras.ops.zeros_like(token_ids),
        "padding_mask": keras.ops.cast(token_ids != 0, "int32"),
    }
    sequence = encoder(inputs)["sequence_output"]
    hidden = keras.layers.Dropout(dropout)(pooled(sequence, token_ids, per=per))
    return keras.Model(token_ids, keras.layers.Dense(classes, name="logits")(hidden), name="bert")

"""MobileBERT: a deep and thin BERT whose layers work in a bottleneck.

Reference:
  Sun, Yu, Song, Liu, Yang, Zhou. MobileBERT: a Compact Task-Agnostic BERT. 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import keras_hub

from schemas.heads import HeadPer
from stages.train.students.pooling import pooled

DECLARES = {
    "options": {
        "layers": [1, 256, 24],
        "hidden_width": [1, 65_536, 512],
        "bottleneck_width": [1, 65_536, 128],
        "embedding_width": [1, 65_536, 128],
        "heads": [1, 1024, 4],
        "feed_forwards": [1, 64, 4],
        "inner_width": [1, 65_536, 512],
        "max_length": [3, 65_536, 512],
        "dropout": "share",
    },
    "weights": [
        [1, "pieces", "embedding_width"],
        [3, "hidden_width", "embedding_width"],
        [1, "max_length", "hidden_width"],
        [1, "classes", "hidden_width"],
        [4, "layers", "hidden_width", "bottleneck_width"],
        [3, "layers", "bottleneck_width", "bottleneck_width"],
        [2, "layers", "feed_forwards", "bottleneck_width", "inner_width"],
    ],
}


@keras.saving.register_keras_serializable("softshards")
class NoNorm(keras.layers.Layer):
    """Scale and shift each feature: what MobileBERT has in the place of layer normalisation."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make scale and shift, [features]."""
        self.scale = self.add_weight(shape=shape[-1:], initializer="ones", name="scale")
        self.shift = self.add_weight(shape=shape[-1:], initializer="zeros", name="shift")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return scale · inputs + shift."""
        return inputs * self.scale + self.shift


@dataclass(frozen=True)
class Shape:
    """Sizes of an encoder; as published unless stated.

    Attributes:
      layers: of the encoder.
      hidden_width: between layers.
      bottleneck_width: within them; a multiple of `heads`.
      embedding_width: of a piece, before its neighbours are joined to it.
      inner_width: of the feed-forward networks.
      heads: of attention.
      feed_forwards: networks that follow one another in a layer.
      max_length: pieces of the longest input.
    """

    layers: int = 24
    hidden_width: int = 512
    bottleneck_width: int = 128
    embedding_width: int = 128
    inner_width: int = 512
    heads: int = 4
    feed_forwards: int = 4
    max_length: int = 512


def build(
    *,
    vocabulary_size: int,
    classes: int,
    dropout: float = 0.1,
    per: HeadPer = "example",
    **shape: int,
) -> keras.Model:
    """Return encoder → mean over valid pieces → logits; per token without the mean.

    Args:
      vocabulary_size: pieces.
      classes: outputs.
      dropout: share dropped before the logits.
      per: what has a class.
      shape: any of `Shape`: layers, hidden_width, bottleneck_width, embedding_width, inner_width,
        heads, feed_forwards, max_length.
    """
    body = encoder(vocabulary_size=vocabulary_size, shape=Shape(**shape))
    hidden = keras.layers.Dropout(dropout)(pooled(body.output, body.input, per=per))
    logits = keras.layers.Dense(classes, name="logits")(hidden)
    return keras.Model(body.input, logits, name="mobilebert")


def encoder(*, vocabulary_size: int, shape: Shape) -> keras.Model:
    """Return token ids [batch, length] → vectors [batch, length, hidden width]."""
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    valid = token_ids != 0
    hidden = _embedded(token_ids, vocabulary_size, shape)
    for number in range(shape.layers):
        hidden = _layer(hidden, valid, shape, name=f"layer_{number}")
    return keras.Model(token_ids, hidden, name="encoder")


def _embedded(
    token_ids: keras.KerasTensor, vocabulary_size: int, shape: Shape
) -> keras.KerasTensor:
    """Return the vectors of pieces with those of their neighbours, places and one segment.

    Padding has the vector zero, so that it is no neighbour.
    """
    embedding = keras.layers.Embedding(vocabulary_size, shape.embedding_width, name="pieces")
    pieces = embedding(token_ids) * keras.ops.expand_dims(
        keras.ops.cast(token_ids != 0, "float32"), -1
    )
    beside = keras.layers.ZeroPadding1D(1)(pieces)
    neighbours = keras.layers.Concatenate()([beside[:, 2:], pieces, beside[:, :-2]])
    hidden = keras.layers.Dense(shape.hidden_width, name="joined")(neighbours)
    places = keras_hub.layers.PositionEmbedding(shape.max_length, name="places")(hidden)
    segments = keras.layers.Embedding(2, shape.hidden_width, name="segments")(
        keras.ops.zeros_like(token_ids)
    )
    return NoNorm(name="embedded")(hidden + places + segments)


def _layer(
    hidden: keras.KerasTensor, valid: keras.KerasTensor, shape: Shape, *, name: str
) -> keras.KerasTensor:
    """Return a layer's output: narrow, attend, feed forward several times, widen."""
    narrow = _dense_no_norm(hidden, shape.bottleneck_width, name=f"{name}_narrow")
    asked = _dense_no_norm(hidden, shape.bottleneck_width, name=f"{name}_asked")
    width = shape.bottleneck_width // shape.heads
    attention = keras.layers.MultiHeadAttention(
        shape.heads, width, output_shape=shape.bottleneck_width, name=f"{name}_attention"
    )
    mask = keras.ops.expand_dims(valid, 1)
    attended = attention(query=asked, key=asked, value=hidden, attention_mask=mask)
    inside = NoNorm(name=f"{name}_attended")(attended + narrow)
    for number in range(shape.feed_forwards):
        inside = _feed_forward(inside, shape, name=f"{name}_feed_{number}")
    wide = keras.layers.Dense(shape.hidden_width, name=f"{name}_wide")(inside)
    return NoNorm(name=f"{name}_out")(wide + hidden)


def _feed_forward(inside: keras.KerasTensor, shape: Shape, *, name: str) -> keras.KerasTensor:
    inner = keras.layers.Dense(shape.inner_width, activation="relu", name=f"{name}_inner")(inside)
    back = keras.layers.Dense(shape.bottleneck_width, name=f"{name}_back")(inner)
    return NoNorm(name=f"{name}_out")(back + inside)


def _dense_no_norm(hidden: keras.KerasTensor, width: int, *, name: str) -> keras.KerasTensor:
    dense = keras.layers.Dense(width, name=name)(hidden)
    return NoNorm(name=f"{name}_no_norm")(dense)

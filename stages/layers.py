"""The layers of a model, and how long an input it has positions for."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import keras_hub


def layers_of(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield a model's layers, and after one that is a model those within it."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)


def positions_below(model: keras.Model, length: int) -> int | None:
    """Return the tokens that a model has learned positions for, where these are fewer."""
    found = [
        layer.sequence_length
        for layer in layers_of(model)
        if isinstance(layer, keras_hub.layers.PositionEmbedding)
    ]
    fewest = min(found, default=length)
    return fewest if fewest < length else None

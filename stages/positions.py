"""How long an input a model has positions for."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import keras_hub


def longest_input(model: keras.Model) -> int | None:
    """Return the tokens that a model has learned positions for; None where it needs none."""
    found = [
        layer.sequence_length
        for layer in _layers(model)
        if isinstance(layer, keras_hub.layers.PositionEmbedding)
    ]
    return min(found, default=None)


def _layers(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)

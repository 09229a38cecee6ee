"""The layers of a model, and how long an input it has positions for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import keras_hub

_PAD = "[PAD]"


def layers_of(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield a model's layers, and after one that is a model those within it."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)


def embedding_rows(model: keras.Model) -> set[int]:
    """Return how many rows each table of embeddings has that numbers are looked up in."""
    return {one.input_dim for one in layers_of(model) if isinstance(one, keras.layers.Embedding)}


def other_vocabulary(model: keras.Model, pieces: Sequence[str]) -> str | None:
    """Return how a vocabulary shows that it is not the model's; None where it does not.

    A model's own has [PAD] first and as many pieces as a table of embeddings has rows. That two
    pieces changed places does not show.
    """
    rows = embedding_rows(model)
    if rows and len(pieces) not in rows:
        held = " and ".join(map(str, sorted(rows)))
        return f"found {len(pieces)} pieces, and embeddings of {held}"
    if pieces[0] != _PAD:
        return f"found {pieces[0]!r} first, expected {_PAD}"
    return None


def positions_below(model: keras.Model, length: int) -> int | None:
    """Return the tokens that a model has learned positions for, where these are fewer."""
    found = [
        layer.sequence_length
        for layer in layers_of(model)
        if isinstance(layer, keras_hub.layers.PositionEmbedding)
    ]
    fewest = min(found, default=length)
    return fewest if fewest < length else None

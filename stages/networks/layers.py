"""The layers of a model, and how long an input it has positions for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import keras_hub

_PAD = "[PAD]"
_SHAPING = ("Reshape", "Flatten", "Permute", "Transpose", "Cast", "Identity", "Dropout", "Squeeze")
_ACTIVATED = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Activation,
)
_ACTIVATIONS = {
    one.replace("_", ""): one
    for one in ("softmax", "log_softmax", "sigmoid", "hard_sigmoid", "log_sigmoid")
}


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


def last_activation(model: keras.Model) -> str | None:
    """Return the name of the activation that a model's first output ends with; None if unknown.

    What only gives it another shape or type is looked through. A model that is no graph of layers
    does not say, nor does a layer of one's own.
    """
    tensor = (getattr(model, "outputs", None) or [None])[0]
    while (history := getattr(tensor, "_keras_history", None)) is not None:
        operation = history.operation
        if isinstance(operation, keras.Model):
            tensor = operation.outputs[history.tensor_index]
        elif type(operation).__name__ in _SHAPING:
            tensor = operation._inbound_nodes[history.node_index].input_tensors[0]
        else:
            return _activation_of(operation)
    return None


def _activation_of(operation: object) -> str | None:
    """Return the name of what a layer or an operation applies last."""
    if isinstance(operation, keras.layers.TimeDistributed):
        return _activation_of(operation.layer)
    applied = operation.activation if isinstance(operation, _ACTIVATED) else operation
    name = getattr(applied, "__name__", None) or type(applied).__name__
    return _ACTIVATIONS.get(name.lower().replace("_", ""))


def positions_below(model: keras.Model, length: int) -> int | None:
    """Return the tokens that a model has learned positions for, where these are fewer."""
    found = [
        layer.sequence_length
        for layer in layers_of(model)
        if isinstance(layer, keras_hub.layers.PositionEmbedding)
    ]
    fewest = min(found, default=length)
    return fewest if fewest < length else None

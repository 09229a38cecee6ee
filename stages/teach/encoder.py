"""A pretrained encoder with a classification head."""

from __future__ import annotations

import keras

from schemas.heads import HeadPer


def classifier(
    encoder: keras.Model,
    *,
    classes: int,
    dropout: float,
    train_embeddings: bool = True,
    per: HeadPer = "example",
) -> keras.Model:
    """Return encoder → mean over valid tokens → dropout → logits [batch, classes].

    Per token without the mean: [batch, tokens, classes].
    """
    encoder.get_layer("token_embedding").trainable = train_embeddings
    inputs = {tensor.name: tensor for tensor in encoder.inputs}
    sequence = encoder.output["sequence_output"]
    valid = keras.ops.cast(inputs["padding_mask"], "bool")
    pooled = sequence
    if per == "example":
        pooled = keras.layers.GlobalAveragePooling1D(name="mean_over_tokens")(sequence, mask=valid)
    dropped = keras.layers.Dropout(dropout, name="dropout")(pooled)
    logits = keras.layers.Dense(classes, dtype="float32", name="logits")(dropped)
    return keras.Model(inputs, logits, name="teacher")

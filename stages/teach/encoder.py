"""A pretrained encoder with a classification head.

Read by keras-hub from a folder in the Hugging Face or Keras format, or from a handle.
"""

from __future__ import annotations

import keras
import keras_hub

from schemas.errors import AssetError


def load_encoder(location: str) -> tuple[keras.Model, list[str]]:
    """Return the encoder and its wordpiece vocabulary.

    Args:
      location: a folder, or `hf://…`, `kaggle://…`.

    Raises:
      AssetError: keras-hub cannot read it.
    """
    try:
        encoder = keras_hub.models.BertBackbone.from_preset(location)
        tokenizer = keras_hub.models.BertTokenizer.from_preset(location)
    except Exception as error:  # keras-hub raises whatever its download and parsing raise
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AssetError(
            f"encoder cannot be loaded: {location}: {said.rstrip('.')}. Expected a BERT folder "
            "(config.json, model.safetensors, vocab.txt) or a handle that can be reached."
        ) from error
    return encoder, list(tokenizer.get_vocabulary())


def classifier(
    encoder: keras.Model, *, classes: int, dropout: float, train_embeddings: bool = True
) -> keras.Model:
    """Return encoder → mean over valid tokens → dropout → logits [batch, classes]."""
    encoder.get_layer("token_embedding").trainable = train_embeddings
    inputs = {tensor.name: tensor for tensor in encoder.inputs}
    sequence = encoder.output["sequence_output"]
    valid = keras.ops.cast(inputs["padding_mask"], "bool")
    pooled = keras.layers.GlobalAveragePooling1D(name="mean_over_tokens")(sequence, mask=valid)
    dropped = keras.layers.Dropout(dropout, name="dropout")(pooled)
    logits = keras.layers.Dense(classes, dtype="float32", name="logits")(dropped)
    return keras.Model(inputs, logits, name="teacher")

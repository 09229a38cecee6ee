"""A pretrained BERT, read by keras-hub from a folder of Hugging Face or Keras, or from a handle."""

from __future__ import annotations

import keras
import keras_hub

from schemas.errors import AssetError, first_line


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
        raise AssetError(
            f"encoder cannot be loaded: {location}: {first_line(error).rstrip('.')}. Expected a "
            "BERT folder (config.json, model.safetensors, vocab.txt) or a handle within reach."
        ) from error
    return encoder, list(tokenizer.get_vocabulary())

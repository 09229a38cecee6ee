"""A pretrained BERT, read by keras-hub from a folder of Hugging Face or Keras, or from a handle."""

from __future__ import annotations

from pathlib import Path

import keras
import keras_hub

from schemas.errors import AssetError, first_line
from schemas.teacher_card import VOCABULARY_FILE
from stages.inputs.vocabulary_file import read_vocabulary
from stages.networks.weights import left_in_preset, unloaded_is_an_error


def load_encoder(location: str) -> tuple[keras.Model, list[str]]:
    """Return the encoder and its wordpiece vocabulary.

    Args:
      location: a folder, or `hf://…`, `kaggle://…`.

    Raises:
      AssetError: keras-hub cannot read it, or its vocabulary cannot be used.
    """
    if (own := Path(location) / VOCABULARY_FILE).is_file():
        read_vocabulary(own)
    try:
        with unloaded_is_an_error():
            encoder = keras_hub.models.BertBackbone.from_preset(location)
        tokenizer = keras_hub.models.BertTokenizer.from_preset(location)
    except Exception as error:  # keras-hub raises whatever its download and parsing raise
        raise AssetError(
            f"encoder cannot be loaded: {location}: {first_line(error).rstrip('.')}. Expected a "
            "BERT folder (config.json, model.safetensors, vocab.txt) or a handle within reach."
        ) from error
    _check_whole(location, encoder)
    pieces = list(tokenizer.get_vocabulary())
    rows = encoder.get_layer("token_embedding").input_dim
    if len(pieces) > rows:
        raise AssetError(
            f"encoder has another vocabulary: {location}: found {len(pieces)} pieces, and "
            f"embeddings of {rows}. Use the vocab.txt that belongs to it."
        )
    return encoder, pieces


def _check_whole(location: str, encoder: keras.Model) -> None:
    """Refuse a folder whose weights are more than the encoder's.

    What is missing, or of another shape, keras-hub itself refuses.
    """
    if Path(location).is_dir() and (found := left_in_preset(Path(location), encoder)):
        raise AssetError(
            f"encoder is not whole: {location}: {found}. Mend its config.json, or use the folder "
            "that it was saved to."
        )

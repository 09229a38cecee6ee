"""Start a `bert` student from some layers of a pretrained encoder, or of a fine-tuned teacher.

The student's pieces need not be the encoder's: each piece that both have starts from its row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import keras_hub
import numpy as np

from schemas.errors import StudentError
from schemas.teacher_card import CARD_FILE, MODEL_FILE, VOCABULARY_FILE
from schemas.train_section import Student
from stages.inputs.wordpiece import read_vocabulary
from stages.networks.encoder import load_encoder
from stages.networks.layers import other_vocabulary
from stages.networks.weights import left_in_keras_file, unloaded_is_an_error, why_unloaded
from stages.teachers.folder import check_vocabulary_file, read_card

_LAYER = "transformer_layer_"
_SHARED = ("position_embedding", "segment_embedding", "embeddings_layer_norm")


@dataclass(frozen=True)
class EncoderStart:
    """A pretrained encoder to start from.

    Attributes:
      place: where it is from.
      model: with keras-hub's names of layers.
      pieces: its vocabulary by id.
      layers: which of its layers are taken, in order.
    """

    place: str
    model: keras.Model
    pieces: list[str]
    layers: tuple[int, ...]

    def sized(self, student: Student) -> Student:
        """Return the student with the encoder's sizes.

        Raises:
          StudentError: the run file states others.
        """
        layer = self.model.get_layer(f"{_LAYER}0")
        sizes = {
            "layers": len(self.layers),
            "hidden_width": self.model.get_layer("token_embedding").output_dim,
            "heads": layer.num_heads,
            "inner_width": layer.intermediate_dim,
            "max_length": self.model.get_layer("position_embedding").sequence_length,
        }
        for name, found in sizes.items():
            stated = student.options.get(name, found)
            if stated != found:
                raise StudentError(
                    f"student has other sizes than its start: {student.name!r}: found {name} "
                    f"{stated}, expected {found} as {self.place} has. Leave it out."
                )
        return student.model_copy(update={"options": {**student.options, **sizes}})

    def copy_into(self, student: keras.Model, *, pieces: Sequence[str]) -> None:
        """Set the student's encoder.

        Args:
          student: of kind `bert`, of these sizes.
          pieces: its vocabulary by id.
        """
        encoder = next(
            layer for layer in student.layers if isinstance(layer, keras_hub.models.BertBackbone)
        )
        for name in _SHARED:
            encoder.get_layer(name).set_weights(self.model.get_layer(name).get_weights())
        for number, taken in enumerate(self.layers):
            weights = self.model.get_layer(f"{_LAYER}{taken}").get_weights()
            encoder.get_layer(f"{_LAYER}{number}").set_weights(weights)
        embedding = encoder.get_layer("token_embedding")
        [rows] = embedding.get_weights()
        [known] = self.model.get_layer("token_embedding").get_weights()
        place = {piece: number for number, piece in enumerate(self.pieces)}
        shared = [number for number, piece in enumerate(pieces) if piece in place]
        rows = np.array(rows)
        rows[shared] = known[[place[pieces[number]] for number in shared]]
        embedding.set_weights([rows])


def open_start(location: str, *, layers: tuple[int, ...] | None) -> EncoderStart:
    """Return the encoder at a place.

    Args:
      location: a folder of `teach`, a folder that keras-hub reads, or a handle.
      layers: which of its layers are taken; all when None.

    Raises:
      AssetError: keras-hub cannot read it.
      StudentError: it is no BERT, or has not so many layers.
    """
    model, pieces = _loaded(location)
    count = len(list(_layers(model)))
    if count == 0:
        raise StudentError(
            f"no BERT to start from: {location}: found {model.name!r}. Mend `start`."
        )
    taken = tuple(range(count)) if layers is None else layers
    if wrong := [number for number in taken if not 0 <= number < count]:
        raise StudentError(
            f"no such layer to start from: {location}: found layers 0 to {count - 1}, asked for "
            f"{wrong[0]}. Mend start.layers."
        )
    return EncoderStart(location, model, pieces, taken)


def _loaded(location: str) -> tuple[keras.Model, list[str]]:
    path = Path(location) / MODEL_FILE
    if not path.is_file():
        return load_encoder(location)
    try:
        with unloaded_is_an_error():
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras makes of a damaged file
        raise StudentError(
            f"no BERT to start from: {path}: {why_unloaded(error)}. Mend `start`."
        ) from error
    if found := left_in_keras_file(path, model):
        raise StudentError(f"start is not whole: {path}: {found}. Mend `start`.")
    return model, _own_vocabulary(path.parent, model)


def _own_vocabulary(folder: Path, model: keras.Model) -> list[str]:
    """Return the pieces of a folder of `teach`, or of one without a card.

    Raises:
      StudentError: they show that they are not the model's.
      TeacherError: they are not those that the card states.
    """
    pieces, vouched = read_vocabulary(folder / VOCABULARY_FILE), False
    if (folder / CARD_FILE).is_file():
        card = read_card(folder)
        check_vocabulary_file(folder, card)
        vouched = card.vocabulary is not None
    if not vouched and (found := other_vocabulary(model, pieces)) is not None:
        raise StudentError(
            f"start has another vocabulary: {folder / VOCABULARY_FILE}: {found}. Use the one that "
            "it was trained with."
        )
    return pieces


def _layers(model: keras.Model) -> Iterator[keras.Layer]:
    return (layer for layer in model.layers if layer.name.startswith(_LAYER))

"""A text classifier of keras-hub: backbone, head and preprocessing from one preset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras_hub
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from schemas.errors import TeacherError, first_line
from stages.networks.weights import left_in_keras_file, left_in_preset, unloaded_is_an_error
from stages.places.hub import is_hub_handle, snapshot
from stages.rows.probabilities import one_number_remedy
from stages.teachers.parts.bfloat16 import in_bfloat16
from stages.teachers.parts.endings import check_ending
from stages.teachers.parts.source import TeacherSource

_MASK, _TOKENS = "padding_mask", "token_ids"
_HEAD_WEIGHTS = "task.weights.h5"


@dataclass(frozen=True)
class PaddedInputs:
    """What the preprocessor made: each array [inputs, max_length], padded on the right."""

    features: dict[str, npt.NDArray[np.generic]]
    lengths: npt.NDArray[np.int32]
    overlong: npt.NDArray[np.bool_]

    def flat(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return all token ids, padding among them, and the input that each is of."""
        ids = self.features[_TOKENS].astype(np.int64)
        return ids.ravel(), np.repeat(np.arange(len(ids)), ids.shape[1])


class KerasHubTeacher:
    """`keras_hub.models.TextClassifier`, with its own preprocessing in front of it."""

    parallel_calls = 2

    def __init__(self, source: TeacherSource) -> None:
        """Load the preset.

        Raises:
          TeacherError: it cannot be loaded or has another number of classes.
        """
        self.classes = source.classes
        place = source.location
        folder = str(snapshot(place).folder) if is_hub_handle(place) else place
        try:
            with unloaded_is_an_error():
                model = keras_hub.models.TextClassifier.from_preset(folder)
            self._preprocessor = model.preprocessor
            self._preprocessor.sequence_length = source.max_length
            found = int(model.num_classes)
        except Exception as error:  # keras-hub raises whatever its download and parsing raise
            said = first_line(error).rstrip(".")
            raise TeacherError(
                f"teacher cannot be loaded: {source.location}: {said}. Expected a preset of a text "
                "classifier with its preprocessor."
            ) from error
        _check_whole(Path(folder), model)
        if found != source.outputs:
            raise TeacherError(
                f"teacher has another number of classes: {source.location}: found {found}, "
                f"expected {source.outputs}. State its classes, or use another teacher."
                + one_number_remedy(found, len(source.classes), source.kind)
            )
        check_ending(place, model, source)
        self._model = in_bfloat16(model) if source.how.compute_dtype == "bfloat16" else model
        self._backbone = model.backbone
        self._max_length = source.max_length
        made = self._features(tf.constant(["one"]), self._max_length)
        specs = {name: tf.TensorSpec([None, None], value.dtype) for name, value in made.items()}
        tokenizer = self._preprocessor.tokenizer
        if (piece := getattr(tokenizer, "oov_token", None)) and {_MASK, _TOKENS} <= set(made):
            self.unknown_piece = int(tokenizer.token_to_id(piece))
        self._logits = tf.function(self._call, input_signature=[specs])

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return int(self._model.count_params())

    def encode(self, inputs: pa.Table) -> PaddedInputs:
        """Return the one text column preprocessed; a model without a mask sees its padding."""
        texts = tf.constant(inputs.column(0).to_pylist(), tf.string)
        features = self._features(texts, self._max_length)
        if _MASK not in features:
            whole = np.full(len(texts), self._max_length, np.int32)
            return PaddedInputs(features, whole, np.zeros(len(texts), np.bool_))
        lengths = features[_MASK].sum(axis=1).astype(np.int32)
        overlong = np.zeros(len(lengths), np.bool_)
        full = np.flatnonzero(lengths == self._max_length)
        if len(full):
            longer = self._features(tf.gather(texts, full), self._max_length + 1)
            overlong[full] = longer[_MASK].sum(axis=1) > self._max_length
        return PaddedInputs(features, lengths, overlong)

    def logits(self, encoded: PaddedInputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), classes]; the model runs with `training=False`."""
        longest = int(encoded.lengths[rows].max(initial=1))
        batch = {
            name: tf.constant(value[rows, :longest]) for name, value in encoded.features.items()
        }
        answer: npt.NDArray[np.float32] = self._logits(batch).numpy()
        return answer

    def word_embeddings(self) -> npt.NDArray[np.float32] | None:
        """Return float32 [pieces, width]: the backbone's token embedding."""
        found = getattr(self._backbone, "token_embedding", None)
        return None if found is None else np.asarray(found.embeddings.numpy(), np.float32)

    def _features(self, texts: tf.Tensor, length: int) -> dict[str, npt.NDArray[np.generic]]:
        self._preprocessor.sequence_length = length
        made = self._preprocessor(texts)
        self._preprocessor.sequence_length = self._max_length
        return {name: np.asarray(value) for name, value in made.items()}

    def _call(self, features: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.cast(self._model(features, training=False), tf.float32)


def _check_whole(folder: Path, model: Any) -> None:
    """Refuse a model whose weights are not just those of its preset.

    Raises:
      TeacherError: the preset has no weights of the head, or some that are nobody's.
    """
    head = folder / _HEAD_WEIGHTS
    if not head.is_file():
        raise TeacherError(
            f"teacher is not whole: {folder}: no {_HEAD_WEIGHTS}, so that its head would be "
            "random. Save the trained classifier with save_to_preset."
        )
    for found in (left_in_preset(folder, model.backbone), left_in_keras_file(head, model)):
        if found:
            raise TeacherError(
                f"teacher is not whole: {folder}: {found}. Save the trained classifier again with "
                "save_to_preset."
            )


def load(source: TeacherSource) -> KerasHubTeacher:
    """Return the teacher of a preset.

    Raises:
      TeacherError: it cannot be loaded.
    """
    return KerasHubTeacher(source)

"""A trained student as it would be served: raw strings in, logits out."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schemas.errors import StudentError
from schemas.student_card import STUDENT_MODEL_FILE, StudentCard
from schemas.teacher_card import VOCABULARY_FILE
from stages.text import Wordpiece, read_vocabulary
from stages.train.students import find_builder

_BATCH = 256


class StudentPredictor:
    """A saved student with its own tokenizer, as one traced graph run with `training=False`."""

    def __init__(self, path: Path, card: StudentCard) -> None:
        """Load the student in Keras's safe mode.

        Its builder is looked up first: that imports the module which registers a user's own
        layers.

        Raises:
          StudentError: its folder is not whole, or its builder cannot be imported.
        """
        find_builder(card.student.kind)
        try:
            self.model = keras.saving.load_model(
                path / STUDENT_MODEL_FILE, compile=False, safe_mode=True
            )
            vocabulary = read_vocabulary(path / VOCABULARY_FILE)
        except (ValueError, OSError, TypeError) as error:
            said = str(error).splitlines()[0]
            raise StudentError(f"student cannot be loaded: {path}: {said}. Train again.") from error
        self.wordpiece = Wordpiece(vocabulary, lowercase=card.lowercase, max_length=card.max_length)
        self.max_length = card.max_length
        self._logits = tf.function(self._call, input_signature=[tf.TensorSpec([None], tf.string)])

    def logits(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Return float32 [len(texts), classes]."""
        parts = [
            self._logits(tf.constant(texts[start : start + _BATCH], tf.string)).numpy()
            for start in range(0, len(texts), _BATCH)
        ]
        return np.concatenate(parts)

    def token_ids(self, texts: list[str]) -> npt.NDArray[np.int32]:
        """Return int32 [len(texts), longest], padded with 0."""
        found: npt.NDArray[np.int32] = self.wordpiece.token_ids(tf.constant(texts)).numpy()
        return found

    def _call(self, texts: tf.Tensor) -> tf.Tensor:
        return self.model(self.wordpiece.token_ids(texts), training=False)

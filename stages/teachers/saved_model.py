"""A TensorFlow SavedModel: one of its signatures, from strings or token ids to its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from schemas.errors import TeacherError, first_line
from schemas.teacher_card import VOCABULARY_FILE
from stages.inputs.wordpiece import Wordpiece, read_vocabulary
from stages.teachers.parts.pieces import WordpieceInputs, model_inputs
from stages.teachers.parts.source import TeacherSource
from stages.teachers.parts.texts import TextInputs

_TOKEN_IDS = ("token_ids", "input_ids", "input_word_ids")
_MASKS = ("padding_mask", "attention_mask", "input_mask")
_SEGMENTS = ("segment_ids", "token_type_ids", "input_type_ids")
_VOCABULARIES = (VOCABULARY_FILE, f"assets/{VOCABULARY_FILE}")


class SavedModelTeacher:
    """A signature over strings [batch], or over token ids, mask and segments [batch, tokens].

    The second wants a wordpiece `vocab.txt` in the model's folder or in its assets.
    """

    parallel_calls = 2

    def __init__(self, source: TeacherSource) -> None:
        """Load the model.

        Raises:
          TeacherError: it cannot be loaded, or the signature is not one that can be asked.
        """
        self.classes = source.classes
        self._place = source.location
        try:
            self._model = tf.saved_model.load(source.location)
        except AssertionError as error:  # what TensorFlow raises where a variable has no value
            raise TeacherError(
                f"teacher is not whole: {source.location}: its file lacks weights of the model: "
                f"{first_line(error)[:200]} Save it again, or copy all of its variables/."
            ) from error
        except (OSError, ValueError, tf.errors.OpError) as error:
            said = first_line(error).rstrip(".")
            raise TeacherError(
                f"teacher cannot be loaded: {source.location}: {said}. Expected the folder of "
                "saved_model.pb."
            ) from error
        self._signature = self._named(source.how.signature)
        self._inputs = self._signature.structured_input_signature[1]
        self._wordpiece = None if self._takes_strings() else self._tokenizer(source)
        if self._wordpiece is not None:
            self.unknown_piece = self._wordpiece.unknown_id
        self._output = self._answers(source.how.output)

    @property
    def parameters(self) -> int:
        """Number of weights; 0 where the model does not list them."""
        found = getattr(self._model, "variables", None) or self._signature.variables
        return int(sum(np.prod(variable.shape) for variable in found))

    def encode(self, inputs: pa.Table) -> TextInputs | WordpieceInputs:
        """Return the texts as they are, or their token ids."""
        if self._wordpiece is None:
            return TextInputs.of(inputs)
        return WordpieceInputs.of(inputs, self._wordpiece)

    def logits(
        self, encoded: TextInputs | WordpieceInputs, rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), classes]: the named output."""
        if isinstance(encoded, TextInputs):
            (name,) = self._inputs
            fed = {name: tf.constant(encoded.take(rows), tf.string)}
        else:
            fed = self._tokens(encoded.padded(rows))
        return np.asarray(self._signature(**fed)[self._output].numpy(), np.float32)

    def _named(self, name: str) -> Any:
        if name not in self._model.signatures:
            raise TeacherError(
                f"no such signature: {name!r} in {self._place}: found "
                f"{', '.join(self._model.signatures)}. State teacher.signature."
            )
        return self._model.signatures[name]

    def _takes_strings(self) -> bool:
        """Return whether it takes strings; False for token ids."""
        strings = [spec.dtype == tf.string for spec in self._inputs.values()]
        if strings == [True]:
            return True
        known = {*_TOKEN_IDS, *_MASKS, *_SEGMENTS}
        if known >= set(self._inputs) and set(_TOKEN_IDS) & set(self._inputs):
            return False
        found = ", ".join(f"{name} {spec.dtype.name}" for name, spec in self._inputs.items())
        raise TeacherError(
            f"teacher has other inputs: {self._place}: found {found}, expected one of strings, or "
            f"one of {', '.join(_TOKEN_IDS)} with a mask and segments. State another "
            "teacher.signature."
        )

    def _tokenizer(self, source: TeacherSource) -> Wordpiece:
        for name in _VOCABULARIES:
            path = Path(source.location) / name
            if path.is_file():
                return Wordpiece(
                    read_vocabulary(path), lowercase=source.lowercase, max_length=source.max_length
                )
        raise TeacherError(
            f"teacher has no vocabulary: {self._place}: its inputs are token ids, expected "
            f"{' or '.join(_VOCABULARIES)} in its folder."
        )

    def _tokens(self, token_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        pad_id = cast(Wordpiece, self._wordpiece).pad_id
        features = model_inputs(token_ids, pad_id=pad_id)
        columns = zip((_TOKEN_IDS, _SEGMENTS, _MASKS), features.values(), strict=True)
        named = {name: value for names, value in columns for name in names}
        return {name: tf.cast(named[name], spec.dtype) for name, spec in self._inputs.items()}

    def _answers(self, stated: str | None) -> str:
        outputs = self._signature.structured_outputs
        floats = [name for name, spec in outputs.items() if spec.dtype.is_floating]
        name = stated if stated is not None or len(floats) != 1 else floats[0]
        if name not in outputs:
            raise TeacherError(
                f"no such output: {name!r} in {self._place}: found {', '.join(outputs)}. State "
                "teacher.output."
            )
        return str(name)


def load(source: TeacherSource) -> SavedModelTeacher:
    """Return the teacher in a SavedModel's folder.

    Raises:
      TeacherError: it cannot be loaded.
    """
    return SavedModelTeacher(source)

"""A TensorFlow SavedModel: one of its signatures, from raw strings to logits or probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from schemas.errors import TeacherError
from stages.label.teachers.texts import TextInputs
from stages.teacher_source import TeacherSource


class SavedModelTeacher:
    """A signature with one input of strings [batch]."""

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
        except (OSError, ValueError, tf.errors.OpError) as error:
            said = str(error).splitlines()[0]
            raise TeacherError(
                f"teacher cannot be loaded: {source.location}: {said}. Expected the folder of "
                "saved_model.pb."
            ) from error
        self._signature = self._named(source.how.signature)
        self._input = self._text_input()
        self._output = self._answers(source.how.output)

    @property
    def parameters(self) -> int:
        """Number of weights; 0 where the model does not list them."""
        found = getattr(self._model, "variables", None) or self._signature.variables
        return int(sum(np.prod(variable.shape) for variable in found))

    def encode(self, inputs: pa.Table) -> TextInputs:
        """Return the texts as they are: the graph has its own preprocessing."""
        return TextInputs.of(inputs)

    def logits(self, encoded: TextInputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), classes]: the named output."""
        answers = self._signature(**{self._input: tf.constant(encoded.take(rows), tf.string)})
        return np.asarray(answers[self._output].numpy(), np.float32)

    def _named(self, name: str) -> Any:
        if name not in self._model.signatures:
            raise TeacherError(
                f"no such signature: {name!r} in {self._place}: found "
                f"{', '.join(self._model.signatures)}. State teacher.signature."
            )
        return self._model.signatures[name]

    def _text_input(self) -> str:
        inputs = self._signature.structured_input_signature[1]
        texts = [name for name, spec in inputs.items() if spec.dtype == tf.string]
        if len(inputs) != 1 or len(texts) != 1:
            found = ", ".join(f"{name} {spec.dtype.name}" for name, spec in inputs.items())
            raise TeacherError(
                f"teacher has other inputs: {self._place}: found {found}, expected one of strings. "
                "State another teacher.signature."
            )
        return str(texts[0])

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

"""A `.keras` teacher, loaded in Keras's safe mode and run as one traced graph.

The graph is run by TensorFlow, or converted for ONNX Runtime; its layers may compute in bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import keras_hub  # noqa: F401  (registers the layers that a saved encoder is made of)
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from schemas.errors import TeacherError
from schemas.provenance import digest_file
from schemas.teacher_card import CARD_FILE, MODEL_FILE, VOCABULARY_FILE
from stages.inputs.wordpiece import Wordpiece, ragged_words, read_vocabulary
from stages.networks.layers import layers_of, other_vocabulary
from stages.networks.weights import left_in_keras_file, unloaded_is_an_error, why_unloaded
from stages.rows.probabilities import one_number_remedy
from stages.teachers.parts.bfloat16 import in_bfloat16
from stages.teachers.parts.endings import check_ending
from stages.teachers.parts.onnx_graph import OnnxGraph
from stages.teachers.parts.pieces import WordpieceInputs, model_inputs
from stages.teachers.parts.source import TeacherSource
from stages.teachers.parts.words import logits_of_words

INPUTS = frozenset({"token_ids", "segment_ids", "padding_mask"})


class KerasTeacher:
    """A Keras model over token ids, with wordpiece in front of it.

    The model takes some of `token_ids`, `segment_ids`, `padding_mask` by name and returns
    logits [batch, classes]; where each word has a class, [batch, tokens, classes].
    """

    parallel_calls = 2  # while one batch waits between two operations, the other computes

    def __init__(self, source: TeacherSource) -> None:
        """Load the model.

        Raises:
          TeacherError: it cannot be loaded or has another number of outputs than classes.
        """
        self.classes = source.classes
        self._of_words, self._word_logits = source.per == "token", source.how.word_logits
        pieces = read_vocabulary(Path(source.location) / VOCABULARY_FILE)
        self._wordpiece = Wordpiece(
            pieces, lowercase=source.lowercase, max_length=source.max_length
        )
        self.unknown_piece = self._wordpiece.unknown_id
        model = load_model(source)
        _check_vocabulary(model, pieces, source)
        if source.how.compute_dtype == "bfloat16":
            model = in_bfloat16(model)
        self.parameters = int(model.count_params())
        self._model = model
        graph = logits_graph(model, pad_id=self._wordpiece.pad_id, end_id=self._wordpiece.end_id)
        self._answer: Callable[[tf.Tensor], npt.NDArray[np.float32]]
        if source.how.runtime == "onnx":
            runtime = OnnxGraph(graph, name=source.fingerprint)
            self._answer, self.parallel_calls = runtime.answer, runtime.parallel_calls
        else:
            self._answer = lambda token_ids: graph(token_ids).numpy()

    def encode(self, inputs: pa.Table) -> WordpieceInputs:
        """Return the token ids of texts, of pairs of two columns, or of lists of words."""
        if self._of_words:
            return WordpieceInputs.of_words(inputs, self._wordpiece)
        return WordpieceInputs.of(inputs, self._wordpiece)

    def logits(
        self, encoded: WordpieceInputs, rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), classes]; the model runs with `training=False`.

        Of words [len(rows), words, classes], NaN for one beyond the window.
        """
        answer = self._answer(encoded.padded(rows))
        if not self._of_words:
            return answer
        return logits_of_words(answer, encoded.words_of(rows), pieces=self._word_logits)

    @property
    def max_pieces(self) -> int:
        """Pieces that fit its window beside [CLS] and [SEP]."""
        return self._wordpiece.max_pieces

    def word_pieces(self, inputs: pa.Table) -> npt.NDArray[np.int64]:
        """Return how many pieces each word has, int64 [words of all rows]."""
        _, counts = self._wordpiece.words(ragged_words(inputs.column(0).to_pylist()))
        found: npt.NDArray[np.int64] = counts.flat_values.numpy()
        return found

    def word_embeddings(self) -> npt.NDArray[np.float32] | None:
        """Return float32 [pieces, width]: the table that token ids are looked up in first."""
        return embeddings_of(self._model, pieces=self._wordpiece.vocabulary_size)


def embeddings_of(model: keras.Model, *, pieces: int) -> npt.NDArray[np.float32] | None:
    """Return the one table of an embedding layer that has a row for each piece, or None."""
    layers = [layer for layer in layers_of(model) if isinstance(layer, keras.layers.Embedding)]
    found = [layer.embeddings for layer in layers if layer.input_dim >= pieces]
    return np.asarray(found[0].numpy(), np.float32) if len(found) == 1 else None


def logits_graph(
    model: keras.Model, *, pad_id: int, end_id: int
) -> tf.types.experimental.PolymorphicFunction:
    """Return int32 [batch, tokens] → float32 [batch, classes] with `training=False`."""
    wanted = {tensor.name for tensor in model.inputs}

    def call(token_ids: tf.Tensor) -> tf.Tensor:
        features = model_inputs(token_ids, pad_id=pad_id, end_id=end_id)
        named = {name: value for name, value in features.items() if name in wanted}
        return tf.cast(model(named, training=False), tf.float32)

    return tf.function(call, input_signature=[tf.TensorSpec([None, None], tf.int32)])


def load_model(source: TeacherSource) -> keras.Model:
    """Return the Keras model, in safe mode.

    Raises:
      TeacherError: it cannot be loaded, or has other inputs or outputs than are needed.
    """
    path = Path(source.location) / MODEL_FILE
    try:
        with unloaded_is_an_error():
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras makes of a damaged file
        said = why_unloaded(error)
        raise TeacherError(f"teacher cannot be loaded: {path}: {said}.") from error
    if found := left_in_keras_file(path, model):
        raise TeacherError(
            f"teacher is not whole: {path}: {found}. Save it again from the model that was trained."
        )
    names = {tensor.name for tensor in model.inputs}
    if not names or names - INPUTS:
        raise TeacherError(
            f"teacher has other inputs: {path}: found {', '.join(sorted(names))}, "
            f"expected some of {', '.join(sorted(INPUTS))}. Name its inputs so."
        )
    found = model.outputs[0].shape[-1]
    if found != source.outputs:
        raise TeacherError(
            f"teacher has another number of classes: {path}: found {found} outputs, expected "
            f"{source.outputs}. Mend its card or use another teacher."
            + one_number_remedy(found, len(source.classes), source.kind)
        )
    check_ending(str(path), model, source)
    return model


def _check_vocabulary(model: keras.Model, pieces: list[str], source: TeacherSource) -> None:
    """Refuse a vocabulary that shows that it is not the model's; the card may vouch for it.

    Raises:
      TeacherError: it has another length, or another first piece.
    """
    path = Path(source.location) / VOCABULARY_FILE
    found = None if source.vouched else other_vocabulary(model, pieces)
    if found is not None:
        raise TeacherError(
            f"teacher has another vocabulary: {path}: {found}. Use the one that it was trained "
            f'with; if this is it, add "vocabulary": "{digest_file(path)}" to its {CARD_FILE}.'
        )


def load(source: TeacherSource) -> KerasTeacher:
    """Return the teacher in a folder of `teach`.

    Raises:
      TeacherError: it cannot be loaded.
    """
    return KerasTeacher(source)

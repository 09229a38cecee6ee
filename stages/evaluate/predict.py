"""A trained student as it would be served: raw strings, or lists of words, in, logits out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schemas.errors import StudentError, first_line
from schemas.head_kinds import head_kinds
from schemas.provenance import digest_file
from schemas.student_card import STUDENT_MODEL_FILE, StudentCard
from schemas.teacher_card import VOCABULARY_FILE
from stages.inputs.wordpiece import Wordpiece, ragged_words, read_vocabulary
from stages.networks.weights import why_untraced
from stages.rows.lists import offsets_of
from stages.rows.pointers import SEPARATOR
from stages.rows.row_logits import RowLogits
from stages.train.distiller import logits_of
from stages.train.stream.words import Inputs, word_inputs
from stages.train.students import find_builder

_BATCH = 256


class StudentPredictor:
    """A saved student with its own tokenizer, as one traced graph run with `training=False`."""

    def __init__(self, path: Path, card: StudentCard) -> None:
        """Load the student in Keras's safe mode.

        Its builder is looked up first: that imports the module which registers a user's own
        layers.

        Raises:
          StudentError: its folder is not whole, its vocabulary is another one than its card says,
            or its builder cannot be imported.
        """
        find_builder(card.student.kind)
        _check_vocabulary(path, card)
        try:
            self.model = keras.saving.load_model(
                path / STUDENT_MODEL_FILE, compile=False, safe_mode=True
            )
            vocabulary = read_vocabulary(path / VOCABULARY_FILE)
        except Exception as error:  # whatever Keras makes of a damaged file
            said = first_line(error)
            raise StudentError(f"student cannot be loaded: {path}: {said}. Train again.") from error
        self.wordpiece = Wordpiece(vocabulary, lowercase=card.lowercase, max_length=card.max_length)
        self.max_length, self.stride = card.max_length, card.stride
        self.pairs = card.pairs
        self._place = path
        self.by_position, self.kind = card.per != "example", card.kind
        self.points = head_kinds()[card.kind].points

    @cached_property
    def _logits(self) -> tf.types.experimental.PolymorphicFunction:
        """The traced graph, from inputs to logits.

        Raises:
          StudentError: its model was loaded, and cannot be called.
        """
        words = tf.RaggedTensorSpec([None, None], tf.string, ragged_rank=1)
        texts = tf.TensorSpec([None, 2] if self.pairs else [None], tf.string)
        call, spec = (self.of_words, words) if self.by_position else (self.of_texts, texts)
        graph = tf.function(call, input_signature=[spec])
        try:
            graph.get_concrete_function()
        except Exception as error:  # whatever a damaged model makes of its inputs
            raise StudentError(
                f"student cannot be asked: {self._place}: {why_untraced(error)}. Train again."
            ) from error
        return graph

    def logits(self, texts: list[Any]) -> npt.NDArray[np.float32]:
        """Return float32 [len(texts), classes]."""
        return self.answers(texts).values

    def answers(self, inputs: list[Any]) -> RowLogits:
        """Return the logits of texts, or of each word of lists of words; NaN for one not seen."""
        return RowLogits.joined([self._answered(batch) for batch in _batches(inputs)])

    def cut(self, inputs: list[Any]) -> int:
        """Return how many texts are cut; of words how many are not seen for that."""
        count = self._unseen_words if self.by_position else self._cut_texts
        return sum(count(batch) for batch in _batches(inputs))

    def _cut_texts(self, texts: list[Any]) -> int:
        return int(self.wordpiece.tokens(tf.constant(texts, tf.string))[1].numpy().sum())

    def _unseen_words(self, lists: list[Any]) -> int:
        words = ragged_words(lists)
        has_pieces = self.wordpiece.words(words)[1].to_tensor(0) > 0
        there = has_pieces & self._is_answered(words)
        return int((there & (self.word_inputs(words)["first_pieces"] < 0)).numpy().sum())

    def _answered(self, inputs: list[Any]) -> RowLogits:
        if not self.by_position:
            return RowLogits(self._logits(tf.constant(inputs, tf.string)).numpy())
        words = ragged_words(inputs)
        counts = words.row_lengths().numpy()
        padded = self._logits(words).numpy()
        return RowLogits(padded[np.arange(padded.shape[1]) < counts[:, None]], offsets_of(counts))

    def token_ids(self, inputs: list[Any]) -> npt.NDArray[np.int32]:
        """Return int32 [inputs, longest], or [inputs, most windows, longest]; 0 is padding."""
        if self.by_position:
            ids = self.word_inputs(ragged_words(inputs))["token_ids"]
        else:
            ids = self.wordpiece.token_ids(tf.constant(inputs))
        found: npt.NDArray[np.int32] = ids.numpy()
        return found

    def word_inputs(self, words: tf.RaggedTensor) -> Inputs:
        """Return token ids of rows of words, and the place of each word's first piece.

        That is -1 for a word that is not seen, and for those of a question before `[SEP]`.
        """
        asks = self.points
        inputs = word_inputs(self.wordpiece, words, stride=self.stride, asks=asks)
        first = tf.where(self._is_answered(words), inputs["first_pieces"], -1)
        return {**inputs, "first_pieces": first}

    def _is_answered(self, words: tf.RaggedTensor) -> tf.Tensor:
        """Return bool [batch, most words]: all, or of questions `[SEP]` and what comes after it."""
        dense = words.to_tensor("")
        if not self.points:
            return tf.ones_like(dense, tf.bool)
        return tf.cumsum(tf.cast(dense == SEPARATOR, tf.int32), axis=1) > 0

    def of_texts(self, texts: tf.Tensor) -> tf.Tensor:
        """Return logits [batch, classes] of strings, in a graph."""
        return self.model(self.wordpiece.token_ids(texts), training=False)

    def of_words(self, words: tf.RaggedTensor) -> tf.Tensor:
        """Return logits [batch, most words, classes] of rows of words, NaN for one not seen."""
        inputs = self.word_inputs(words)
        found = logits_of(self.model, inputs, training=False)
        return tf.where(inputs["first_pieces"][..., None] >= 0, found, tf.constant(float("nan")))


def _check_vocabulary(path: Path, card: StudentCard) -> None:
    """Hold a student's vocabulary to the digest that its card states, if it states one."""
    place = path / VOCABULARY_FILE
    if card.vocabulary is None or not place.is_file():
        return
    found = digest_file(place)
    if found != card.vocabulary:
        raise StudentError(
            f"student has another vocabulary: {place}: found digest {found}, expected "
            f"{card.vocabulary} as its {card.file} says. Put that file back, or remove the folder "
            "and train again."
        )


def _batches(inputs: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(inputs), _BATCH):
        yield inputs[start : start + _BATCH]

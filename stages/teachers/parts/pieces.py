"""Inputs of a teacher that takes the token ids of wordpiece, made in TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from stages.inputs.find import input_of
from stages.inputs.wordpiece import Wordpiece, ragged_words
from stages.teachers.parts.words import NO_WORD, seen_from


@dataclass(frozen=True)
class WordpieceInputs:
    """Token ids, not padded; of words, also whose each piece is."""

    token_ids: tf.RaggedTensor
    lengths: npt.NDArray[np.int32]
    overlong: npt.NDArray[np.bool_]
    pad_id: int
    word_ids: tf.RaggedTensor | None = None

    @staticmethod
    def of(inputs: pa.Table, wordpiece: Wordpiece) -> WordpieceInputs:
        """Return the token ids of the one column of texts or words, or of the pairs of two."""
        kind = input_of(inputs)
        texts = tf.constant(kind.strings(inputs).to_pylist(), tf.string)
        token_ids, overlong = wordpiece.tokens(kind.in_graph(texts))
        lengths = token_ids.row_lengths().numpy().astype(np.int32)
        return WordpieceInputs(token_ids, lengths, overlong.numpy(), wordpiece.pad_id)

    @staticmethod
    def of_words(inputs: pa.Table, wordpiece: Wordpiece) -> WordpieceInputs:
        """Return the token ids of the one column of lists of words, and whose each piece is."""
        pieces, counts = wordpiece.words(ragged_words(inputs.column(0).to_pylist()))
        token_ids = wordpiece.frame(pieces)
        lengths = token_ids.row_lengths().numpy().astype(np.int32)
        owners = tf.ragged.range(counts.row_lengths())
        repeated = tf.repeat(owners.flat_values, counts.flat_values)
        word_ids = pieces.with_flat_values(tf.cast(repeated, tf.int32))
        edge = tf.fill([len(lengths), 1], NO_WORD)
        framed = tf.concat([edge, word_ids[:, : wordpiece.max_pieces], edge], axis=1)
        overlong = wordpiece.overlong(pieces).numpy()
        return WordpieceInputs(token_ids, lengths, overlong, wordpiece.pad_id, framed)

    def words_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the word of each piece of some rows, int64 [rows, longest], -1 for none."""
        found: npt.NDArray[np.int64] = tf.gather(self.word_ids, rows).to_tensor(NO_WORD).numpy()
        return found.astype(np.int64)

    def flat(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return all token ids, and the input that each is of, int64 [tokens]."""
        ids, rows = self.token_ids.flat_values.numpy(), self.token_ids.value_rowids().numpy()
        return ids.astype(np.int64), rows

    def words_seen(self, first: npt.NDArray[np.int64]) -> int:
        """Return how many words have a piece here, from the first of each row that counts."""
        return seen_from(cast(tf.RaggedTensor, self.word_ids).to_list(), first)

    def padded(self, rows: npt.NDArray[np.int64]) -> tf.Tensor:
        """Return int32 [len(rows), longest of them]."""
        return tf.gather(self.token_ids, rows).to_tensor(self.pad_id)


def model_inputs(
    token_ids: tf.Tensor, *, pad_id: int, end_id: int | None = None
) -> dict[str, tf.Tensor]:
    """Return an encoder's inputs: token ids, segments, and a mask that hides padding.

    Args:
      token_ids: int32 [batch, tokens].
      pad_id: of padding.
      end_id: of [SEP]: what comes after the first one is the second segment; one segment when
        None.
    """
    mask = tf.cast(token_ids != pad_id, tf.int32)
    segments = tf.zeros_like(token_ids)
    if end_id is not None:
        ends = tf.cast(token_ids == end_id, tf.int32)
        before = tf.cumsum(ends, axis=1) - ends
        segments = tf.cast(before > 0, token_ids.dtype) * tf.cast(mask, token_ids.dtype)
    return {"token_ids": token_ids, "segment_ids": segments, "padding_mask": mask}

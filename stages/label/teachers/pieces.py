"""Inputs of a teacher that takes the token ids of wordpiece, made in TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from stages.label.teachers.words import NO_WORD
from stages.text import Wordpiece, ragged_words


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
        """Return the token ids of the one text column."""
        pieces = wordpiece.pieces(tf.constant(inputs.column(0).to_pylist(), tf.string))
        token_ids = wordpiece.frame(pieces)
        lengths = token_ids.row_lengths().numpy().astype(np.int32)
        overlong = wordpiece.overlong(pieces).numpy()
        return WordpieceInputs(token_ids, lengths, overlong, wordpiece.pad_id)

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

    def padded(self, rows: npt.NDArray[np.int64]) -> tf.Tensor:
        """Return int32 [len(rows), longest of them]."""
        return tf.gather(self.token_ids, rows).to_tensor(self.pad_id)


def model_inputs(token_ids: tf.Tensor, *, pad_id: int) -> dict[str, tf.Tensor]:
    """Return an encoder's inputs: token ids, one segment, and a mask that hides padding."""
    return {
        "token_ids": token_ids,
        "segment_ids": tf.zeros_like(token_ids),
        "padding_mask": tf.cast(token_ids != pad_id, tf.int32),
    }

"""Inputs of a teacher that takes the token ids of wordpiece, made in TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from stages.text import Wordpiece


@dataclass(frozen=True)
class WordpieceInputs:
    """Token ids, not padded."""

    token_ids: tf.RaggedTensor
    lengths: npt.NDArray[np.int32]
    overlong: npt.NDArray[np.bool_]
    pad_id: int

    @staticmethod
    def of(inputs: pa.Table, wordpiece: Wordpiece) -> WordpieceInputs:
        """Return the token ids of the one text column."""
        pieces = wordpiece.pieces(tf.constant(inputs.column(0).to_pylist(), tf.string))
        token_ids = wordpiece.frame(pieces)
        lengths = token_ids.row_lengths().numpy().astype(np.int32)
        overlong = wordpiece.overlong(pieces).numpy()
        return WordpieceInputs(token_ids, lengths, overlong, wordpiece.pad_id)

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

"""Training batches for the teacher: shuffled, of similar length, padded to their longest."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from stages.inputs.wordpiece import Wordpiece
from stages.networks.untuned import untuned
from stages.rows.columns import Labels
from stages.teachers.parts.pieces import model_inputs

_WINDOW_BATCHES = 16


def epoch_order(
    lengths: npt.NDArray[np.int64], *, batch_size: int, seed: int, epoch: int
) -> list[npt.NDArray[np.int64]]:
    """Return an epoch's batches of row numbers; a pure function of its arguments.

    Rows are permuted, sorted by length within windows of some batches, cut, and the batches
    permuted: random enough to learn from, with little padding. Every row comes once.
    """
    rng = np.random.default_rng([seed, epoch])
    rows = rng.permutation(len(lengths))
    window = batch_size * _WINDOW_BATCHES
    batches = []
    for start in range(0, len(rows), window):
        part = rows[start : start + window]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += [part[cut : cut + batch_size] for cut in range(0, len(part), batch_size)]
    return [batches[number] for number in rng.permutation(len(batches))]


def batches(
    token_ids: tf.RaggedTensor,
    labels: Labels | tf.RaggedTensor,
    *,
    batch_size: int,
    seed: int,
    first_epoch: int = 0,
    wordpiece: Wordpiece,
) -> tf.data.Dataset:
    """Return endless training batches (model inputs, labels), epoch after epoch.

    Labels are as of `labels_by_line`, or one a token: then [batch, tokens], -1 for padding.
    """
    lengths = token_ids.row_lengths().numpy()

    def orders() -> Iterator[npt.NDArray[np.int64]]:
        epoch = first_epoch
        while True:
            yield from epoch_order(lengths, batch_size=batch_size, seed=seed, epoch=epoch)
            epoch += 1

    def gather(rows: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        dense = tf.gather(token_ids, rows).to_tensor(wordpiece.pad_id)
        chosen = tf.gather(labels, rows)
        chosen = chosen.to_tensor(-1) if isinstance(chosen, tf.RaggedTensor) else chosen
        return model_inputs(dense, pad_id=wordpiece.pad_id, end_id=wordpiece.end_id), chosen

    rows = tf.TensorSpec([None], tf.int64)
    order = tf.data.Dataset.from_generator(orders, output_signature=rows)
    return untuned(order.map(gather).prefetch(2))

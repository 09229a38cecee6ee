"""Losses of numbers, per example."""

from __future__ import annotations

import tensorflow as tf

from stages.heads.losses.parts.labels import has_labels


def squared_error(student: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Return the mean squared difference to the teacher's numbers, or to the hard labels.

    Args:
      student: float32 [..., numbers].
      target: float32 [..., numbers]. Not differentiated through. An example without one has NaN and
        gets 0; mask it in the reduction with `has_labels`.

    Returns:
      float32 [...], ≥ 0. Not reduced.

    >>> float(squared_error(tf.constant([[1.0]]), tf.constant([[3.0]]))[0])
    4.0
    """
    there = has_labels(target)
    known = tf.where(there[..., None], tf.stop_gradient(target), tf.zeros_like(target))
    loss = tf.reduce_mean((student - known) ** 2, axis=-1)
    return tf.where(there, loss, tf.zeros_like(loss))

"""Pearson's correlation over a whole split, from sums kept on the way."""

from __future__ import annotations

import keras
import tensorflow as tf


class Correlation(keras.metrics.Metric):
    """Of two columns of numbers; 0 where one is constant.

    The sums are float64, since their squares nearly cancel where the mean is large.
    """

    def __init__(self, name: str) -> None:
        """Begin with no pair."""
        super().__init__(name=name)
        self._sums = self.add_weight(shape=(6,), initializer="zeros", dtype="float64", name="sums")

    def update_state(
        self, labels: tf.Tensor, answers: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Count pairs; float32 [batch] each, of which those count whose weight is true."""
        counted = tf.ones_like(answers, tf.bool) if sample_weight is None else sample_weight
        one, other = (
            tf.where(counted, tf.cast(column, tf.float64), 0.0) for column in (labels, answers)
        )
        pairs = tf.cast(counted, tf.float64)
        found = (pairs, one, other, one**2, other**2, one * other)
        self._sums.assign_add(tf.stack([tf.reduce_sum(column) for column in found]))

    def result(self) -> tf.Tensor:
        """Return the correlation."""
        count, one, other, squared, others_squared, both = tf.unstack(
            tf.convert_to_tensor(self._sums)
        )
        spread = (count * squared - one**2) * (count * others_squared - other**2)
        covariance = count * both - one * other
        found = tf.math.divide_no_nan(covariance, tf.sqrt(tf.maximum(spread, 0.0)))
        return tf.cast(found, tf.float32)

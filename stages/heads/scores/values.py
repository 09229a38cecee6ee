"""Pearson's correlation and R² over a whole split, from sums kept on the way."""

from __future__ import annotations

import keras
import tensorflow as tf


class Correlation(keras.metrics.Metric):
    """Pearson's, of two columns of numbers, and R² of the second; 0 where one is constant.

    The sums are float64, since their squares nearly cancel where the mean is large.
    """

    def __init__(self, name: str, *, r2: str | None = None) -> None:
        """Begin with no pair; R² has a name, or is left out."""
        super().__init__(name=name)
        self._r2 = r2
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

    def result(self) -> dict[str, tf.Tensor]:
        """Return both by name."""
        count, one, other, squared, others_squared, both = tf.unstack(
            tf.convert_to_tensor(self._sums)
        )
        spread = tf.maximum(count * squared - one**2, 0.0)
        others_spread = tf.maximum(count * others_squared - other**2, 0.0)
        covariance = count * both - one * other
        size = tf.sqrt(spread * others_spread)
        found = {self.name: tf.math.divide_no_nan(covariance, size)}
        if self._r2 is not None:
            errors = squared - 2.0 * both + others_squared
            unexplained = tf.math.divide_no_nan(count * errors, spread)
            found[self._r2] = tf.where(spread > 0, 1.0 - unexplained, 0.0)
        return {name: tf.cast(value, tf.float32) for name, value in found.items()}

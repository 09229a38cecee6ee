"""How well a split is ranked by its logits, from counts kept on the way."""

from __future__ import annotations

import keras
import tensorflow as tf

from stages.heads.losses.parts.labels import has_labels

_LIMIT = 16.0  # of a logit; beyond it all are alike
_COUNTERS = 2**20  # of all classes; logits nearer than 32 · classes / 2**20 may count as equal


class AreaUnderCurve(keras.metrics.Metric):
    """The probability that a row of a class has the larger logit than one without it.

    Equal logits count a half. The mean over the classes that some rows have and some do not; 0
    where there is no such class.
    """

    def __init__(self, classes: int, name: str = "auc") -> None:
        """Begin with no row of so many classes."""
        super().__init__(name=name)
        self._bins = max(2, _COUNTERS // classes)
        self._with, self._without = (
            self.add_weight(shape=(self._bins, classes), initializer="zeros", name=name)
            for name in ("with", "without")
        )

    def update_state(
        self, labels: tf.Tensor, logits: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Count rows; float32 [batch, classes] each, labels 1 or 0, NaN for none."""
        del sample_weight
        there = has_labels(labels)[:, None]
        numbers = tf.where(tf.math.is_nan(logits), -_LIMIT, logits)  # training says it, not this
        share = (numbers + _LIMIT) / (2 * _LIMIT)
        bins = tf.cast(tf.clip_by_value(share * self._bins, 0, self._bins - 1), tf.int32)
        columns = tf.broadcast_to(tf.range(tf.shape(bins)[1]), tf.shape(bins))
        places = tf.stack([bins, columns], axis=-1)
        has = labels > 0.5
        for counter, counted in ((self._with, has & there), (self._without, ~has & there)):
            counter.assign_add(tf.scatter_nd(places, tf.cast(counted, tf.float32), counter.shape))

    def result(self) -> tf.Tensor:
        """Return the area, a float32 scalar."""
        positive, negative = (tf.convert_to_tensor(one) for one in (self._with, self._without))
        below = tf.cumsum(negative, axis=0, exclusive=True) + negative / 2
        pairs = tf.reduce_sum(positive, axis=0) * tf.reduce_sum(negative, axis=0)
        areas = tf.math.divide_no_nan(tf.reduce_sum(positive * below, axis=0), pairs)
        known = tf.cast(pairs > 0, tf.float32)
        return tf.math.divide_no_nan(tf.reduce_sum(areas * known), tf.reduce_sum(known))

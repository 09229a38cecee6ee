"""What a teacher is fitted to, and what is measured meanwhile, where Keras has no such loss."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from stages.heads.scores.spans import SpanScores
from stages.rows.pointers import LOWEST


class LabelledAccuracy(keras.metrics.Mean):
    """Share of what has a label whose most likely class is that."""

    def __init__(self) -> None:
        super().__init__(name="accuracy")

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Count a batch."""
        del sample_weight
        labels = tf.cast(y_true, tf.int64)
        super().update_state(tf.argmax(y_pred, axis=-1) == labels, sample_weight=labels >= 0)


class LabelledSpanF1(SpanScores):
    """F1 of the spans that tags mark, of the tokens that have one: the first piece of each word.

    A word without a tag is left out, so its neighbours are beside each other;
    `stages/heads/metrics/spans.py` counts it as `O`.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__(classes, name="span_f1")

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Count a batch."""
        del sample_weight
        labels = tf.cast(y_true, tf.int64)
        labelled = labels >= 0
        tags = (labels, tf.argmax(y_pred, axis=-1))
        super().update_state(*(tf.ragged.boolean_mask(one, labelled).to_tensor(-1) for one in tags))

    def result(self) -> tf.Tensor:
        """Return the one number."""
        return super().result()[self.name]


class PointerCrossEntropy(keras.losses.Loss):
    """Mean cross-entropy of the pointers over the tokens that may be pointed to.

    Takes labels float32 [batch, tokens, 2], 1 for the one, -1 for what may not be, and logits of
    the same shape. A row without the one counts in nothing.
    """

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return the mean over all pointers, a scalar."""
        labels, logits = (tf.transpose(one, [0, 2, 1]) for one in (y_true, y_pred))
        log_probs = tf.nn.log_softmax(tf.where(labels >= 0, logits, LOWEST))
        there = labels == 1.0
        losses = -tf.reduce_sum(tf.where(there, log_probs, 0.0))
        return tf.math.divide_no_nan(losses, tf.reduce_sum(tf.cast(there, tf.float32)))

"""Macro precision, recall and F1 of a whole split, from a confusion matrix kept on the way."""

from __future__ import annotations

import keras
import tensorflow as tf

MACRO_SCORES = ("precision_macro", "recall_macro", "f1_macro")


class MacroScores(keras.metrics.Metric):
    """Unweighted means over the classes; what is undefined for a class counts 0."""

    def __init__(self, classes: int, name: str = "macro") -> None:
        """Begin with an empty confusion matrix of so many classes."""
        super().__init__(name=name)
        self._classes = classes
        self._confusion = self.add_weight(
            shape=(classes, classes), initializer="zeros", name="confusion"
        )

    def update_state(
        self, labels: tf.Tensor, predicted: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Count rows by (hard label, prediction); integer [batch] each, a label of -1 is none."""
        del sample_weight
        rows = tf.one_hot(labels, self._classes)  # zeros for a label of -1
        columns = tf.one_hot(predicted, self._classes)
        self._confusion.assign_add(tf.matmul(rows, columns, transpose_a=True))

    def result(self) -> dict[str, tf.Tensor]:
        """Return the three means."""
        confusion = tf.convert_to_tensor(self._confusion)
        hits = tf.linalg.diag_part(confusion)
        predicted, support = tf.reduce_sum(confusion, axis=0), tf.reduce_sum(confusion, axis=1)
        by_class = (
            tf.math.divide_no_nan(hits, predicted),
            tf.math.divide_no_nan(hits, support),
            tf.math.divide_no_nan(2 * hits, predicted + support),
        )
        return dict(zip(MACRO_SCORES, map(tf.reduce_mean, by_class), strict=True))

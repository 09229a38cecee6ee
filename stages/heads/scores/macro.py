"""Macro precision, recall and F1 of a whole split, from counts kept on the way."""

from __future__ import annotations

import keras
import tensorflow as tf

from stages.heads.scores.ratios import macro_precision_recall_f1

MACRO_SCORES = ("precision_macro", "recall_macro", "f1_macro")


class MacroScores(keras.metrics.Metric):
    """Unweighted means over the classes that are hard labels, or are said."""

    def __init__(self, classes: int, name: str = "macro") -> None:
        """Begin with no row of so many classes."""
        super().__init__(name=name)
        self._classes = classes
        self._hits, self._predicted, self._support = (
            self.add_weight(shape=(classes,), initializer="zeros", name=name)
            for name in ("hits", "predicted", "support")
        )

    def update_state(
        self, labels: tf.Tensor, predicted: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Count rows; integer [batch] each, a label of -1 is none, a prediction of -1 is wrong."""
        del sample_weight
        true = tf.one_hot(labels, self._classes)
        said = tf.where((labels >= 0)[:, None], tf.one_hot(predicted, self._classes), 0.0)
        for counter, rows in (
            (self._hits, true * said),
            (self._predicted, said),
            (self._support, true),
        ):
            counter.assign_add(tf.reduce_sum(rows, axis=0))

    def result(self) -> dict[str, tf.Tensor]:
        """Return the three means."""
        means = macro_precision_recall_f1(self._hits, self._predicted, self._support)
        return dict(zip(MACRO_SCORES, means, strict=True))

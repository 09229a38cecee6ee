"""Scores of rows that have any number of classes, over a whole split, from counts."""

from __future__ import annotations

import keras
import tensorflow as tf

from stages.heads.losses.parts.labels import has_labels
from stages.heads.scores.ratios import macro_precision_recall_f1, precision_recall_f1

YES_OR_NO_SCORES = ("accuracy", "f1_micro", "precision_macro", "recall_macro", "f1_macro")


class YesOrNoScores(keras.metrics.Metric):
    """F1 over all pairs, means over the classes that occur, and the share of rows wholly right."""

    def __init__(self, classes: int, name: str = "yes_or_no") -> None:
        """Begin with no row of so many classes."""
        super().__init__(name=name)
        self._hits, self._said, self._support = (
            self.add_weight(shape=(classes,), initializer="zeros", name=name)
            for name in ("hits", "said", "support")
        )
        self._rows, self._whole = (
            self.add_weight(shape=(), initializer="zeros", name=name) for name in ("rows", "whole")
        )

    def update_state(
        self, labels: tf.Tensor, logits: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Count rows; float32 [batch, classes] each, labels 1 or 0, NaN for none."""
        del sample_weight
        there = has_labels(labels)[:, None]
        true, said = (labels > 0.5) & there, (logits >= 0) & there
        for counter, pairs in (
            (self._hits, true & said),
            (self._said, said),
            (self._support, true),
        ):
            counter.assign_add(tf.reduce_sum(tf.cast(pairs, tf.float32), axis=0))
        whole = tf.reduce_all(true == said, axis=1, keepdims=True) & there
        self._rows.assign_add(tf.reduce_sum(tf.cast(there, tf.float32)))
        self._whole.assign_add(tf.reduce_sum(tf.cast(whole, tf.float32)))

    def result(self) -> dict[str, tf.Tensor]:
        """Return the scores by name."""
        counts = [tf.convert_to_tensor(one) for one in (self._hits, self._said, self._support)]
        micro = precision_recall_f1(*(tf.reduce_sum(count) for count in counts))
        macro = macro_precision_recall_f1(*counts)
        accuracy = tf.math.divide_no_nan(
            tf.convert_to_tensor(self._whole), tf.convert_to_tensor(self._rows)
        )
        return dict(zip(YES_OR_NO_SCORES, (accuracy, micro[2], *macro), strict=True))

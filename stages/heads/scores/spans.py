"""Precision, recall and F1 of spans over a whole split, counted inside the graph.

The same as `stages/heads/metrics/spans.py` counts on whole splits in memory; a test holds them to
each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from stages.heads.metrics.spans import split_tag
from stages.heads.scores.ratios import precision_recall_f1

SPAN_SCORES = ("span_precision", "span_recall", "span_f1")


class SpanScores(keras.metrics.Metric):
    """Micro averages over all types of span."""

    def __init__(self, classes: Sequence[str], name: str = "spans") -> None:
        """Begin with no span.

        Args:
          classes: as tags, in the order of the logits.
          name: of the metric.
        """
        super().__init__(name=name)
        parts = [split_tag(tag) for tag in classes]
        types = list(dict.fromkeys(kind for _, kind in parts))
        begins = [prefix in ("B", "S", "O") for prefix, _ in parts]
        ends = [prefix in ("E", "S", "O") for prefix, _ in parts]
        # a last entry for -1, which is `O`
        self._kind = np.array([*(types.index(kind) if kind else -1 for _, kind in parts), -1])
        self._begins, self._ends = np.array([*begins, True]), np.array([*ends, True])
        self._true = self.add_weight(shape=(), initializer="zeros", name="true")
        self._found = self.add_weight(shape=(), initializer="zeros", name="found")
        self._right = self.add_weight(shape=(), initializer="zeros", name="right")

    def update_state(
        self, labels: tf.Tensor, predicted: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Count a batch; int64 [batch, words] each, a label of -1 counts as `O` on both sides."""
        del sample_weight
        predicted = tf.where(labels < 0, tf.constant(-1, predicted.dtype), predicted)
        start, stop, kind = self._spans(labels)
        start_found, stop_found, kind_found = self._spans(predicted)
        right = start & start_found & (kind == kind_found) & (stop == stop_found)
        for counter, spans in zip(
            (self._true, self._found, self._right), (start, start_found, right), strict=True
        ):
            counter.assign_add(tf.reduce_sum(tf.cast(spans, tf.float32)))

    def result(self) -> dict[str, tf.Tensor]:
        """Return the three ratios."""
        values = precision_recall_f1(self._right, self._found, self._true)
        return dict(zip(SPAN_SCORES, values, strict=True))

    def _spans(self, tags: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return where spans start, the place at which each word's span stops, and its type."""
        numbers = tf.where(tags < 0, tf.constant(len(self._kind) - 1, tags.dtype), tags)
        kind, begins, ends = (
            tf.gather(tf.constant(table), numbers)
            for table in (self._kind, self._begins, self._ends)
        )
        before = tf.pad(kind[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
        ended = tf.pad(ends[:, :-1], [[0, 0], [1, 0]], constant_values=True)
        goes_on = ~begins & ~ended & (kind == before) & (kind >= 0)
        start = (kind >= 0) & ~goes_on
        last = (kind >= 0) & ~tf.pad(goes_on[:, 1:], [[0, 0], [0, 1]], constant_values=False)
        return start, _next_of(last), kind


def _next_of(last: tf.Tensor) -> tf.Tensor:
    """Return int32 of its shape: of each place the next one that is true, in all rows as one."""
    flat = tf.cast(tf.reshape(last, [-1]), tf.int32)
    size = tf.size(flat)
    before = tf.cumsum(flat, exclusive=True)  # how many are: the number of the next one
    places = tf.math.unsorted_segment_max(flat * tf.range(size), before, num_segments=size + 1)
    return tf.reshape(tf.gather(places, before), tf.shape(last))

"""What is measured while a student trains, and of whole splits, by what its head predicts.

Metrics that Keras resets at each epoch. The figures of validation have the names that the report's
scores have; a test holds them to each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import keras
import tensorflow as tf

from stages.heads.losses.parts.hard import has_hard_label
from stages.heads.losses.parts.labels import has_labels
from stages.heads.scores.macro import MACRO_SCORES, MacroScores
from stages.heads.scores.pointers import best_spans, first_of, overlap_f1, right_spans
from stages.heads.scores.ranking import AreaUnderCurve
from stages.heads.scores.spans import SPAN_SCORES, SpanScores
from stages.heads.scores.values import Correlation
from stages.heads.scores.yes_or_no import YES_OR_NO_SCORES, YesOrNoScores
from stages.rows.pointers import LOWEST

Targets = Mapping[str, tf.Tensor]


class Figures(Protocol):
    """Metrics of one kind of head.

    Attributes:
      metrics: that Keras resets.
      of_splits: names of figures that are shown of whole splits only.
    """

    metrics: list[keras.metrics.Metric]
    of_splits: tuple[str, ...]

    def count(self, targets: Targets, logits: tf.Tensor, *, testing: bool) -> None:
        """Count one batch; with `testing`, for what is of whole splits too."""


class ClassFigures:
    """Accuracy on the hard labels, agreement with the teacher; macro and span scores of splits."""

    of_splits: tuple[str, ...] = (*MACRO_SCORES, *SPAN_SCORES)

    def __init__(self, classes: int, *, tags: Sequence[str] = ()) -> None:
        """Begin; `tags` are the classes, where they mark spans of words."""
        self._accuracy = keras.metrics.Mean(name="accuracy")
        self._agreement = keras.metrics.Mean(name="agreement")
        self._macro = MacroScores(classes)
        self._spans = SpanScores(tags) if tags else None
        self._unasked = tf.constant(list(tags).index("O") if tags else -1, tf.int64)
        spans = [] if self._spans is None else [self._spans]
        self.metrics: list[keras.metrics.Metric] = [
            self._accuracy,
            self._agreement,
            self._macro,
            *spans,
        ]

    def count(self, targets: Targets, logits: tf.Tensor, *, testing: bool) -> None:
        """Count one batch."""
        labels = targets.get("all_labels", targets["label"])
        predicted = tf.argmax(logits, axis=-1)
        if "asked" in targets:  # a word that is not seen is wrong, or `O`
            predicted = tf.where(targets["asked"], predicted, self._unasked)
        self._accuracy.update_state(predicted == labels, sample_weight=has_hard_label(labels))
        agrees = predicted == tf.argmax(targets["teacher_logits"], axis=-1)
        self._agreement.update_state(agrees, sample_weight=targets.get("teacher_seen"))
        if testing:
            self._macro.update_state(tf.reshape(labels, [-1]), tf.reshape(predicted, [-1]))
        if testing and self._spans is not None:
            self._spans.update_state(labels, predicted)


class LabelFigures:
    """F1 over all pairs of example and class, each said from a probability of 0.5 on; agreement.

    The area under the curve, which needs no threshold but many counters, only where that decides.
    """

    of_splits: tuple[str, ...] = (*(name for name in YES_OR_NO_SCORES if name != "f1_micro"), "auc")

    def __init__(self, classes: int, *, ranks: bool = False) -> None:
        """Begin."""
        self._scores = YesOrNoScores(classes)
        self._area = AreaUnderCurve(classes) if ranks else None
        self._agreement = keras.metrics.Mean(name="agreement")
        area = [] if self._area is None else [self._area]
        self.metrics: list[keras.metrics.Metric] = [self._scores, *area, self._agreement]

    def count(self, targets: Targets, logits: tf.Tensor, *, testing: bool) -> None:
        """Count one batch."""
        if testing and self._area is not None:
            self._area.update_state(targets["label"], logits)
        self._scores.update_state(targets["label"], logits)
        self._agreement.update_state((logits >= 0) == (targets["teacher_logits"] >= 0))


class PointerFigures:
    """F1 of the answers' words by their places; agreement: the same with the teacher's answers.

    A label beyond what the teacher saw is one that is never said.
    """

    of_splits: tuple[str, ...] = ()

    def __init__(self) -> None:
        """Begin."""
        self._overlap = keras.metrics.Mean(name="overlap_f1")
        self._agreement = keras.metrics.Mean(name="agreement")
        self.metrics: list[keras.metrics.Metric] = [self._overlap, self._agreement]

    def count(self, targets: Targets, logits: tf.Tensor, *, testing: bool) -> None:
        """Count one batch."""
        del testing
        labels, seen = targets["all_labels"], targets["teacher_seen"]
        said = best_spans(tf.where(targets["asked"][..., None], logits, LOWEST), seen)
        right = right_spans(labels, tf.ones_like(seen), first=first_of(seen))
        there = tf.reduce_any(labels == 1.0, axis=[1, 2])
        self._overlap.update_state(overlap_f1(said, right), sample_weight=there)
        teachers = best_spans(targets["teacher_logits"], seen)
        self._agreement.update_state(tf.reduce_all(said == teachers, axis=1))


class ValueFigures:
    """R² and Pearson's correlation on the hard labels, and the correlation with the teacher."""

    of_splits: tuple[str, ...] = ()

    def __init__(self) -> None:
        """Begin."""
        self._labels = Correlation("pearson", r2="r2")
        self._teacher = Correlation("agreement")
        self.metrics: list[keras.metrics.Metric] = [self._labels, self._teacher]

    def count(self, targets: Targets, logits: tf.Tensor, *, testing: bool) -> None:
        """Count one batch."""
        del testing
        labels, teacher = targets["label"], targets["teacher_logits"]
        self._labels.update_state(labels[:, 0], logits[:, 0], sample_weight=has_labels(labels))
        self._teacher.update_state(teacher[:, 0], logits[:, 0])

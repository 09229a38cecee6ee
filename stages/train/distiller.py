"""The student under training: Keras's own `fit`, with the objective as its loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from stages.train.losses import has_hard_label
from stages.train.macro_scores import MACRO_SCORES, MacroScores
from stages.train.objective import Objective
from stages.train.span_scores import SPAN_SCORES, SpanScores
from stages.train.words import Inputs, at_first_pieces

_OF_SPLITS = (*MACRO_SCORES, *SPAN_SCORES)


class Distiller(keras.Model):
    """Wraps a student; `y` holds the targets that `Objective.value` takes."""

    def __init__(
        self,
        student: keras.Model,
        objective: Objective,
        *,
        total_steps: int,
        tags: Sequence[str] = (),
    ) -> None:
        """Wrap it.

        Args:
          student: from inputs to logits.
          objective: what it is trained on.
          total_steps: of the whole training, for schedules.
          tags: the classes, where they mark spans of words.
        """
        super().__init__()
        self.student = student
        self._objective = objective
        self._total_steps = total_steps
        self._accuracy = keras.metrics.Mean(name="accuracy")
        self._agreement = keras.metrics.Mean(name="agreement")
        self._macro = MacroScores(student.output_shape[-1])
        self._spans = SpanScores(tags) if tags else None
        self._unasked = tf.constant(list(tags).index("O") if tags else -1, tf.int64)
        self._testing = False

    def call(self, inputs: tf.Tensor | Inputs, training: bool = False) -> tf.Tensor:
        """Return the student's logits; of words, those at the first piece of each."""
        if not isinstance(inputs, dict):
            return self.student(inputs, training=training)
        logits = self.student(inputs["token_ids"], training=training)
        return at_first_pieces(logits, inputs["first_pieces"])

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Return the objective of one batch."""
        del x, sample_weight, training
        done = tf.cast(self.optimizer.iterations, tf.float32)
        logits = tf.cast(y_pred, tf.float32)
        return self._objective.value(logits, y, progress=done / self._total_steps)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, tf.Tensor]:
        """Return loss, accuracy on the hard labels, and agreement with the teacher."""
        del x, sample_weight
        return self.measured(y, y_pred, testing=self._testing)

    def measured(
        self, targets: dict[str, tf.Tensor], logits: tf.Tensor, *, testing: bool
    ) -> dict[str, tf.Tensor]:
        """Count one batch; return the figures so far, with macro scores where a split is tested."""
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
        return self._shown(super().get_metrics_result(), testing=testing)

    def get_metrics_result(self) -> dict[str, tf.Tensor]:
        """Return all figures; macro scores are of whole splits only."""
        return self._shown(super().get_metrics_result(), testing=self._testing)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Measure a whole split; its figures are read when all of it was counted."""
        self._testing = True
        try:
            return super().evaluate(*args, **kwargs)
        finally:
            self._testing = False

    @staticmethod
    def _shown(figures: dict[str, tf.Tensor], *, testing: bool) -> dict[str, tf.Tensor]:
        if testing:
            return figures
        return {name: value for name, value in figures.items() if name not in _OF_SPLITS}

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Metrics that Keras resets at each epoch."""
        spans = [] if self._spans is None else [self._spans]
        return [*super().metrics, self._accuracy, self._agreement, self._macro, *spans]

"""A student of several tasks under training: the weighted sum of its tasks' objectives."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import keras
import tensorflow as tf

from stages.train.distiller import logits_of, with_own_losses
from stages.train.objective import Objective
from stages.train.stream.words import Inputs, at_first_pieces

ByTask = dict[str, Any]


class MultiTaskDistiller(keras.Model):
    """Wraps the students of all tasks; `x` and `y` hold each task's own batch by its name."""

    def __init__(
        self,
        students: Mapping[str, keras.Model],
        objectives: Mapping[str, Objective],
        weights: Mapping[str, float],
        *,
        total_steps: int,
    ) -> None:
        """Wrap them.

        Args:
          students: by task, from token ids to logits; they share layers.
          objectives: what each is trained on.
          weights: of each objective in the sum.
          total_steps: of the whole training, for schedules.
        """
        super().__init__()
        self.students = dict(students)
        self._objectives, self._weights_of = dict(objectives), dict(weights)
        self._total_steps = total_steps
        self._losses_of = {name: keras.metrics.Mean(name=f"{name}.loss") for name in students}

    def call(
        self, inputs: dict[str, tf.Tensor | Inputs], training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Return the logits of each task's batch."""
        return {
            name: logits_of(student, inputs[name], training=training)
            for name, student in self.students.items()
        }

    def compute_loss(
        self,
        x: Any = None,
        y: ByTask | None = None,
        y_pred: ByTask | None = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Return the weighted sum of the objectives, each counted, and what layers add to it."""
        del x, sample_weight, training
        assert y is not None and y_pred is not None
        progress = tf.cast(self.optimizer.iterations, tf.float32) / self._total_steps
        total = tf.zeros([], tf.float32)
        for name, objective in self._objectives.items():
            logits = tf.cast(y_pred[name], tf.float32)
            value = objective.value(logits, y[name], progress=progress)
            counted = tf.cast(objective.has_any(y[name]), tf.float32)
            self._losses_of[name].update_state(value, sample_weight=counted)
            total += self._weights_of[name] * value
        return with_own_losses(total, self)


class SharedDistiller(MultiTaskDistiller):
    """The same with one batch for all: each row is encoded once, and every head reads that."""

    def __init__(
        self,
        whole: keras.Model,
        students: Mapping[str, keras.Model],
        objectives: Mapping[str, Objective],
        weights: Mapping[str, float],
        *,
        by_position: Collection[str],
        total_steps: int,
    ) -> None:
        """Wrap them.

        Args:
          whole: from token ids to the logits of every task, by name.
          students: of each task alone.
          objectives: what each is trained on.
          weights: of each objective in the sum.
          by_position: tasks whose head has a class per word.
          total_steps: of the whole training, for schedules.
        """
        super().__init__(students, objectives, weights, total_steps=total_steps)
        self._whole, self._of_words = whole, frozenset(by_position)

    def call(self, inputs: tf.Tensor | Inputs, training: bool = False) -> dict[str, tf.Tensor]:
        """Return the logits of each task for one batch; of words, at the first piece of each."""
        if not isinstance(inputs, dict):
            alone: dict[str, tf.Tensor] = self._whole(inputs, training=training)
            return alone
        found = self._whole(inputs["token_ids"], training=training)
        first = inputs["first_pieces"]
        return {
            name: at_first_pieces(logits, first) if name in self._of_words else logits
            for name, logits in found.items()
        }

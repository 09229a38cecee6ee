"""The student under training: Keras's own `fit`, with the objective as its loss."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from stages.train.losses import has_hard_label, mean_over_valid
from stages.train.macro_scores import MACRO_SCORES, MacroScores
from stages.train.objective import Objective


class Distiller(keras.Model):
    """Wraps a student; `y` holds the targets that `Objective.value` takes."""

    def __init__(self, student: keras.Model, objective: Objective, *, total_steps: int) -> None:
        """Wrap it.

        Args:
          student: from inputs to logits.
          objective: what it is trained on.
          total_steps: of the whole training, for schedules.
        """
        super().__init__()
        self.student = student
        self._objective = objective
        self._total_steps = total_steps
        self._accuracy = keras.metrics.Mean(name="accuracy")
        self._agreement = keras.metrics.Mean(name="agreement")
        self._macro = MacroScores(student.output_shape[-1])
        self._testing = False

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the student's logits."""
        return self.student(inputs, training=training)

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
        return self._objective.value(y_pred, y, progress=done / self._total_steps)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, tf.Tensor]:
        """Return loss, accuracy on the hard labels, and agreement with the teacher."""
        del x, sample_weight
        predicted = tf.argmax(y_pred, axis=-1)
        valid = has_hard_label(y["label"])
        right = tf.cast(predicted == y["label"], tf.float32)
        count = tf.reduce_sum(tf.cast(valid, tf.float32))
        self._accuracy.update_state(mean_over_valid(right, valid), sample_weight=count)
        self._agreement.update_state(predicted == tf.argmax(y["teacher_logits"], axis=-1))
        if self._testing:
            self._macro.update_state(y["label"], predicted)
        return self.get_metrics_result()

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Return the figures of one batch of a split, and macro scores of the split so far."""
        self._testing = True
        try:
            return super().test_step(data)
        finally:
            self._testing = False

    def get_metrics_result(self) -> dict[str, tf.Tensor]:
        """Return all figures; macro scores are of whole splits only."""
        figures = super().get_metrics_result()
        if self._testing:
            return figures
        return {name: value for name, value in figures.items() if name not in MACRO_SCORES}

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Metrics that Keras resets at each epoch."""
        return [*super().metrics, self._accuracy, self._agreement, self._macro]


def compiled(
    student: keras.Model, objective: Objective, *, learning_rate: float, total_steps: int
) -> Distiller:
    """Return the student under an objective, with Adam."""
    distiller = Distiller(student, objective, total_steps=total_steps)
    distiller.compile(keras.optimizers.Adam(learning_rate), jit_compile=False)
    distiller.optimizer.build(student.trainable_variables)  # or else the step is traced twice
    return distiller

"""The student under training: Keras's own `fit`, with the distillation objective as its loss."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from schemas.errors import StudentError
from stages.train.losses import distillation_objective, has_hard_label, mean_over_valid


class Distiller(keras.Model):
    """Wraps a student; `y` holds `label` int64 [batch] and `teacher_logits` [batch, classes]."""

    def __init__(
        self, student: keras.Model, *, temperature: float, hard_label_weight: float
    ) -> None:
        super().__init__()
        self.student = student
        self._temperature = temperature
        self._hard_label_weight = hard_label_weight
        self._accuracy = keras.metrics.Mean(name="accuracy")
        self._agreement = keras.metrics.Mean(name="agreement")

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
        return distillation_objective(
            y_pred,
            y["teacher_logits"],
            y["label"],
            temperature=self._temperature,
            hard_label_weight=self._hard_label_weight,
        )

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
        return self.get_metrics_result()

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Metrics that Keras resets at each epoch."""
        return [*super().metrics, self._accuracy, self._agreement]


class StopOnNonFiniteLoss(keras.callbacks.Callback):
    """Ends training with a stated error, naming epoch and step, when the loss is not finite."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Check the running mean of the loss."""
        loss = (logs or {}).get("loss", 0.0)
        if not tf.math.is_finite(loss):
            rate = float(self.model.optimizer.learning_rate)
            raise StudentError(
                f"loss is not finite: {self._name}, epoch {self._epoch + 1}, step {batch + 1}: "
                f"found {loss} at learning rate {rate:g}. Lower the rate or check the table."
            )

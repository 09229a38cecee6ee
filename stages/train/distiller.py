"""The student under training: Keras's own `fit`, with the objective as its loss."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from stages.heads.scores.figures import ClassFigures, Figures
from stages.train.objective import Objective
from stages.train.stream.piece_windows import answers_of_windows
from stages.train.stream.words import Inputs, at_first_pieces


class Distiller(keras.Model):
    """Wraps a student; `y` holds the targets that `Objective.value` takes."""

    def __init__(
        self,
        student: keras.Model,
        objective: Objective,
        *,
        total_steps: int,
        figures: Figures | None = None,
    ) -> None:
        """Wrap it.

        Args:
          student: from inputs to logits.
          objective: what it is trained on.
          total_steps: of the whole training, for schedules.
          figures: what is measured; those of one class of several when None.
        """
        super().__init__()
        self.student = student
        self._objective = objective
        self._total_steps = total_steps
        self._measures = figures or ClassFigures(student.output_shape[-1])
        self._testing = False

    def call(self, inputs: tf.Tensor | Inputs, training: bool = False) -> tf.Tensor:
        """Return the student's logits; of words, those at the first piece of each."""
        return logits_of(self.student, inputs, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Return the objective of one batch, and what the student's own layers add to it."""
        del x, sample_weight, training
        done = tf.cast(self.optimizer.iterations, tf.float32)
        logits = tf.cast(y_pred, tf.float32)
        value = self._objective.value(logits, y, progress=done / self._total_steps)
        return with_own_losses(value, self)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, tf.Tensor]:
        """Return the loss and the figures so far."""
        del x, sample_weight
        return self.measured(y, y_pred, testing=self._testing)

    def measured(
        self, targets: dict[str, tf.Tensor], logits: tf.Tensor, *, testing: bool
    ) -> dict[str, tf.Tensor]:
        """Count one batch; return the figures so far, with those of splits where one is tested."""
        self._measures.count(targets, tf.cast(logits, tf.float32), testing=testing)
        return self._shown(super().get_metrics_result(), testing=testing)

    def get_metrics_result(self) -> dict[str, tf.Tensor]:
        """Return all figures; some are of whole splits only."""
        return self._shown(super().get_metrics_result(), testing=self._testing)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Measure a whole split; its figures are read when all of it was counted."""
        self._testing = True
        try:
            return super().evaluate(*args, **kwargs)
        finally:
            self._testing = False

    def _shown(self, figures: dict[str, tf.Tensor], *, testing: bool) -> dict[str, tf.Tensor]:
        if testing:
            return figures
        hidden = self._measures.of_splits
        return {name: value for name, value in figures.items() if name not in hidden}

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Metrics that Keras resets at each epoch."""
        return [*super().metrics, *self._measures.metrics]


def with_own_losses(value: tf.Tensor, model: keras.Model) -> tf.Tensor:
    """Return an objective and what layers add to it, such as regularisers.

    On one of several replicas their part of it, so that the sum over the replicas has it once.
    """
    own = [tf.cast(loss, tf.float32) for loss in model.losses]
    if not own:
        return value
    context = tf.distribute.get_replica_context()
    count = 1 if context is None else context.num_replicas_in_sync
    return value + tf.add_n(own) / count


def logits_of(student: keras.Model, inputs: tf.Tensor | Inputs, *, training: bool) -> tf.Tensor:
    """Return a student's logits; of words, those at the first piece of each.

    A row of words may be token ids in several windows, as `windowed_inputs` makes them.
    """
    if not isinstance(inputs, dict):
        return student(inputs, training=training)
    token_ids = inputs["token_ids"]
    if token_ids.shape.rank == 3:
        logits = answers_of_windows(lambda ids: student(ids, training=training), token_ids)
    else:
        logits = student(token_ids, training=training)
    return at_first_pieces(logits, inputs["first_pieces"])

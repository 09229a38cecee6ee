"""A student under training by several replicas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from stages.machine.replicas import over_replicas
from stages.train.distiller import Distiller

Batch = tuple[tf.Tensor, dict[str, tf.Tensor]]
Gradient: TypeAlias = tf.Tensor | tf.IndexedSlices


class DistributedDistiller(Distiller):
    """Its loss on each replica is that part of the global one that its rows make up.

    Keras's own step takes the mean of the replicas' losses, whatever their rows; and in several
    processes it can only reduce what has an axis.
    """

    def train_step(self, data: Batch) -> dict[str, tf.Tensor]:
        """Train on a part of a global batch; gradients are summed over the replicas."""
        inputs, targets = data
        with tf.GradientTape() as tape:
            logits = self(inputs, training=True)
            loss = self.compute_loss(y=targets, y_pred=logits)
            scaled = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, self.trainable_weights)
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            gradients = overflown_for_all(gradients)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        return self._figures(data, logits, loss, testing=False)

    def test_step(self, data: Batch) -> dict[str, tf.Tensor]:
        """Measure a part of a global batch."""
        inputs, targets = data
        logits = self(inputs, training=False)
        loss = self.compute_loss(y=targets, y_pred=logits)
        return self._figures(data, logits, loss, testing=True)

    def _figures(
        self, data: Batch, logits: tf.Tensor, loss: tf.Tensor, *, testing: bool
    ) -> dict[str, tf.Tensor]:
        _, targets = data
        rows = over_replicas(tf.cast(tf.shape(targets["label"])[0], tf.float32))
        self._loss_tracker.update_state(over_replicas(loss), sample_weight=rows)
        figures = self.measured(targets, logits, testing=testing)
        if not isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return figures
        return {name: tf.expand_dims(value, 0) for name, value in figures.items()}

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Do nothing: the student is built, and a worker's part of a batch is no whole one."""


def overflown_for_all(gradients: Sequence[Gradient | None]) -> list[Gradient | None]:
    """Return a replica's gradients, infinite where those of any replica have overflown.

    Keras leaves a step out by what its first replica sees, before gradients are summed.
    """
    there = [_values(one) for one in gradients if one is not None]
    wrong = [tf.math.count_nonzero(~tf.math.is_finite(one), dtype=tf.float32) for one in there]
    overflown = over_replicas(tf.add_n(wrong)) > 0

    def known(one: Gradient | None) -> Gradient | None:
        if one is None:  # of a weight that is not used
            return None
        found = _values(one)
        found = tf.where(overflown, tf.constant(float("inf"), found.dtype), found)
        if isinstance(one, tf.IndexedSlices):
            return tf.IndexedSlices(found, one.indices, one.dense_shape)
        return found

    return [known(one) for one in gradients]


def _values(gradient: Gradient) -> tf.Tensor:
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient

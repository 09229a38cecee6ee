"""The squared difference to the teacher's numbers, or to its logits of yes or no."""

from __future__ import annotations

import tensorflow as tf

from stages.heads.losses.parts.values import squared_error

DECLARES = {"place": 8, "heads": {"sigmoid": "of_numbers", "regression": "of_numbers"}}


def of_numbers(
    student: tf.Tensor, teacher: tf.Tensor, labels: tf.Tensor, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return `squared_error`, per example."""
    del labels, temperature
    return squared_error(student, teacher)

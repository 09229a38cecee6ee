"""The squared difference of the logits themselves, whatever the temperature."""

from __future__ import annotations

import tensorflow as tf

from stages.heads.losses.parts.logits import logit_mse

DECLARES = {"place": 5, "heads": {"softmax": "of_classes"}}


def of_classes(
    student: tf.Tensor, teacher: tf.Tensor, labels: tf.Tensor, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return `logit_mse`, per example."""
    del labels, temperature
    return logit_mse(student, teacher)

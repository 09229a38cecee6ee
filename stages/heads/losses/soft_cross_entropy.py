"""Cross-entropy with the teacher's softened probabilities."""

from __future__ import annotations

import tensorflow as tf

from stages.heads.losses.parts.divergences import soft_cross_entropy

DECLARES = {"place": 4, "heads": {"softmax": "of_classes", "pointer": "of_classes"}}


def of_classes(
    student: tf.Tensor, teacher: tf.Tensor, labels: tf.Tensor, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return `soft_cross_entropy`, per example."""
    del labels
    return soft_cross_entropy(student, teacher, temperature=temperature)

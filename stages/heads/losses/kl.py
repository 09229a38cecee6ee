"""KL(teacher ‖ student): of one class among several, or of each class's yes or no."""

from __future__ import annotations

import tensorflow as tf

from stages.heads.losses.parts.divergences import kl_to_teacher
from stages.heads.losses.parts.labels import bernoulli_kl_to_teacher

DECLARES = {
    "place": 1,
    "heads": {"softmax": "of_classes", "pointer": "of_classes", "sigmoid": "of_yes_or_no"},
    "bucket": True,
}


def of_classes(
    student: tf.Tensor, teacher: tf.Tensor, labels: tf.Tensor, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return `kl_to_teacher`, per example."""
    del labels
    return kl_to_teacher(student, teacher, temperature=temperature)


def of_yes_or_no(
    student: tf.Tensor, teacher: tf.Tensor, labels: tf.Tensor, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return `bernoulli_kl_to_teacher`, per example."""
    del labels
    return bernoulli_kl_to_teacher(student, teacher, temperature=temperature)

"""The target class against all others, and the others among themselves."""

from __future__ import annotations

import tensorflow as tf

from stages.heads.losses.parts.decoupled import decoupled
from stages.heads.losses.parts.hard import has_hard_label

DECLARES = {"place": 6, "heads": {"softmax": "of_classes"}}


def of_classes(
    student: tf.Tensor, teacher: tf.Tensor, labels: tf.Tensor, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return `decoupled`, per example."""
    says = tf.argmax(teacher, axis=-1, output_type=labels.dtype)
    target = tf.where(has_hard_label(labels), labels, says)
    return decoupled(student, teacher, target, temperature=temperature)

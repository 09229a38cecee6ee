"""KL(student ‖ teacher), which lets a student leave out what it cannot hold."""

from __future__ import annotations

import tensorflow as tf

from stages.heads.losses.parts.divergences import reverse_kl

DECLARES = {"place": 2, "heads": {"softmax": "of_classes", "pointer": "of_classes"}}


def of_classes(
    student: tf.Tensor, teacher: tf.Tensor, labels: tf.Tensor, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return `reverse_kl`, per example."""
    del labels
    return reverse_kl(student, teacher, temperature=temperature)

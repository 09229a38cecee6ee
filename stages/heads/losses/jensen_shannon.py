"""The mean divergence of both from their mean: symmetric and bounded."""

from __future__ import annotations

import tensorflow as tf

from stages.heads.losses.parts.divergences import jensen_shannon

DECLARES = {"place": 3, "heads": {"softmax": "of_classes", "pointer": "of_classes"}}


def of_classes(
    student: tf.Tensor, teacher: tf.Tensor, labels: tf.Tensor, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return `jensen_shannon`, per example."""
    del labels
    return jensen_shannon(student, teacher, temperature=temperature)

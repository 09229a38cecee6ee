"""Relations between the classes of a row, and between the rows of a class (DIST)."""

from __future__ import annotations

import tensorflow as tf

from stages.heads.losses.parts.relations import relation_between_classes, relation_within_classes

DECLARES = {"place": 7, "heads": {"softmax": "of_classes"}}


def of_classes(
    student: tf.Tensor, teacher: tf.Tensor, labels: tf.Tensor, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return the relation between classes and the mean of those within them, per example."""
    del labels
    between = relation_between_classes(student, teacher, temperature=temperature)
    within = relation_within_classes(student, teacher, temperature=temperature)
    return between + tf.reduce_mean(within)

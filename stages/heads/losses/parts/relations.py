"""Losses that compare relations: how classes are ordered in a row, and rows in a class."""

from __future__ import annotations

import tensorflow as tf

_SMALLEST = 1e-8


def relation_between_classes(
    student_logits: tf.Tensor, teacher_logits: tf.Tensor, *, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return T² · (1 - Pearson correlation of a row's softened probabilities), per example.

    Args:
      student_logits: float32 [..., classes].
      teacher_logits: float32 [..., classes]. Not differentiated through.
      temperature: T > 0, on both sides.

    Returns:
      float32 [...], in [0, 2 T²]. Not reduced.

    >>> same = tf.constant([3.0, 1.0, 0.0])
    >>> abs(float(relation_between_classes(same, same, temperature=1.0))) < 1e-6
    True

    Reference:
      Huang, You, Wang, Qian, Xu. Knowledge Distillation from a Stronger Teacher (DIST). 2022.
    """
    student = tf.nn.softmax(student_logits / temperature)
    teacher = tf.nn.softmax(tf.stop_gradient(teacher_logits) / temperature)
    return temperature**2 * (1.0 - _correlation(student, teacher, axis=-1))


def relation_within_classes(
    student_logits: tf.Tensor, teacher_logits: tf.Tensor, *, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return T² · (1 - Pearson correlation over the batch of a class's probabilities), per class.

    Args:
      student_logits: float32 [batch, classes].
      teacher_logits: float32 [batch, classes]. Not differentiated through.
      temperature: T > 0, on both sides.

    Returns:
      float32 [classes], in [0, 2 T²]. Not reduced. A batch of one row has no relation: T².

    Reference:
      as of `relation_between_classes`.
    """
    student = tf.nn.softmax(student_logits / temperature)
    teacher = tf.nn.softmax(tf.stop_gradient(teacher_logits) / temperature)
    return temperature**2 * (1.0 - _correlation(student, teacher, axis=0))


def _correlation(values: tf.Tensor, others: tf.Tensor, *, axis: int) -> tf.Tensor:
    values -= tf.reduce_mean(values, axis=axis, keepdims=True)
    others -= tf.reduce_mean(others, axis=axis, keepdims=True)
    sizes = tf.reduce_sum(values**2, axis=axis) * tf.reduce_sum(others**2, axis=axis)
    return tf.reduce_sum(values * others, axis=axis) * tf.math.rsqrt(sizes + _SMALLEST**2)

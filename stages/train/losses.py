"""Losses as pure functions in log space: per example, not reduced, nothing clipped.

Every `*_logits` argument is unnormalised, float32 [..., classes], and the last axis is the
classes. `mean_over_valid` is the only reduction.
"""

from __future__ import annotations

import tensorflow as tf


def kl_to_teacher(
    student_logits: tf.Tensor, teacher_logits: tf.Tensor, *, temperature: float
) -> tf.Tensor:
    """Return T² · KL(teacher ‖ student) of the softened distributions, per example.

    T² keeps the gradient's size independent of T: ∂/∂student = T · (softmax(s/T) - softmax(t/T)).

    Args:
      student_logits: float32 [..., classes].
      teacher_logits: float32 [..., classes]. Not differentiated through.
      temperature: T > 0, on both sides.

    Returns:
      float32 [...], ≥ 0 up to rounding. Not reduced.

    >>> float(kl_to_teacher(tf.constant([0.0, 0.0]), tf.constant([0.0, 0.0]), temperature=2.0))
    0.0

    Reference:
      Hinton, Vinyals, Dean. Distilling the Knowledge in a Neural Network. 2015.
    """
    teacher_log_probs = tf.nn.log_softmax(tf.stop_gradient(teacher_logits) / temperature)
    student_log_probs = tf.nn.log_softmax(student_logits / temperature)
    log_ratio = teacher_log_probs - student_log_probs
    kl = tf.reduce_sum(tf.exp(teacher_log_probs) * log_ratio, axis=-1)
    return temperature**2 * kl


def hard_label_cross_entropy(student_logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return -log softmax(student_logits)[label], per example.

    Args:
      student_logits: float32 [..., classes].
      labels: integer [...]. An example without a hard label has -1 and gets 0; mask it in
        the reduction with `has_hard_label`.

    Returns:
      float32 [...], ≥ 0. Not reduced.

    >>> loss = hard_label_cross_entropy(tf.constant([[0.0, 0.0]]), tf.constant([1]))
    >>> round(float(loss[0]), 4)
    0.6931
    """
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.maximum(labels, 0), logits=student_logits
    )
    return tf.where(has_hard_label(labels), loss, tf.zeros_like(loss))


def has_hard_label(labels: tf.Tensor) -> tf.Tensor:
    """Return bool [...]: whether each example has a hard label (-1 stands for none)."""
    return labels >= 0


def mean_over_valid(values: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """Return the mean of the valid entries; 0 where there is none.

    Args:
      values: float32 [...], finite where valid.
      valid: bool, the same shape.

    Returns:
      float32 scalar.

    >>> float(mean_over_valid(tf.constant([1.0, 9.0]), tf.constant([True, False])))
    1.0
    """
    kept = tf.where(valid, values, tf.zeros_like(values))
    count = tf.reduce_sum(tf.cast(valid, values.dtype))
    return tf.math.divide_no_nan(tf.reduce_sum(kept), count)


def distillation_objective(
    student_logits: tf.Tensor,
    teacher_logits: tf.Tensor,
    labels: tf.Tensor,
    *,
    temperature: float,
    hard_label_weight: float,
) -> tf.Tensor:
    """Return (1 - w) · mean T²·KL(teacher ‖ student) + w · mean cross-entropy, a scalar.

    The first mean is over all examples, the second over those with a hard label. With w = 1
    the teacher is not used at all: that is the baseline.

    Args:
      student_logits: float32 [batch, classes].
      teacher_logits: float32 [batch, classes].
      labels: integer [batch], -1 for none.
      temperature: T > 0.
      hard_label_weight: w in [0, 1].
    """
    hard_loss = mean_over_valid(
        hard_label_cross_entropy(student_logits, labels), has_hard_label(labels)
    )
    if hard_label_weight == 1.0:
        return hard_loss
    soft_loss = tf.reduce_mean(
        kl_to_teacher(student_logits, teacher_logits, temperature=temperature)
    )
    return (1.0 - hard_label_weight) * soft_loss + hard_label_weight * hard_loss

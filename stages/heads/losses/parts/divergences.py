"""Divergences between the softened distributions of teacher and student, per example.

Every `*_logits` argument is unnormalised, float32 [..., classes]; the last axis is the classes.
All are computed in log space, nothing is clipped, and none is differentiated through the teacher.
Each carries T², which keeps its gradient's size independent of T.
"""

from __future__ import annotations

import tensorflow as tf


def kl_to_teacher(
    student_logits: tf.Tensor, teacher_logits: tf.Tensor, *, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return T² · KL(teacher ‖ student), per example.

    ∂/∂student = T · (softmax(s/T) - softmax(t/T)).

    Args:
      student_logits: float32 [..., classes].
      teacher_logits: float32 [..., classes].
      temperature: T > 0, on both sides.

    Returns:
      float32 [...], ≥ 0 up to rounding. Not reduced.

    >>> float(kl_to_teacher(tf.constant([0.0, 0.0]), tf.constant([0.0, 0.0]), temperature=2.0))
    0.0

    Reference:
      Hinton, Vinyals, Dean. Distilling the Knowledge in a Neural Network. 2015.
    """
    student, teacher = _softened(student_logits, teacher_logits, temperature)
    return temperature**2 * _kl(teacher, student)


def reverse_kl(
    student_logits: tf.Tensor, teacher_logits: tf.Tensor, *, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return T² · KL(student ‖ teacher), per example.

    It lets the student leave out what it cannot hold, where the forward KL makes it cover all.
    Where the student is sure and wrong its gradient is small: begin with one that is not.

    Args and result as of `kl_to_teacher`.

    >>> float(reverse_kl(tf.constant([1.0, 0.0]), tf.constant([1.0, 0.0]), temperature=1.0))
    0.0

    Reference:
      Gu, Dong, Wei, Huang. MiniLLM: Knowledge Distillation of Large Language Models. 2024.
    """
    student, teacher = _softened(student_logits, teacher_logits, temperature)
    return temperature**2 * _kl(student, teacher)


def jensen_shannon(
    student_logits: tf.Tensor, teacher_logits: tf.Tensor, *, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return T² · (KL(teacher ‖ m) + KL(student ‖ m)) / 2 with m the mean of both, per example.

    Symmetric, and at most T² · log 2.

    Args and result as of `kl_to_teacher`.

    >>> far = jensen_shannon(tf.constant([40.0, 0.0]), tf.constant([0.0, 40.0]), temperature=1.0)
    >>> round(float(far), 4)
    0.6931

    Reference:
      Lin. Divergence Measures Based on the Shannon Entropy. 1991.
    """
    student, teacher = _softened(student_logits, teacher_logits, temperature)
    middle = tf.reduce_logsumexp(tf.stack([student, teacher]), axis=0) - tf.math.log(2.0)
    return temperature**2 * (_kl(teacher, middle) + _kl(student, middle)) / 2.0


def soft_cross_entropy(
    student_logits: tf.Tensor, teacher_logits: tf.Tensor, *, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return -T² · Σ softmax(t/T) · log softmax(s/T), per example.

    The KL and the teacher's own entropy: the gradient is that of `kl_to_teacher`, the value is
    not 0 at the teacher.

    Args and result as of `kl_to_teacher`.

    >>> loss = soft_cross_entropy(tf.constant([0.0, 0.0]), tf.constant([5.0, 1.0]), temperature=1.0)
    >>> round(float(loss), 4)
    0.6931
    """
    student, teacher = _softened(student_logits, teacher_logits, temperature)
    return -(temperature**2) * tf.reduce_sum(tf.exp(teacher) * student, axis=-1)


def kl_with_tail_bucket(
    student_logits: tf.Tensor,
    teacher_logits: tf.Tensor,
    kept: tf.Tensor,
    *,
    temperature: float | tf.Tensor,
) -> tf.Tensor:
    """Return T² · KL over the classes that were kept and one bucket of all the others.

    For a table with `top_k`: the student is told the mass of what was dropped, not how that is
    spread. It is never renormalised over the classes that were kept.

    Args:
      student_logits: float32 [..., classes].
      teacher_logits: float32 [..., classes]; those that were dropped share the mass of the tail.
      kept: bool [..., classes]; at least one, and not all.
      temperature: T > 0, on both sides.

    Returns:
      float32 [...], ≥ 0 up to rounding, and never above `kl_to_teacher`.

    >>> kept = tf.constant([True, False, False])
    >>> student, teacher = tf.constant([0.0, 9.0, -9.0]), tf.constant([0.0, 0.0, 0.0])
    >>> bucket = kl_with_tail_bucket(student, teacher, kept, temperature=1.0)
    >>> bool(bucket < kl_to_teacher(student, teacher, temperature=1.0))
    True
    """
    student, teacher = _softened(student_logits, teacher_logits, temperature)
    nothing = tf.constant(float("-inf"), student.dtype)

    def mass(log_probs: tf.Tensor) -> tf.Tensor:
        return tf.reduce_logsumexp(tf.where(kept, nothing, log_probs), axis=-1)

    ratio = tf.where(kept, tf.exp(teacher) * (teacher - student), tf.zeros_like(student))
    tail = tf.exp(mass(teacher)) * (mass(teacher) - mass(student))
    return temperature**2 * (tf.reduce_sum(ratio, axis=-1) + tail)


def _softened(
    student_logits: tf.Tensor, teacher_logits: tf.Tensor, temperature: float | tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return log probabilities of student and teacher at a temperature."""
    teacher = tf.nn.log_softmax(tf.stop_gradient(teacher_logits) / temperature)
    return tf.nn.log_softmax(student_logits / temperature), teacher


def _kl(log_probs: tf.Tensor, other_log_probs: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.exp(log_probs) * (log_probs - other_log_probs), axis=-1)

"""Decoupled distillation: the target class against all others, and the others among themselves."""

from __future__ import annotations

import tensorflow as tf


def decoupled(
    student_logits: tf.Tensor,
    teacher_logits: tf.Tensor,
    target: tf.Tensor,
    *,
    temperature: float | tf.Tensor,
    target_weight: float = 1.0,
    others_weight: float = 8.0,
) -> tf.Tensor:
    """Return T² · (α · KL of target against the rest + β · KL among the rest), per example.

    With p the teacher's softened probability of the target, `kl_to_teacher` is the same sum with
    α = 1 and β = 1 - p: where the teacher is sure, it hears nothing of the other classes.

    Args:
      student_logits: float32 [..., classes], classes ≥ 2.
      teacher_logits: float32 [..., classes]. Not differentiated through.
      target: integer [...]: the hard label, or the teacher's class where there is none.
      temperature: T > 0, on both sides.
      target_weight: α ≥ 0.
      others_weight: β ≥ 0.

    Returns:
      float32 [...], ≥ 0 up to rounding. Not reduced.

    >>> same = tf.constant([2.0, 1.0, 0.0])
    >>> abs(float(decoupled(same, same, tf.constant(0), temperature=4.0))) < 1e-5
    True

    Reference:
      Zhao, Cui, Song, Qiu, Liang. Decoupled Knowledge Distillation. 2022.
    """
    classes = tf.shape(student_logits)[-1]
    is_target = tf.one_hot(target, classes, on_value=True, off_value=False, dtype=tf.bool)
    student = _parts(student_logits / temperature, is_target)
    teacher = _parts(tf.stop_gradient(teacher_logits) / temperature, is_target)
    (student_target, student_rest, student_among) = student
    (teacher_target, teacher_rest, teacher_among) = teacher
    target_kl = tf.exp(teacher_target) * (teacher_target - student_target)
    target_kl += tf.exp(teacher_rest) * (teacher_rest - student_rest)
    among = tf.exp(teacher_among) * (teacher_among - student_among)
    others_kl = tf.reduce_sum(among, axis=-1)
    return temperature**2 * (target_weight * target_kl + others_weight * others_kl)


def _parts(logits: tf.Tensor, is_target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return log p(target), log p(rest), and log p of each other class among the rest.

    The last is 0 where the target is: both sides' are, and so adds nothing, nor to a gradient.
    """
    nothing = tf.constant(float("-inf"), logits.dtype)
    target = tf.reduce_logsumexp(tf.where(is_target, logits, nothing), axis=-1)
    rest = tf.reduce_logsumexp(tf.where(is_target, nothing, logits), axis=-1)
    whole = tf.reduce_logsumexp(tf.stack([target, rest]), axis=0)
    among = tf.where(is_target, tf.zeros_like(logits), logits - rest[..., None])
    return target - whole, rest - whole, among

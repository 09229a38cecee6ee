"""Losses of heads that say yes or no to each class, per example: the mean over the classes."""

from __future__ import annotations

import tensorflow as tf


def bernoulli_kl_to_teacher(
    student_logits: tf.Tensor, teacher_logits: tf.Tensor, *, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return T² · the mean over classes of KL(teacher ‖ student) of each class's yes or no.

    ∂/∂student of a class = T · (σ(s/T) - σ(t/T)) / classes.

    Args:
      student_logits: float32 [..., classes].
      teacher_logits: float32 [..., classes]. Not differentiated through.
      temperature: T > 0, on both sides.

    Returns:
      float32 [...], ≥ 0 up to rounding. Not reduced.

    >>> same = tf.constant([0.5, -1.0])
    >>> float(bernoulli_kl_to_teacher(same, same, temperature=2.0))
    0.0

    Reference:
      Hinton, Vinyals, Dean. Distilling the Knowledge in a Neural Network. 2015.
    """
    student = student_logits / temperature
    teacher = tf.stop_gradient(teacher_logits) / temperature
    probs = tf.sigmoid(teacher)
    yes = tf.math.log_sigmoid(teacher) - tf.math.log_sigmoid(student)
    no = tf.math.log_sigmoid(-teacher) - tf.math.log_sigmoid(-student)
    by_class = probs * yes + tf.sigmoid(-teacher) * no
    return temperature**2 * tf.reduce_mean(by_class, axis=-1)


def binary_cross_entropy(student_logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return the mean over classes of the cross-entropy with yes or no, per example.

    Args:
      student_logits: float32 [..., classes].
      labels: float32 [..., classes], 1 or 0. An example without labels has NaN and gets 0; mask it
        in the reduction with `has_labels`.

    Returns:
      float32 [...], ≥ 0. Not reduced.

    >>> round(float(binary_cross_entropy(tf.constant([[0.0]]), tf.constant([[1.0]]))[0]), 4)
    0.6931
    """
    there = has_labels(labels)
    known = tf.where(there[..., None], labels, tf.zeros_like(labels))
    by_class = tf.nn.sigmoid_cross_entropy_with_logits(labels=known, logits=student_logits)
    loss = tf.reduce_mean(by_class, axis=-1)
    return tf.where(there, loss, tf.zeros_like(loss))


def has_labels(labels: tf.Tensor) -> tf.Tensor:
    """Return bool [...]: which examples have labels, of float32 [..., classes]; NaN is none."""
    return ~tf.math.is_nan(labels[..., 0])

"""Losses and changes of the logits themselves."""

from __future__ import annotations

import tensorflow as tf

_SMALLEST = 1e-7


def logit_mse(student_logits: tf.Tensor, teacher_logits: tf.Tensor) -> tf.Tensor:
    """Return the mean squared difference of the logits less their mean, per example.

    A shift of all logits of a row changes no probability, so it does not count.

    Args:
      student_logits: float32 [..., classes].
      teacher_logits: float32 [..., classes]. Not differentiated through.

    Returns:
      float32 [...], ≥ 0. Not reduced. For large T, `kl_to_teacher` tends to a half of it.

    >>> float(logit_mse(tf.constant([1.0, 3.0]), tf.constant([0.0, 2.0])))
    0.0

    Reference:
      Ba, Caruana. Do Deep Nets Really Need to be Deep? 2014.
    """
    difference = student_logits - tf.stop_gradient(teacher_logits)
    centred = difference - tf.reduce_mean(difference, axis=-1, keepdims=True)
    return tf.reduce_mean(centred**2, axis=-1)


def standardized(logits: tf.Tensor) -> tf.Tensor:
    """Return logits with mean 0 and standard deviation 1 over the classes of each row.

    The student is then free in the size of its logits, and follows only their relations. Use it on
    both sides, before a temperature.

    Args:
      logits: float32 [..., classes].

    >>> standardized(tf.constant([1.0, 3.0])).numpy().round(3).tolist()
    [-1.0, 1.0]

    Reference:
      Sun, Ren, Li, Wang, Cao. Logit Standardization in Knowledge Distillation. 2024.
    """
    centred = logits - tf.reduce_mean(logits, axis=-1, keepdims=True)
    size = tf.sqrt(tf.reduce_mean(centred**2, axis=-1, keepdims=True) + _SMALLEST**2)
    return centred / size

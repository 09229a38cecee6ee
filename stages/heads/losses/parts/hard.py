"""The loss against hard labels, and the only reduction there is."""

from __future__ import annotations

import tensorflow as tf

from stages.machine.replicas import over_replicas


def hard_label_cross_entropy(
    student_logits: tf.Tensor, labels: tf.Tensor, *, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Return the cross-entropy with hard labels, per example.

    -(1 - ε) · log p(label) - ε · the mean over all classes of log p.

    Args:
      student_logits: float32 [..., classes].
      labels: integer [...]. An example without a hard label has -1 and gets 0; mask it in
        the reduction with `has_hard_label`.
      label_smoothing: ε in [0, 1).

    Returns:
      float32 [...], ≥ 0. Not reduced.

    >>> loss = hard_label_cross_entropy(tf.constant([[0.0, 0.0]]), tf.constant([1]))
    >>> round(float(loss[0]), 4)
    0.6931

    Reference:
      Szegedy, Vanhoucke, Ioffe, Shlens, Wojna. Rethinking the Inception Architecture. 2016.
    """
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.maximum(labels, 0), logits=student_logits
    )
    if label_smoothing:
        even = -tf.reduce_mean(tf.nn.log_softmax(student_logits), axis=-1)
        loss = (1.0 - label_smoothing) * loss + label_smoothing * even
    return tf.where(has_hard_label(labels), loss, tf.zeros_like(loss))


def has_hard_label(labels: tf.Tensor) -> tf.Tensor:
    """Return bool [...]: whether each example has a hard label (-1 stands for none)."""
    return labels >= 0


def mean_over_valid(
    values: tf.Tensor, valid: tf.Tensor, weights: tf.Tensor | None = None
) -> tf.Tensor:
    """Return the mean of the valid entries, weighted if weights are given; 0 where there is none.

    On one of several replicas: the sum of its own entries by the count of all replicas', so that
    the sum over the replicas is the mean.

    Args:
      values: float32 [...], finite where valid.
      valid: bool, the same shape.
      weights: float32, the same shape, ≥ 0.

    Returns:
      float32 scalar.

    >>> float(mean_over_valid(tf.constant([1.0, 9.0]), tf.constant([True, False])))
    1.0
    """
    kept = tf.where(valid, values, tf.zeros_like(values))
    counted = tf.cast(valid, values.dtype)
    if weights is not None:
        kept, counted = kept * weights, counted * weights
    return tf.math.divide_no_nan(tf.reduce_sum(kept), over_replicas(tf.reduce_sum(counted)))

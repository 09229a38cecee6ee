"""Precision, recall and F1 from counts, and their means over classes, inside the graph."""

from __future__ import annotations

import tensorflow as tf


def precision_recall_f1(
    right: tf.Tensor, found: tf.Tensor, true: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the three ratios of counts of any one shape; what is undefined is 0.

    >>> found = precision_recall_f1(tf.constant(1.0), tf.constant(2.0), tf.constant(4.0))
    >>> [round(float(ratio), 4) for ratio in found]
    [0.5, 0.25, 0.3333]
    """
    right, found, true = map(tf.convert_to_tensor, (right, found, true))
    return (
        tf.math.divide_no_nan(right, found),
        tf.math.divide_no_nan(right, true),
        tf.math.divide_no_nan(2 * right, true + found),
    )


def macro_precision_recall_f1(
    right: tf.Tensor, found: tf.Tensor, true: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the unweighted means over the classes that occur, 0 where none does.

    A class is left out that is neither true nor found, as in `stages.heads.metrics.classes.macro`.

    Args:
      right: float32 [classes], counts, as the others.
      found: those that are said.
      true: those of the hard labels.

    >>> counts = tf.constant([3.0, 0.0]), tf.constant([4.0, 0.0]), tf.constant([3.0, 0.0])
    >>> [round(float(ratio), 4) for ratio in macro_precision_recall_f1(*counts)]
    [0.75, 1.0, 0.8571]
    """
    right, found, true = map(tf.convert_to_tensor, (right, found, true))
    classes = tf.reduce_sum(tf.cast(found + true > 0, tf.float32))  # the others' ratios are 0
    precision, recall, f1 = (
        tf.math.divide_no_nan(tf.reduce_sum(ratios), classes)
        for ratios in precision_recall_f1(right, found, true)
    )
    return precision, recall, f1

"""Precision, recall and F1 from counts, inside the graph."""

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

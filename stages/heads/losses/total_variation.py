"""Half the sum of the absolute differences of the softened probabilities: bounded and symmetric.

A class that the teacher is a little wrong about moves the student no more than one that counts.

Reference:
  Wen, Li, Du, Mou. f-Divergence Minimization for Sequence-Level Knowledge Distillation. 2023.
"""

from __future__ import annotations

import tensorflow as tf

DECLARES = {"heads": {"softmax": "of_classes", "pointer": "of_classes"}}


def of_classes(
    student: tf.Tensor, teacher: tf.Tensor, labels: tf.Tensor, temperature: float | tf.Tensor
) -> tf.Tensor:
    """Return T · Σ |softmax(s/T) - softmax(t/T)| / 2, per example.

    Its gradient is no larger at a low temperature than at a high one, so it carries T, not T².

    Args:
      student: logits, float32 [..., classes].
      teacher: logits, float32 [..., classes]. Not differentiated through.
      labels: not used.
      temperature: T > 0, on both sides.

    Returns:
      float32 [...], in [0, T]. Not reduced.

    >>> far = of_classes(tf.constant([40.0, 0.0]), tf.constant([0.0, 40.0]), tf.constant(0), 1.0)
    >>> round(float(far), 4)
    1.0
    """
    del labels
    teacher_probs = tf.nn.softmax(tf.stop_gradient(teacher) / temperature)
    difference = tf.nn.softmax(student / temperature) - teacher_probs
    return temperature * tf.reduce_sum(tf.abs(difference), axis=-1) / 2.0

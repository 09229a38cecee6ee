"""Pointers over positions as classes: each pointer of a row is a line, each position a class."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from stages.rows.pointers import LOWEST


def over_positions(
    student_logits: tf.Tensor, targets: Mapping[str, tf.Tensor]
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Return logits and targets as those of a `softmax` head with a line for each pointer.

    What was not seen has a logit of -1e9 on both sides, so a probability of 0, and changes nothing.

    Args:
      student_logits: float32 [batch, words, 2].
      targets: `label` float32 [batch, words, 2], 1 for the one that is pointed to;
        `teacher_logits` float32 [batch, words, 2]; `seen` bool [batch, words].

    Returns:
      float32 [batch, 2, words]; `label` int64 [batch, 2], -1 for none; `teacher_logits` float32
      [batch, 2, words]; `seen` bool [batch, 2], whether a pointer has anything to point to. What
      else there is stays.

    >>> seen = tf.constant([[False, True, True]])
    >>> label = tf.constant([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> found = over_positions(label, {"label": label, "teacher_logits": label, "seen": seen})[1]
    >>> found["label"].numpy().tolist(), found["seen"].numpy().tolist()
    ([[1, 2]], [[True, True]])
    """
    seen = targets["seen"]

    def lines(logits: tf.Tensor) -> tf.Tensor:
        return tf.transpose(tf.where(seen[..., None], logits, LOWEST), [0, 2, 1])

    label = pointed(targets["label"], seen)
    any_seen = tf.reduce_any(seen, axis=1)
    return lines(student_logits), {
        **targets,
        "label": label,
        "teacher_logits": lines(targets["teacher_logits"]),
        "seen": tf.repeat(any_seen[:, None], 2, axis=1),
    }


def pointed(labels: tf.Tensor, among: tf.Tensor) -> tf.Tensor:
    """Return int64 [batch, 2]: the words that are pointed to, -1 where it is none of some.

    Args:
      labels: float32 [batch, words, 2], 1 for the one; NaN and -1 for none.
      among: bool [batch, words].
    """
    there = (labels == 1.0) & among[..., None]
    places = tf.argmax(tf.cast(there, tf.int32), axis=1)
    return tf.where(tf.reduce_any(there, axis=1), places, -1)

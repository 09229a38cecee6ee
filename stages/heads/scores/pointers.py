"""How much of the right answers a student points to, over a whole split."""

from __future__ import annotations

import tensorflow as tf

from stages.heads.losses.parts.pointers import pointed
from stages.rows.pointers import LOWEST, MOST_WORDS


def first_of(seen: tf.Tensor) -> tf.Tensor:
    """Return int64 [batch]: the first word that is seen, of bool [batch, words]."""
    return tf.argmax(tf.cast(seen, tf.int32), axis=1)


def best_spans(logits: tf.Tensor, seen: tf.Tensor) -> tf.Tensor:
    """Return int64 [batch, 2]: first and last word of each row's likeliest answer, -1 for none.

    As `stages.rows.pointers.best_spans`, with the first word that is seen in the place of `[SEP]`.

    Args:
      logits: float32 [batch, words, 2].
      seen: bool [batch, words]: `[SEP]` and the words after it.
    """
    first = first_of(seen)
    none = tf.reduce_sum(tf.gather(logits, first, batch_dims=1), axis=-1)
    places = tf.range(tf.shape(logits, tf.int64)[1])
    follows = seen & (places > first[:, None])
    start, end = (tf.where(follows, logits[..., number], LOWEST) for number in (0, 1))
    best = tf.fill(tf.shape(first), 2.0 * LOWEST)
    found = tf.fill([tf.shape(first)[0], 2], tf.constant(-1, tf.int64))
    for more in range(MOST_WORDS):
        longest = tf.maximum(tf.shape(start)[1] - more, 0)
        sums = start[:, :longest] + end[:, more:]
        sums = tf.pad(sums, [[0, 0], [0, 1]], constant_values=4.0 * LOWEST)  # never without one
        place, value = tf.argmax(sums, axis=1), tf.reduce_max(sums, axis=1)
        better = value > best
        best = tf.where(better, value, best)
        found = tf.where(better[:, None], tf.stack([place, place + more], axis=1), found)
    is_none = ~(best > none) | (best <= LOWEST)
    return tf.where(is_none[:, None], tf.constant(-1, tf.int64), found)


def overlap_f1(said: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Return float32 [batch]: the F1 of the words by their places, of int64 [batch, 2] each."""
    shared = tf.minimum(said, right)[:, 1] - tf.maximum(said, right)[:, 0] + 1
    lengths = (said[:, 1] - said[:, 0] + 1) + (right[:, 1] - right[:, 0] + 1)
    none = (said[:, 0] < 0) | (right[:, 0] < 0)
    f1 = 2 * tf.cast(tf.maximum(shared, 0), tf.float32) / tf.cast(lengths, tf.float32)
    return tf.where(none, tf.cast(tf.reduce_all(said == right, axis=1), tf.float32), f1)


def right_spans(labels: tf.Tensor, among: tf.Tensor, *, first: tf.Tensor) -> tf.Tensor:
    """Return int64 [batch, 2]: what the labels point to; -1 where that is `first`, the `[SEP]`."""
    found = pointed(labels, among)
    is_none = tf.reduce_all(found == first[:, None], axis=1)
    return tf.where(is_none[:, None], tf.constant(-1, tf.int64), found)

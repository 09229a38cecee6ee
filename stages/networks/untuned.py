"""Data sets that TensorFlow does not tune."""

from __future__ import annotations

import tensorflow as tf


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Return a data set, and what is made of it, without a tuner.

    Ours state how much is made ahead, so nothing is left to tune; and the end of an iteration
    waits for the tuner's next look, which comes twice as late each time, up to a minute.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)

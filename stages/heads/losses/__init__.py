"""Losses as pure functions in log space: per example, not reduced, nothing clipped.

`mean_over_valid` is the only reduction. `DISTILLATION_LOSSES` gives those against the teacher one
signature, by kind of head, and `HARD_LOSSES` those against hard labels. To add one: a function in a
file of this folder and a line there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from stages.heads.losses.decoupled import decoupled
from stages.heads.losses.divergences import (
    jensen_shannon,
    kl_to_teacher,
    kl_with_tail_bucket,
    reverse_kl,
    soft_cross_entropy,
)
from stages.heads.losses.hard import hard_label_cross_entropy, has_hard_label, mean_over_valid
from stages.heads.losses.labels import bernoulli_kl_to_teacher, binary_cross_entropy, has_labels
from stages.heads.losses.logits import logit_mse, standardized
from stages.heads.losses.pointers import over_positions
from stages.heads.losses.relations import relation_between_classes, relation_within_classes
from stages.heads.losses.values import squared_error

__all__ = [
    "DISTILLATION_LOSSES",
    "HARD_LOSSES",
    "bernoulli_kl_to_teacher",
    "binary_cross_entropy",
    "decoupled",
    "has_hard_label",
    "has_labels",
    "hard_label_cross_entropy",
    "jensen_shannon",
    "kl_to_teacher",
    "kl_with_tail_bucket",
    "logit_mse",
    "mean_over_valid",
    "over_positions",
    "relation_between_classes",
    "relation_within_classes",
    "reverse_kl",
    "soft_cross_entropy",
    "squared_error",
    "standardized",
]

Loss = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, float | tf.Tensor], tf.Tensor]


def _decoupled(
    student: tf.Tensor, teacher: tf.Tensor, labels: tf.Tensor, temperature: float | tf.Tensor
) -> tf.Tensor:
    says = tf.argmax(teacher, axis=-1, output_type=labels.dtype)
    target = tf.where(has_hard_label(labels), labels, says)
    return decoupled(student, teacher, target, temperature=temperature)


def _dist(
    student: tf.Tensor, teacher: tf.Tensor, labels: tf.Tensor, temperature: float | tf.Tensor
) -> tf.Tensor:
    between = relation_between_classes(student, teacher, temperature=temperature)
    within = relation_within_classes(student, teacher, temperature=temperature)
    return between + tf.reduce_mean(within)


_OF_ONE_CLASS: dict[str, Loss] = {
    "kl": lambda s, t, _, temperature: kl_to_teacher(s, t, temperature=temperature),
    "reverse_kl": lambda s, t, _, temperature: reverse_kl(s, t, temperature=temperature),
    "jensen_shannon": lambda s, t, _, temperature: jensen_shannon(s, t, temperature=temperature),
    "soft_cross_entropy": lambda s, t, _, temperature: soft_cross_entropy(
        s, t, temperature=temperature
    ),
    "logit_mse": lambda s, t, _, __: logit_mse(s, t),
    "decoupled": _decoupled,
    "dist": _dist,
}

DISTILLATION_LOSSES: dict[str, dict[str, Loss]] = {
    "softmax": _OF_ONE_CLASS,
    "sigmoid": {
        "kl": lambda s, t, _, temperature: bernoulli_kl_to_teacher(s, t, temperature=temperature),
        "squared_error": lambda s, t, _, __: squared_error(s, t),
    },
    "regression": {"squared_error": lambda s, t, _, __: squared_error(s, t)},
    "pointer": {  # of what `over_positions` makes; those in which a probability of 0 counts nothing
        name: _OF_ONE_CLASS[name]
        for name in ("kl", "reverse_kl", "jensen_shannon", "soft_cross_entropy")
    },
}


@dataclass(frozen=True)
class HardLoss:
    """The loss of a kind of head against hard labels.

    Attributes:
      loss: from the student's logits, labels and label smoothing to float32 [...].
      has: from labels to bool [...], which of them there are.
    """

    loss: Callable[[tf.Tensor, tf.Tensor, float], tf.Tensor]
    has: Callable[[tf.Tensor], tf.Tensor]


_HARD_OF_ONE_CLASS = HardLoss(
    lambda s, labels, smoothing: hard_label_cross_entropy(s, labels, label_smoothing=smoothing),
    has_hard_label,
)
HARD_LOSSES = {
    "softmax": _HARD_OF_ONE_CLASS,
    "pointer": _HARD_OF_ONE_CLASS,
    "sigmoid": HardLoss(lambda s, labels, _: binary_cross_entropy(s, labels), has_labels),
    "regression": HardLoss(lambda s, labels, _: squared_error(s, labels), has_labels),
}

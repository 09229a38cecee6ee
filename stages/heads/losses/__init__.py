"""Losses against the teacher, a module each, named as `train.loss` names it.

In log space, per example, not reduced, nothing clipped; `mean_over_valid` is the only reduction.
That against hard labels is of each kind of head. Imports `rows` and `machine`. To add one: a module
with `DECLARES = {"heads": {"softmax": "of_classes"}}`: which function is for which kind of head.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import tensorflow as tf

from schemas.declared import declared
from schemas.train_section import LOSSES_FOLDER

Loss = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, float | tf.Tensor], tf.Tensor]


@cache  # a graph that is traced does not look into what is cached
def find_loss(name: str, kind: str) -> Loss:
    """Return a loss against the teacher, for heads of a kind.

    It takes the student's and the teacher's logits, float32 [..., classes], the labels as the head
    has them, and the temperature, and returns float32 [...], not reduced.

    Args:
      name: as of `train.loss`.
      kind: of the head; the run file has seen that the loss is for it.
    """
    function = declared(LOSSES_FOLDER)[name]["heads"][kind]
    found: Loss = getattr(import_module(f"{__name__}.{name}"), function)
    return found


@dataclass(frozen=True)
class HardLoss:
    """The loss of a kind of head against hard labels.

    Attributes:
      loss: from the student's logits, labels and label smoothing to float32 [...].
      has: from labels to bool [...], which of them there are.
    """

    loss: Callable[[tf.Tensor, tf.Tensor, float], tf.Tensor]
    has: Callable[[tf.Tensor], tf.Tensor]

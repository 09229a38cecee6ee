"""A student made ready for `fit`."""

from __future__ import annotations

import keras
import numpy as np

from schemas.heads import Head
from stages.heads import head_kind
from stages.machine.replicas import Replicas
from stages.train.distiller import Distiller
from stages.train.distributed import DistributedDistiller
from stages.train.objective import Objective


def compiled(
    student: keras.Model,
    objective: Objective,
    *,
    learning_rate: float,
    total_steps: int,
    replicas: Replicas | None = None,
    xla: bool = False,
    head: Head | None = None,
    kept_by: str | None = None,
) -> Distiller:
    """Return the student under an objective, with Adam.

    Args:
      student: made in the scope of the replicas.
      objective: what it is trained on.
      learning_rate: of Adam.
      total_steps: of the whole training, for schedules.
      replicas: who trains it; one alone when None.
      xla: whether the step is compiled.
      head: what it predicts, for its figures; one class of several when None.
      kept_by: the figure of validation that decides which epoch is kept, where one is stated.
    """
    replicas = replicas or Replicas()
    kind = Distiller if replicas.count == 1 else DistributedDistiller
    with replicas.scope():
        figures = None if head is None else head_kind(head.kind).figures(head, kept_by=kept_by)
        distiller = kind(student, objective, total_steps=total_steps, figures=figures)
        distiller.compile(adam(student, learning_rate), jit_compile=xla)
        distiller.optimizer.build(student.trainable_variables)  # or the step is traced twice
        if replicas.count > 1:
            distiller(np.zeros((1, 3), np.int32))
    return distiller


def adam(student: keras.Model, learning_rate: float) -> keras.optimizers.Optimizer:
    """Return Adam; for a student in 16 bits, where small gradients would be 0, of a scaled loss."""
    optimizer = keras.optimizers.Adam(learning_rate)
    if student.dtype_policy.name != "mixed_float16":
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)

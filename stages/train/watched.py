"""By what else the figures of a training are written, where that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from schemas.run_file import RunFile
from stages.train.plan import StudentPlan

if TYPE_CHECKING:
    import keras

WANDB_FOLDER = "wandb"


@contextmanager
def watched(
    run: RunFile, plan: StudentPlan, project: str | None
) -> Iterator[list[keras.callbacks.Callback]]:
    """Yield what else a training's figures are written by."""
    from stages.machine.replicas import replicas_here

    if project is None or not replicas_here().writes:
        yield []
        return
    from stages.train.watching import WandbFigures

    config = {**run.train.model_dump(mode="json"), **plan.student.model_dump(mode="json")}
    name = f"{run.name} {plan.name}"
    figures = WandbFigures(project, name=name, folder=plan.path / WANDB_FOLDER, config=config)
    try:
        yield [figures]
    finally:
        figures.finish()

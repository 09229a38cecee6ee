"""One trial: a student trained with settings of a search, and what came of it."""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf

from schemas.errors import AssetError, RunFileError, StudentError, UserCodeError, first_line
from schemas.run_file import RunFile
from stages.adjust.space import of_trial
from stages.adjust.study import AskedTrial
from stages.evaluate.predict import StudentPredictor
from stages.evaluate.speed import measure_speed, sample_rows
from stages.inputs.find import student_inputs
from stages.machine.locks import lock
from stages.table.opening import SoftLabelTable
from stages.train.pipeline import is_current, train_student
from stages.train.plan import plan_students
from stages.train.student_cards import read_student_card

_SPEED_CALLS = 30


class _GivenUp(Exception):
    """The trial is worse than others were by then."""


class _Watch(keras.callbacks.Callback):
    """Tells the study the figure of every epoch."""

    def __init__(self, trial: AskedTrial, figure: str) -> None:
        super().__init__()
        self._trial, self._figure = trial, figure
        self.epochs_before = 0  # of phases that are done; `fit` says it

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Report it, and end the training where it is better given up."""
        value = float((logs or {})[self._figure])
        if self._trial.report(value, self.epochs_before + epoch):
            raise _GivenUp


def try_settings(run: RunFile, table: SoftLabelTable, trial: AskedTrial, *, folder: Path) -> None:
    """Train a trial's student, or what is left of it, and tell the study.

    A student of settings that were tried before is not trained again.

    Args:
      run: with `[target]` and `[adjust]`.
      table: the opened version.
      trial: under way.
      folder: of all trials' students.
    """
    try:
        settings = of_trial(run, trial.values)
        [plan] = plan_students(settings, table, out=folder)
        plan = plan.in_folder(folder / plan.fingerprint)
        figure = f"val_{settings.kept_by}"
        with lock(folder / f"{plan.fingerprint}.lock", wait=True):
            if not is_current(plan):
                train_student(settings, table, plan, watchers=[_Watch(trial, figure)])
    except _GivenUp:
        trial.prune()
        return
    except (StudentError, UserCodeError, RunFileError, AssetError, tf.errors.OpError) as error:
        trial.fail(first_line(error))
        return
    card = read_student_card(plan.path)
    predictor = StudentPredictor(plan.path, card)
    texts = student_inputs(sample_rows(table), table.card.layout)
    speed = measure_speed(predictor.logits, texts, calls=_SPEED_CALLS)
    trial.complete(
        max(epoch[figure] for epoch in card.epochs),
        parameters=card.parameters,
        latency_ms_batch_1=speed.latency_ms_batch_1,
    )

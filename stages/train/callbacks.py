"""What happens around a student's steps: stop on a bad loss, keep the best epoch, save it all."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from schemas.errors import StudentError
from stages.machine.locks import make_folder
from stages.machine.replicas import Replicas
from stages.networks.checkpoint import Arrays, Checkpoint, Checkpoints, TrainingState
from stages.train.ctrl_c import CtrlC

Logs = dict[str, float] | None


class StopOnNonFiniteLoss(keras.callbacks.Callback):
    """Ends training with a stated error, naming epoch and step, when the loss is not finite."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Note the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Check the running mean of the loss."""
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(loss):
            rate = learning_rate(self.model)
            raise StudentError(
                f"loss is not finite: {self._name}, epoch {self._epoch + 1}, step {batch + 1}: "
                f"found {loss} at learning rate {rate:g}. Lower the rate or check the table."
            )


class KeepBest(keras.callbacks.Callback):
    """Keeps the student's weights of the epoch with the largest figure; the first of equals.

    As long as the figure is 0, nothing is learned yet that it sees, and the last is kept.
    """

    def __init__(self, student: keras.Model, figure: str) -> None:
        super().__init__()
        self.value: float | None = None
        self.weights: Arrays = []
        self._student, self._figure = student, figure

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Compare."""
        value = float((logs or {})[self._figure])
        if self.value is None or value > self.value or value == self.value == 0.0:
            self.value, self.weights = value, self._student.get_weights()

    def restore(self) -> None:
        """Give the student its best weights."""
        if self.weights:
            self._student.set_weights(self.weights)


class WriteFigures(keras.callbacks.Callback):
    """Writes each epoch's figures and learning rate for TensorBoard."""

    def __init__(self, folder: Path, epochs_before: Callable[[], int]) -> None:
        """Name the place.

        Args:
          folder: of the event files.
          epochs_before: says how many epochs of all phases are done.

        Raises:
          StorageError: the folder cannot be made.
        """
        super().__init__()
        make_folder(folder)
        self._writer = tf.summary.create_file_writer(str(folder))
        self._epochs_before = epochs_before

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write."""
        figures = {**(logs or {}), "learning_rate": learning_rate(self.model)}
        with self._writer.as_default(step=self._epochs_before()):
            for name, value in figures.items():
                tf.summary.scalar(name, value)
        self._writer.flush()


class SaveState(keras.callbacks.Callback):
    """Saves all that the next step depends on, now and then, and puts it back on a resume.

    Several replicas save at the end of each epoch only, where all of them are: what they hold is
    then read by all, and written by one. One alone saves where Ctrl-C came too, and ends by it.

    It comes after `KeepBest`. Within an epoch it is put back once more when that has begun, since
    Keras resets its metrics just before.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        best: KeepBest,
        *,
        every_seconds: float,
        replicas: Replicas | None = None,
        ctrl_c: CtrlC | None = None,
    ) -> None:
        super().__init__()
        self._replicas, self._ctrl_c = replicas or Replicas(), ctrl_c or CtrlC()
        self.state = TrainingState()
        self.steps_per_epoch = 0
        self._checkpoints, self._best = checkpoints, best
        self._every_seconds, self._saved = every_seconds, time.monotonic()
        self._waiting: Arrays | None = None
        self._first_step = 0

    def resume(self, checkpoint: Checkpoint, model: keras.Model) -> bool:
        """Go on from a checkpoint; False, and nothing done, where it is of another model."""
        variables = all_variables(model)
        shapes = [tuple(variable.shape) for variable in variables]
        if shapes != [np.shape(value) for value in checkpoint.variables]:
            return False
        _assign(variables, checkpoint.variables)
        begun = checkpoint.state.step > 0
        self.state, self._waiting = checkpoint.state, checkpoint.variables if begun else None
        self._best.value, self._best.weights = checkpoint.state.best_value, checkpoint.best
        self._first_step = checkpoint.state.step
        return True

    def begin_phase(self, phase: int) -> None:
        """Note that a phase begins; its epochs count from 0."""
        self._first_step = 0
        self.state = self.state.model_copy(update={"phase": phase, "epoch": 0, "step": 0})

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Put back what waits."""
        if self._waiting is None:
            return
        _assign(all_variables(self.model), self._waiting)
        self._waiting = None

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Save where it is time, within an epoch."""
        step = self._first_step + batch + 1
        if self._replicas.count > 1:
            return
        self._ctrl_c.stepped()
        if self._is_time() and step < self.steps_per_epoch:
            self.state = self.state.model_copy(update={"step": step})
            self.save()
            self._ctrl_c.end_if_due()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Note the epoch's figures, and save where it is time."""
        figures = {name: float(value) for name, value in (logs or {}).items()}
        epochs = (*self.state.epochs, figures)
        done = {"epoch": epoch + 1, "step": 0, "epochs": epochs, "best_value": self._best.value}
        self.state = self.state.model_copy(update=done)
        self._first_step = 0
        if self._replicas.count > 1 or self._is_time():
            self.save()
            self._ctrl_c.end_if_due()

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        variables = [np.asarray(variable) for variable in all_variables(self.model)]
        if self._replicas.writes:
            self._checkpoints.save(Checkpoint(self.state, variables, self._best.weights))
        self._saved = time.monotonic()

    def _is_time(self) -> bool:
        due = self._ctrl_c.is_due
        return due or time.monotonic() - self._saved >= self._every_seconds


def learning_rate(model: keras.Model) -> float:
    """Return the optimizer's, wherever its variables are."""
    return float(tf.convert_to_tensor(model.optimizer.learning_rate))


def _assign(variables: list[keras.Variable], values: Arrays) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def all_variables(model: keras.Model) -> list[keras.Variable]:
    """Return what a step depends on and changes: weights, optimizer, metrics, random generators."""
    found = [*model.variables, *model.metrics_variables, *model.optimizer.variables]
    return list({id(variable): variable for variable in found}.values())

"""Fit one student: Keras's `fit` over a course, phase after phase, resumable.

It ends with the weights of the best validation epoch. Interrupted at any step and run again, it
goes on from its newest checkpoint and ends in the same weights; Ctrl-C writes one first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras

from stages.machine.progress import EpochProgress, say
from stages.machine.replicas import Replicas
from stages.networks.checkpoint import Checkpoint, Checkpoints
from stages.networks.kept_epoch import short_budget
from stages.train.callbacks import KeepBest, SaveState, StopOnNonFiniteLoss, WriteFigures
from stages.train.ctrl_c import CtrlC
from stages.train.lesson import Course, Lesson


class Training:
    """One student's training: what its phases share."""

    def __init__(
        self,
        course: Course,
        *,
        name: str,
        checkpoints: Checkpoints,
        figures: Path,
        checkpoint_seconds: float,
        watchers: Sequence[keras.callbacks.Callback] = (),
        replicas: Replicas | None = None,
    ) -> None:
        """Plan it.

        Args:
          course: what the student learns from.
          name: for progress and messages.
          checkpoints: where its state is kept.
          figures: folder of its figures for TensorBoard.
          checkpoint_seconds: how often, at most.
          watchers: are told of every epoch, and may end the training by an exception; each is
            given `epochs_before`, how many the phases before have had.
          replicas: who trains it; one alone when None.
        """
        self._course, self._name = course, name
        self._best = KeepBest(course.student, course.kept_by)
        self._replicas = replicas or Replicas()
        self._figures = WriteFigures(figures, lambda: len(self._saving.state.epochs))
        self._ctrl_c = CtrlC()
        self._saving = SaveState(
            checkpoints,
            self._best,
            every_seconds=checkpoint_seconds,
            replicas=self._replicas,
            ctrl_c=self._ctrl_c,
        )
        self._checkpoints, self._watchers = checkpoints, watchers

    def fit(self) -> tuple[dict[str, float], ...]:
        """Train through the phases.

        Returns:
          Training and validation figures by epoch, over all phases.

        Raises:
          StudentError: the loss is not finite.
          TableError: train or validation have no row.
          KeyboardInterrupt: Ctrl-C came; the steps until then are saved.
        """
        kept = self._checkpoints.newest()
        for number in range(len(self._course.phases)):
            if kept is None or number >= kept.state.phase:
                resumed = kept if kept is not None and number == kept.state.phase else None
                if not self._fit_phase(number, resumed):
                    say(f"train {self._name}: its checkpoint is of another model; begun anew")
                    self._checkpoints.remove()
                    return self.fit()
        self._best.restore()
        self._say_budget()
        return self._saving.state.epochs

    def _say_budget(self) -> None:
        """Say where the best epoch is the last of its part."""
        phases, epochs = self._course.phases, self._saving.state.epochs
        keys = ("train.epochs", "train.hard_label_epochs")
        budgets = {key: phase.epochs for key, phase in zip(keys, phases, strict=False)}
        said = short_budget(epochs, self._course.kept_by, budgets=budgets)
        if said is not None:
            say(f"train {self._name}: {said}")

    def _fit_phase(self, number: int, kept: Checkpoint | None) -> bool:
        """Train through a phase, or what is left of it; return whether the checkpoint fits."""
        if kept is None:
            self._best.restore()
            self._saving.begin_phase(number)
        lesson = self._course.lesson(number)
        if kept is not None and not self._saving.resume(kept, lesson.model):
            return False
        self._saving.steps_per_epoch = lesson.steps_per_epoch
        for watcher in self._watchers:
            watcher.epochs_before = len(self._saving.state.epochs) - self._saving.state.epoch
        with self._ctrl_c:
            if self._fit_parts(lesson, self._course.phases[number].epochs):
                self._saving.save()
        return True

    def _fit_parts(self, lesson: Lesson, epochs: int) -> bool:
        """Train for what is left of a phase; return whether anything was."""
        steps = lesson.steps_per_epoch
        parts = _parts(self._saving.state.epoch, self._saving.state.step, epochs)
        figures = [self._figures] if self._replicas.writes else []
        callbacks = [StopOnNonFiniteLoss(self._name), *lesson.callbacks, self._best, *figures]
        callbacks += [self._saving, *self._watchers]
        for line in lesson.said if parts else ():
            say(f"train {self._name}: {line}")
        with EpochProgress(f"train {self._name}", epochs=epochs, steps=steps) as shown:
            for first_epoch, first_step, end in parts:
                with lesson.own_errors():
                    lesson.model.fit(
                        lesson.batches(first_epoch * steps + first_step),
                        initial_epoch=first_epoch,
                        epochs=end,
                        steps_per_epoch=steps - first_step,
                        callbacks=[*callbacks, shown.callback(first_step)],
                        shuffle=False,
                        verbose=0,
                        **lesson.validation,
                    )
        return bool(parts)


def _parts(epoch: int, step: int, epochs: int) -> list[tuple[int, int, int]]:
    """Return (first epoch, first step, end) of each call of `fit`: a begun epoch has its own.

    >>> _parts(2, 5, 9), _parts(0, 0, 9), _parts(8, 5, 9), _parts(9, 0, 9)
    ([(2, 5, 3), (3, 0, 9)], [(0, 0, 9)], [(8, 5, 9)], [])
    """
    begun = [(epoch, step, epoch + 1)] if step else []
    whole = epoch + len(begun)
    return begun + ([(whole, 0, epochs)] if whole < epochs else [])

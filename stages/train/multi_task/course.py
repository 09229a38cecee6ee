"""What a student of several tasks learns from: a batch of each table at each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import tensorflow as tf

from schemas.multi_task_card import MEAN_FIGURE
from stages.train.compiled import adam
from stages.train.lesson import Lesson, OneTable
from stages.train.multi_task.distiller import MultiTaskDistiller
from stages.train.stream import SoftLabelStream


class SeveralTables:
    """The course of a student with several heads: a table for each.

    An epoch is as long as the longest of its tables'; the others go on with their next pass.
    """

    kept_by = MEAN_FIGURE

    def __init__(
        self,
        student: keras.Model,
        courses: Mapping[str, OneTable],
        weights: Mapping[str, float],
        *,
        xla: bool = False,
    ) -> None:
        """Plan it.

        Args:
          student: all tasks' heads, as one model.
          courses: of each task alone, on the same number of phases and epochs.
          weights: of each task's loss in the sum.
          xla: whether the step is compiled.
        """
        self.student, self._xla = student, xla
        self._courses, self._weights = dict(courses), dict(weights)
        self.phases = next(iter(courses.values())).phases

    def lesson(self, number: int) -> Lesson:
        """Return a phase made ready.

        Raises:
          TableError: a table's train split has no row.
        """
        phases = {name: course.phases[number] for name, course in self._courses.items()}
        streams = {name: one.stream(phases[name]) for name, one in self._courses.items()}
        steps = max(stream.steps_per_epoch for stream in streams.values())
        phase = self.phases[number]
        model = MultiTaskDistiller(
            {name: course.student for name, course in self._courses.items()},
            {name: found.objective for name, found in phases.items()},
            self._weights,
            total_steps=steps * phase.epochs,
        )
        model.compile(adam(self.student, phase.learning_rate), jit_compile=self._xla)
        model.optimizer.build(self.student.trainable_variables)
        return Lesson(
            model,
            steps,
            lambda step: self._batches(streams, step),
            lambda: _own_errors(streams),
            callbacks=(MeasureTasks(self._courses),),
        )

    def _batches(self, streams: Mapping[str, SoftLabelStream], step: int) -> tf.data.Dataset:
        """Return endless pairs of what each task is asked and what it is to answer, by task."""
        parts = {
            name: course.asked_of(streams[name].dataset(first_step=step))
            for name, course in self._courses.items()
        }

        def apart(batches: dict[str, tuple[Any, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
            asked = {name: inputs for name, (inputs, _) in batches.items()}
            return asked, {name: targets for name, (_, targets) in batches.items()}

        return tf.data.Dataset.zip(parts).map(apart, num_parallel_calls=1).prefetch(4)


class MeasureTasks(keras.callbacks.Callback):
    """Measures every task's validation split after each epoch, and the mean of what decides."""

    def __init__(self, courses: Mapping[str, OneTable]) -> None:
        """Make what measures each."""
        super().__init__()
        self._kept_by = {
            name: course.kept_by.removeprefix("val_") for name, course in courses.items()
        }
        self._measures = {name: course.measuring() for name, course in courses.items()}

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add `<task>.val_<figure>`, and their mean, to what the callbacks after this are told."""
        if logs is None:
            return
        decisive = []
        for name, measure in self._measures.items():
            found = measure()
            logs |= {f"{name}.val_{figure}": value for figure, value in found.items()}
            decisive.append(found[self._kept_by[name]])
        logs[MEAN_FIGURE] = sum(decisive) / len(decisive)


@contextmanager
def _own_errors(streams: Mapping[str, SoftLabelStream]) -> Iterator[None]:
    with ExitStack() as stack:
        for stream in streams.values():
            stack.enter_context(stream.own_errors())
        yield

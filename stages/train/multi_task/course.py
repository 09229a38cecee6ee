"""What a student of several tasks learns from: a batch of each table at each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from schemas.multi_task_card import MEAN_FIGURE
from stages.train.compiled import adam
from stages.train.lesson import Lesson, OneTable
from stages.train.multi_task.distiller import MultiTaskDistiller, SharedDistiller
from stages.train.multi_task.shared_rows import SharedRows
from stages.train.objective import Objective
from stages.train.stream.passes import passes_text
from stages.train.stream.stream import SoftLabelStream


@dataclass(frozen=True)
class Fed:
    """What a student is fed with in a phase; each as of `Lesson`."""

    said: tuple[str, ...]
    steps_per_epoch: int
    batches: Callable[[int], tf.data.Dataset]
    own_errors: Callable[[], AbstractContextManager[None]]


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
        phase, fed = self.phases[number], self._fed(number)
        model = self._distiller(
            {name: course.phases[number].objective for name, course in self._courses.items()},
            total_steps=fed.steps_per_epoch * phase.epochs,
        )
        model.compile(adam(self.student, phase.learning_rate), jit_compile=self._xla)
        model.optimizer.build(self.student.trainable_variables)
        return Lesson(
            model,
            fed.steps_per_epoch,
            fed.batches,
            fed.own_errors,
            callbacks=(MeasureTasks(self._courses),),
            said=fed.said,
        )

    def _distiller(
        self, objectives: Mapping[str, Objective], *, total_steps: int
    ) -> MultiTaskDistiller:
        students = {name: course.student for name, course in self._courses.items()}
        return MultiTaskDistiller(students, objectives, self._weights, total_steps=total_steps)

    def _fed(self, number: int) -> Fed:
        """Return what the student is fed with in a phase."""
        streams = {
            name: course.stream(course.phases[number]) for name, course in self._courses.items()
        }
        steps = max(stream.steps_per_epoch for stream in streams.values())
        epochs = self.phases[number].epochs
        said = tuple(
            f"{name}: {passes_text(stream, epochs=epochs, steps_per_epoch=steps)}"
            for name, stream in streams.items()
        )
        return Fed(
            said, steps, lambda step: self._batches(streams, step), lambda: _own_errors(streams)
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


class SharedBatches(SeveralTables):
    """The course of a student with several heads, on batches of rows of the table of all.

    An epoch has as many steps as the rows fill that have a hard label of any head.
    """

    def __init__(
        self,
        student: keras.Model,
        courses: Mapping[str, OneTable],
        weights: Mapping[str, float],
        *,
        rows: SharedRows,
        xla: bool = False,
    ) -> None:
        """Plan it; `rows` are what the student is asked, the others as of `SeveralTables`."""
        super().__init__(student, courses, weights, xla=xla)
        self._rows = rows

    def _distiller(
        self, objectives: Mapping[str, Objective], *, total_steps: int
    ) -> MultiTaskDistiller:
        return SharedDistiller(
            self.student,
            {name: course.student for name, course in self._courses.items()},
            objectives,
            self._weights,
            by_position=self._rows.by_position,
            total_steps=total_steps,
        )

    def _fed(self, number: int) -> Fed:
        for course in self._courses.values():
            course.stream(course.phases[number])  # which says where a head has nothing to learn
        stream = self._rows.stream(labelled_only=self.phases[number].labelled_only)

        def batches(step: int) -> tf.data.Dataset:
            found = stream.dataset(first_step=step)
            return found.map(self._rows.asked, num_parallel_calls=1).prefetch(4)

        steps, epochs = stream.steps_per_epoch, self.phases[number].epochs
        said = passes_text(stream, epochs=epochs, steps_per_epoch=steps)
        return Fed((said,), steps, batches, stream.own_errors)


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

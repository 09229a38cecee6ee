"""What a student learns from: in each phase batches, a compiled model and a measured validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import keras
import tensorflow as tf

from schemas.run_file import RunFile
from stages.heads import head_kind
from stages.inputs.wordpiece import Wordpiece
from stages.machine.replicas import Replicas
from stages.table.opening import SoftLabelTable
from stages.train.compiled import compiled
from stages.train.distiller import Distiller
from stages.train.objective import Objective
from stages.train.stream.passes import passes_text
from stages.train.stream.stream import SoftLabelStream
from stages.train.stream.words import Inputs, masked_targets, word_inputs

Asked = tuple[tf.Tensor | Inputs, dict[str, tf.Tensor]]

_VALIDATION_BATCH = 256


@dataclass(frozen=True)
class Phase:
    """A part of a training.

    Attributes:
      objective: what is trained on.
      epochs: of this part.
      learning_rate: of Adam.
      labelled_only: train on the rows with a hard label only, and on no augmented view.
    """

    objective: Objective
    epochs: int
    learning_rate: float
    labelled_only: bool


@dataclass(frozen=True)
class Lesson:
    """A phase as Keras's `fit` takes it.

    Attributes:
      model: compiled.
      steps_per_epoch: of the phase.
      batches: endless, from a step of the phase on.
      own_errors: a context that raises what a stream stated.
      validation: what `fit` is told of it; nothing where a callback measures it.
      callbacks: that come before all others.
      said: what is said of it before it begins.
    """

    model: keras.Model
    steps_per_epoch: int
    batches: Callable[[int], tf.data.Dataset]
    own_errors: Callable[[], AbstractContextManager[None]]
    validation: dict[str, Any] = field(default_factory=dict)
    callbacks: tuple[keras.callbacks.Callback, ...] = ()
    said: tuple[str, ...] = ()


class Course(Protocol):
    """All that one student learns from.

    Attributes:
      student: whose weights are kept of the best epoch.
      kept_by: name of the figure that says which that is.
      phases: one after another.
    """

    student: keras.Model
    kept_by: str
    phases: Sequence[Phase]

    def lesson(self, number: int) -> Lesson:
        """Return a phase made ready."""


class OneTable:
    """The course of a student with one head: the table of one teacher."""

    def __init__(
        self,
        student: keras.Model,
        table: SoftLabelTable,
        run: RunFile,
        phases: Sequence[Phase],
        *,
        wordpiece: Wordpiece,
        seed: int,
        replicas: Replicas,
    ) -> None:
        """Plan it.

        Args:
          student: from token ids to logits; made in the scope of the replicas.
          table: the opened version.
          run: for `[train]` and whether repeats count.
          phases: one after another.
          wordpiece: the student's tokenizer.
          seed: of the order of rows.
          replicas: who trains it.

        Raises:
          TableError: validation has no row.
        """
        self.student, self.phases = student, phases
        self._table, self._run = table, run
        self._wordpiece, self._seed, self._replicas = wordpiece, seed, replicas
        self._held_out = self._stream("validation", batch_size=_VALIDATION_BATCH, seed=0)
        self.kept_by = f"val_{run.kept_by}" if self._held_out.labelled else "val_agreement"

    def lesson(self, number: int) -> Lesson:
        """Return a phase made ready.

        Raises:
          TableError: train has no row, or no hard label where the run needs some.
        """
        phase = self.phases[number]
        stream = self.stream(phase)
        steps = stream.steps_per_epoch
        model = compiled(
            self.student,
            phase.objective,
            learning_rate=phase.learning_rate,
            total_steps=steps * phase.epochs,
            replicas=self._replicas,
            xla=self._run.train.xla,
            head=self._run.head,
            kept_by=self._run.kept_by,
        )
        return Lesson(
            model,
            steps,
            lambda step: self._fed(stream.dataset(first_step=step), prefetched=4),
            stream.own_errors,
            {
                "validation_data": self._fed(self._held_out.one_pass(), prefetched=1),
                "validation_steps": self._held_out.steps_per_pass,
            },
            said=(passes_text(stream, epochs=phase.epochs, steps_per_epoch=steps),),
        )

    def measuring(self) -> Callable[[], dict[str, float]]:
        """Return what measures the student on the validation split: figures by name."""
        head = self._run.head
        figures = head_kind(head.kind).figures(head, kept_by=self._run.kept_by)
        first = self.phases[0].objective
        model = Distiller(self.student, first, total_steps=1, figures=figures)
        model.compile(keras.optimizers.SGD(), jit_compile=False)  # it takes no step
        batches = self.asked_of(self._held_out.one_pass())
        steps = self._held_out.steps_per_pass
        return lambda: model.evaluate(batches, steps=steps, verbose=0, return_dict=True)

    def stream(self, phase: Phase) -> SoftLabelStream:
        """Return the batches of a phase.

        Raises:
          TableError: train has no row, or no hard label where the run needs some.
        """
        how = self._run.train
        found = self._stream(
            "train",
            batch_size=how.batch_size,
            seed=self._seed,
            labelled_only=phase.labelled_only,
        )
        if phase is self.phases[0] and (how.baseline or how.hard_label_epochs):
            found.check_labelled()  # before the student is trained, not after
        return found

    def asked_of(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Return batches as what the student is asked and what it is to answer."""
        return batches.map(self._asked, num_parallel_calls=1)

    def _asked(self, batch: dict[str, tf.Tensor]) -> Asked:
        targets = {name: value for name, value in batch.items() if name != "text"}
        how = self._run.train
        length = how.max_length if how.xla else None
        if not self._run.head.by_position:
            return self._wordpiece.token_ids(batch["text"], length=length), targets
        asks = self._run.head.points
        words = batch["text"]
        inputs = word_inputs(self._wordpiece, words, length=length, stride=how.stride, asks=asks)
        return inputs, masked_targets(targets, inputs["first_pieces"])

    def _stream(
        self, split: str, *, batch_size: int, seed: int, labelled_only: bool = False
    ) -> SoftLabelStream:
        return SoftLabelStream(
            self._table,
            split,
            batch_size=batch_size,
            seed=seed,
            once=self._run.corpus.repeats == "once",
            labelled_only=labelled_only,
            views_per_pass=self._run.train.views_per_pass if split == "train" else None,
        )

    def _fed(self, batches: tf.data.Dataset, *, prefetched: int) -> tf.data.Dataset:
        """Return this process's part of batches as the student takes them."""
        shared = self._replicas.share(self.asked_of(batches))
        return self._replicas.distributed(shared.prefetch(prefetched))

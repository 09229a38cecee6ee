"""Fit one student to the table: Keras's `fit` over the stream, phase after phase, resumable.

It ends with the weights of the best validation epoch. Interrupted at any step and run again, it
goes on from its newest checkpoint and ends in the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from schemas.run_file import RunFile
from stages.progress import EpochProgress, say
from stages.table import SoftLabelTable
from stages.text import Wordpiece
from stages.train.callbacks import KeepBest, SaveState, StopOnNonFiniteLoss, WriteFigures
from stages.train.checkpoint import Checkpoint, Checkpoints
from stages.train.compiled import compiled
from stages.train.objective import Objective
from stages.train.replicas import Replicas
from stages.train.stream import SoftLabelStream
from stages.train.words import Inputs, masked_targets, word_inputs

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


class Training:
    """One student's training: what its phases share."""

    def __init__(
        self,
        student: keras.Model,
        table: SoftLabelTable,
        run: RunFile,
        *,
        wordpiece: Wordpiece,
        seed: int,
        name: str,
        checkpoints: Checkpoints,
        figures: Path,
        checkpoint_seconds: float,
        watchers: Sequence[keras.callbacks.Callback] = (),
        replicas: Replicas | None = None,
    ) -> None:
        """Plan it.

        Args:
          student: from token ids to logits; made in the scope of the replicas.
          table: the opened version.
          run: for `[train]` and whether repeats count.
          wordpiece: the student's tokenizer.
          seed: of the order of rows.
          name: for progress and messages.
          checkpoints: where its state is kept.
          figures: folder of its figures for TensorBoard.
          checkpoint_seconds: how often, at most.
          watchers: are told of every epoch, and may end the training by an exception; each is
            given `epochs_before`, how many the phases before have had.
          replicas: who trains it; one alone when None.
        """
        self._student, self._table, self._run = student, table, run
        self._wordpiece, self._seed, self._name = wordpiece, seed, name
        self._held_out = self._stream("validation", batch_size=_VALIDATION_BATCH, seed=0)
        figure = f"val_{run.kept_by}" if self._held_out.labelled else "val_agreement"
        self._best = KeepBest(student, figure)
        self._replicas = replicas or Replicas()
        self._figures = WriteFigures(figures, lambda: len(self._saving.state.epochs))
        self._saving = SaveState(
            checkpoints,
            self._best,
            every_seconds=checkpoint_seconds,
            replicas=self._replicas,
        )
        self._checkpoints, self._watchers = checkpoints, watchers

    def fit(self, phases: Sequence[Phase]) -> tuple[dict[str, float], ...]:
        """Train through the phases.

        Returns:
          Training and validation figures by epoch, over all phases.

        Raises:
          StudentError: the loss is not finite.
          TableError: train or validation have no row.
        """
        kept = self._checkpoints.newest()
        for number, phase in enumerate(phases):
            if kept is None or number >= kept.state.phase:
                resumed = kept if kept is not None and number == kept.state.phase else None
                if not self._fit_phase(number, phase, resumed):
                    say(f"train {self._name}: its checkpoint is of another model; begun anew")
                    self._checkpoints.remove()
                    return self.fit(phases)
        self._best.restore()
        return self._saving.state.epochs

    def _fit_phase(self, number: int, phase: Phase, kept: Checkpoint | None) -> bool:
        """Train through a phase, or what is left of it; return whether the checkpoint fits."""
        if kept is None:
            self._best.restore()
            self._saving.begin_phase(number)
        stream = self._stream(
            "train",
            batch_size=self._run.train.batch_size,
            seed=self._seed,
            labelled_only=phase.labelled_only,
        )
        steps = stream.steps_per_epoch
        distiller = compiled(
            self._student,
            phase.objective,
            learning_rate=phase.learning_rate,
            total_steps=steps * phase.epochs,
            replicas=self._replicas,
            xla=self._run.train.xla,
            head=self._run.head,
        )
        if kept is not None and not self._saving.resume(kept, distiller):
            return False
        self._saving.steps_per_epoch = steps
        parts = _parts(self._saving.state.epoch, self._saving.state.step, phase.epochs)
        for watcher in self._watchers:
            watcher.epochs_before = len(self._saving.state.epochs) - self._saving.state.epoch
        with EpochProgress(f"train {self._name}", epochs=phase.epochs, steps=steps) as shown:
            figures = [self._figures] if self._replicas.writes else []
            callbacks = [StopOnNonFiniteLoss(self._name), self._best, *figures, self._saving]
            for first_epoch, first_step, end in parts:
                data = stream.dataset(first_step=first_epoch * steps + first_step)
                with stream.own_errors():
                    distiller.fit(
                        self._fed(data, prefetched=4),
                        initial_epoch=first_epoch,
                        epochs=end,
                        steps_per_epoch=steps - first_step,
                        validation_data=self._fed(self._held_out.one_pass()),
                        validation_steps=self._held_out.steps_per_pass,
                        callbacks=[*callbacks, *self._watchers, shown.callback(first_step)],
                        shuffle=False,
                        verbose=0,
                    )
        if parts:
            self._saving.save()
        return True

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

    def _fed(self, batches: tf.data.Dataset, *, prefetched: int = 1) -> tf.data.Dataset:
        """Return this process's part of batches as the student takes them."""
        shared = self._replicas.share(batches.map(self._inputs, num_parallel_calls=1))
        return self._replicas.distributed(shared.prefetch(prefetched))

    def _inputs(
        self, batch: dict[str, tf.Tensor]
    ) -> tuple[tf.Tensor | Inputs, dict[str, tf.Tensor]]:
        targets = {name: value for name, value in batch.items() if name != "text"}
        how = self._run.train
        length = how.max_length if how.xla else None
        if not self._run.head.by_position:
            return self._wordpiece.token_ids(batch["text"], length=length), targets
        inputs = word_inputs(self._wordpiece, batch["text"], length=length)
        return inputs, masked_targets(targets, inputs["first_pieces"])


def _parts(epoch: int, step: int, epochs: int) -> list[tuple[int, int, int]]:
    """Return (first epoch, first step, end) of each call of `fit`: a begun epoch has its own.

    >>> _parts(2, 5, 9), _parts(0, 0, 9), _parts(8, 5, 9), _parts(9, 0, 9)
    ([(2, 5, 3), (3, 0, 9)], [(0, 0, 9)], [(8, 5, 9)], [])
    """
    begun = [(epoch, step, epoch + 1)] if step else []
    whole = epoch + len(begun)
    return begun + ([(whole, 0, epochs)] if whole < epochs else [])

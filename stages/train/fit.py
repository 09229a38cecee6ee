"""Fit one student to the table: Keras's `fit` over the stream, best validation epoch kept."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from schemas.run_file import RunFile
from stages.progress import EpochProgress, by_epoch
from stages.table import SoftLabelTable
from stages.text import Wordpiece
from stages.train.distiller import Distiller, StopOnNonFiniteLoss
from stages.train.stream import SoftLabelStream

_VALIDATION_BATCH = 256


def fit(
    student: keras.Model,
    table: SoftLabelTable,
    run: RunFile,
    *,
    wordpiece: Wordpiece,
    seed: int,
    labelled_only: bool,
    name: str,
    temperature: float,
    hard_label_weight: float,
) -> tuple[dict[str, float], ...]:
    """Train the student; it ends with the weights of its best validation epoch.

    Args:
      student: from token ids to logits.
      table: the opened version.
      run: for `[train]` and whether repeats count.
      wordpiece: the student's tokenizer.
      seed: of the order of rows.
      labelled_only: train on the rows with a hard label only, and on no augmented view.
      name: for progress and messages.
      temperature: of both sides.
      hard_label_weight: in [0, 1].

    Returns:
      Training and validation figures by epoch.

    Raises:
      StudentError: the loss is not finite.
      TableError: train or validation have no row.
    """
    how, once = run.train, run.corpus.repeats == "once"
    stream = SoftLabelStream(
        table,
        "train",
        batch_size=how.batch_size,
        seed=seed,
        once=once,
        labelled_only=labelled_only,
    )
    held_out = SoftLabelStream(table, "validation", batch_size=_VALIDATION_BATCH, seed=0, once=once)

    def tokenize(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        labels = {"label": batch["label"], "teacher_logits": batch["teacher_logits"]}
        return wordpiece.token_ids(batch["text"]), labels

    distiller = compiled(
        student,
        learning_rate=how.learning_rate,
        temperature=temperature,
        hard_label_weight=hard_label_weight,
    )
    best = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=how.epochs, restore_best_weights=True
    )
    steps = stream.steps_per_epoch
    with EpochProgress(f"train {name}", epochs=how.epochs, steps=steps) as shown:
        history = distiller.fit(
            stream.dataset().map(tokenize, num_parallel_calls=1).prefetch(4),
            epochs=how.epochs,
            steps_per_epoch=steps,
            validation_data=held_out.one_pass().map(tokenize),
            callbacks=[StopOnNonFiniteLoss(name), best, shown.callback()],
            shuffle=False,
            verbose=0,
        ).history
    return by_epoch(history)


def compiled(student: keras.Model, *, learning_rate: float, **objective: Any) -> Distiller:
    """Return the student under the objective, with Adam."""
    distiller = Distiller(student, **objective)
    distiller.compile(keras.optimizers.Adam(learning_rate), jit_compile=False)
    distiller.optimizer.build(student.trainable_variables)  # or else the step is traced twice
    return distiller

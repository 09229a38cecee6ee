"""Fine-tune an encoder: AdamW, warm-up and decay, early stop on validation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from schemas.heads import Head
from schemas.teacher_section import Fit
from stages.heads import head_kind
from stages.inputs.wordpiece import Wordpiece
from stages.machine.progress import EpochProgress, say
from stages.networks.checkpoint import Checkpoints
from stages.networks.kept_epoch import short_budget
from stages.rows.columns import Labels
from stages.teach.batches import batches
from stages.teach.kept_epochs import KeptEpochs

_NO_DECAY = ["bias", "gamma", "beta", "embedding"]


@dataclass(frozen=True)
class LabelledTokens:
    """Token ids, not padded, with labels of `labels_by_line`: one a row, or one a token."""

    token_ids: tf.RaggedTensor
    labels: Labels | tf.RaggedTensor

    @property
    def rows(self) -> int:
        """How many there are."""
        return int(self.token_ids.nrows())


def fit(
    model: keras.Model,
    train: LabelledTokens,
    validation: LabelledTokens,
    how: Fit,
    *,
    head: Head,
    wordpiece: Wordpiece,
    backup: Path,
) -> tuple[dict[str, float], ...]:
    """Fit the model to the hard labels; it ends with its best validation epoch's weights.

    The model itself stays uncompiled, so that saving it saves no optimizer.

    An interrupted fit goes on from its last whole epoch, kept in `backup`.

    Returns:
      Training and validation figures by epoch.
    """
    steps = math.ceil(train.rows / how.batch_size)
    loss, metrics = head_kind(head.kind).fitted_to(head)
    kept_by = f"val_{metrics[-1].name}" if metrics else "val_loss"
    trained = keras.Model(model.input, model.output)
    trained.compile(
        optimizer=optimizer(how, steps=steps * how.epochs),
        loss=loss,
        metrics=metrics,
        jit_compile=False,  # XLA compiles anew for every batch length
    )
    trained.optimizer.build(model.trainable_variables)  # or else the step is traced twice
    size = how.batch_size
    kept = KeptEpochs(
        Checkpoints(backup),
        figure=kept_by,
        mode="max" if metrics else "min",
        patience=how.patience_epochs,
    )
    kept.restore(trained)
    done = len(kept.epochs)
    data = batches(
        train.token_ids,
        train.labels,
        batch_size=size,
        seed=how.seed,
        first_epoch=done,
        wordpiece=wordpiece,
    )
    held_out = batches(
        validation.token_ids, validation.labels, batch_size=size, seed=0, wordpiece=wordpiece
    )
    with EpochProgress("teach", epochs=how.epochs, steps=steps) as shown:
        trained.fit(
            data,
            epochs=done if kept.is_over else how.epochs,
            initial_epoch=done,
            steps_per_epoch=steps,
            validation_data=held_out,
            validation_steps=math.ceil(validation.rows / how.batch_size),
            shuffle=False,
            callbacks=[kept, shown.callback()],
            verbose=0,
        )
    kept.end(trained)
    budgets = {"teacher.fit.epochs": how.epochs}
    said = short_budget(kept.epochs, kept_by, budgets=budgets, smallest=not metrics)
    if said is not None:
        say(f"teach: {said}")
    return tuple(kept.epochs)


def optimizer(how: Fit, *, steps: int) -> keras.optimizers.Optimizer:
    """Return AdamW whose rate rises linearly for a share of the steps, then falls as a cosine."""
    warmup = max(1, int(steps * how.warmup_fraction))
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=how.learning_rate,
        warmup_steps=warmup,
        decay_steps=max(1, steps - warmup),
    )
    made = keras.optimizers.AdamW(rate, weight_decay=how.weight_decay)
    made.exclude_from_weight_decay(var_names=_NO_DECAY)
    return made

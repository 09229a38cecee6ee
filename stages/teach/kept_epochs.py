"""What a fit keeps of its epochs: the best one's weights, and where an interrupted one goes on."""

from __future__ import annotations

from typing import Any, Literal

import keras

from stages.machine.progress import say
from stages.networks.checkpoint import Arrays, Checkpoint, Checkpoints, TrainingState


class KeptEpochs(keras.callbacks.Callback):
    """Stops when a figure of validation gets no better, and keeps each epoch's state.

    A fit that was interrupted ends as one that was not: weights, optimizer, random generators, the
    best epoch and the figures of all are those of its last whole epoch.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        *,
        figure: str,
        mode: Literal["max", "min"],
        patience: int,
    ) -> None:
        """Keep them.

        Args:
          checkpoints: where.
          figure: of validation, that decides which epoch is best.
          mode: whether that is the largest or the smallest.
          patience: epochs without a better one after which it stops.
        """
        super().__init__()
        self.epochs: list[dict[str, float]] = []
        self._checkpoints, self._figure, self._patience = checkpoints, figure, patience
        self._sign = 1.0 if mode == "max" else -1.0
        self._best: Arrays = []
        self._best_value: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether as many epochs as there is patience for were no better than one before."""
        return len(self.epochs) > 1 and self._since_best() >= self._patience

    def restore(self, model: keras.Model) -> None:
        """Put a model where the newest whole checkpoint was, if there is one of it."""
        kept = self._checkpoints.newest()
        if kept is None:
            return
        variables = _variables(model)
        if [one.shape for one in kept.variables] != [tuple(one.shape) for one in variables]:
            say("teach: its checkpoint is of another model; begun anew")
            self._checkpoints.remove()
            return
        for variable, value in zip(variables, kept.variables, strict=True):
            variable.assign(value)
        self.epochs = list(kept.state.epochs)
        self._best, self._best_value = kept.best, kept.state.best_value

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep an epoch."""
        self.epochs.append({name: float(value) for name, value in (logs or {}).items()})
        value = self.epochs[-1][self._figure]
        if self._best_value is None or self._is_better(value, self._best_value):
            self._best, self._best_value = self.model.get_weights(), value
        state = TrainingState(
            epoch=epoch + 1, epochs=tuple(self.epochs), best_value=self._best_value
        )
        variables = [variable.numpy() for variable in _variables(self.model)]
        self._checkpoints.save(Checkpoint(state, variables, self._best))
        if self.is_over:
            self.model.stop_training = True

    def end(self, model: keras.Model) -> None:
        """Give a model the best epoch's weights."""
        if self._best:
            model.set_weights(self._best)

    def _is_better(self, value: float, best: float) -> bool:
        """Return whether a figure beats the best; as long as all are 0, the last does."""
        unlearned = self._sign > 0 and value == best == 0.0
        return unlearned or self._sign * value > self._sign * best

    def _since_best(self) -> int:
        """Return how many epochs were no better than the best.

        Where larger is better those of 0 do not count: nothing is learned yet that the figure sees,
        as the spans of a tagger at first. A fit that falls back to 0 for good has all its epochs.
        """
        values = [self._sign * epoch[self._figure] for epoch in self.epochs]
        after = values[values.index(max(values)) + 1 :] if values else []
        return len([value for value in after if value != 0.0 or self._sign < 0])


def _variables(model: keras.Model) -> list[Any]:
    """Return those of a model and of its optimizer, random generators among them."""
    return [*model.variables, *model.optimizer.variables]

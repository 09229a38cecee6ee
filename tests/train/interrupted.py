"""Trainings that end by an exception from within, for tests of how they go on."""

import signal

from stages.train import callbacks


class Stop(Exception):
    """Ends a training."""


def interrupted_at(step, monkeypatch):
    """Let the training end by an exception after so many steps of its own."""
    real, seen = callbacks.StopOnNonFiniteLoss.on_train_batch_end, []

    def stop(self, batch, logs=None):
        real(self, batch, logs)
        seen.append(batch)
        if len(seen) == step:
            raise Stop

    monkeypatch.setattr(callbacks.StopOnNonFiniteLoss, "on_train_batch_end", stop)


def heard_at(step, monkeypatch):
    """Let Ctrl-C come, twice in a row, within a step of the training's own."""
    real, seen = callbacks.StopOnNonFiniteLoss.on_train_batch_begin, []

    def press(self, batch, logs=None):
        real(self, batch, logs)
        seen.append(batch)
        if len(seen) == step:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(callbacks.StopOnNonFiniteLoss, "on_train_batch_begin", press)

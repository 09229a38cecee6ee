"""Progress of long steps: bars on a terminal, plain lines elsewhere; always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_PLAIN_EVERY_SECONDS = 10.0

Advance = Callable[[int, str], None]


def say(message: str) -> None:
    """Print one line about the run on stderr."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def task(name: str, *, total: int, unit: str) -> Iterator[Advance]:
    """Yield `advance(done, note)`, which shows that `done` of `total` units are done.

    Args:
      name: what is being done.
      total: units in all; > 0.
      unit: plural noun.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        yield from _bar(console, name, total, unit)
    else:
        yield from _lines(name, total, unit)


def _bar(console: Console, name: str, total: int, unit: str) -> Iterator[Advance]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    last = TextColumn("{task.fields[note]}")
    with Progress(*columns, TextColumn(unit), TimeElapsedColumn(), last, console=console) as bar:
        row = bar.add_task(name, total=total, note="")

        def advance(done: int, note: str = "") -> None:
            bar.update(row, completed=done, note=note)

        yield advance


def _lines(name: str, total: int, unit: str) -> Iterator[Advance]:
    start = shown = time.monotonic()
    say(f"{name}: 0/{total} {unit}")

    complete = False

    def advance(done: int, note: str = "") -> None:
        nonlocal shown, complete
        now = time.monotonic()
        ended = done >= total and not complete
        if ended or (not complete and now - shown > _PLAIN_EVERY_SECONDS):
            shown, complete = now, ended
            say(f"{name}: {done}/{total} {unit} {now - start:.0f} s {note}".rstrip())

    yield advance


class EpochProgress:
    """Progress of a Keras `fit`: steps over all epochs, with the last epoch's figures."""

    def __init__(self, name: str, *, epochs: int, steps: int) -> None:
        self._steps = steps
        self._task = task(name, total=epochs * steps, unit="steps")
        self._advance: Advance = lambda done, note: None
        self._note = ""

    def __enter__(self) -> EpochProgress:
        self._advance = self._task.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._task.__exit__(None, None, None)

    def callback(self, first_step: int = 0) -> object:
        """Return the Keras callback that moves the bar; Keras is imported here.

        Args:
          first_step: of the epoch that a call of `fit` begins in.
        """
        import keras

        epoch_now = 0

        def begin(epoch: int, logs: object) -> None:
            nonlocal epoch_now
            epoch_now = epoch

        def batch(step: int, logs: object) -> None:
            if first_step + step + 1 < self._steps:  # the last one of an epoch has its figures
                self._advance(epoch_now * self._steps + first_step + step + 1, self._note)

        def end(epoch: int, logs: dict[str, float]) -> None:
            figures = (f"{key} {value:.3f}" for key, value in logs.items() if "val_" in key)
            self._note = f"(epoch {epoch + 1}: {', '.join(figures)})"
            self._advance((epoch + 1) * self._steps, self._note)

        return keras.callbacks.LambdaCallback(
            on_epoch_begin=begin, on_train_batch_end=batch, on_epoch_end=end
        )

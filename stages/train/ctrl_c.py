"""Ctrl-C within a training: put off to the end of the step, so that no step is lost."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

_AGAIN_SECONDS = 1.0  # a second Ctrl-C that comes sooner is the same one


class CtrlC:
    """Hears Ctrl-C while a training has steps that are not saved.

    One that comes before the first step, or again later, ends the training at once. Outside the
    main thread, and where SIGINT has no handler of Python's, nothing is put off.

    Attributes:
      is_due: whether Ctrl-C came and the training has yet to end.
    """

    def __init__(self) -> None:
        self.is_due = False
        self._stepped = False
        self._heard: float | None = None
        self._before: Callable[[int, FrameType | None], object] | None = None

    def __enter__(self) -> CtrlC:
        before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(before):
            self._before, self._stepped = before, False
            signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if error[0] is None:
            self.end_if_due()

    def stepped(self) -> None:
        """Note that there is a step that would be lost."""
        self._stepped = True

    def end_if_due(self) -> None:
        """End the training where Ctrl-C came, now that all is saved.

        Raises:
          KeyboardInterrupt: it came.
        """
        if self.is_due:
            self.is_due = False
            if self._before is not None:
                self._before(signal.SIGINT, None)
            raise KeyboardInterrupt

    def _hear(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._stepped and self._heard is None:
            self.is_due, self._heard = True, now
        elif self._before and (self._heard is None or now - self._heard > _AGAIN_SECONDS):
            self._before(number, frame)

"""A new interpreter for some work, in a process that Ctrl-C ends through the launcher alone."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context


@contextmanager
def own_process() -> Iterator[ProcessPoolExecutor]:
    """Yield a process that takes one piece of work at a time, and ends with the block.

    A terminal's Ctrl-C goes to every process that it started, and a new one would say so in a
    traceback; this one is deaf to it, and is ended where the launcher hears it.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        with _deaf():
            process.submit(int)  # which starts it
        try:
            yield process
        except KeyboardInterrupt:
            for child in active_children():
                child.kill()
            raise


@contextmanager
def _deaf() -> Iterator[None]:
    """Let what is started meanwhile not hear SIGINT."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

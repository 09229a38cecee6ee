"""How a command ends that does not end well: one line, and an exit code."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from schemas.errors import PipelineError, UserCodeError, one_line
from stages.machine.tracebacks import (
    is_own_statement,
    keep_traceback,
    own_place,
    raised_at,
    said,
    text_of,
)

INTERRUPTED = 130  # what a shell says of a process that SIGINT ended
_AGAIN_SECONDS = 2.0  # another Ctrl-C that comes sooner is the same one

_KEPT = {
    "run": "what is finished is kept, to the last shard and checkpoint",
    "teach": "epochs that are finished are kept",
    "label": "shards that are finished are kept, and nothing half-made is visible",
    "combine": "nothing became visible",
    "train": "students that are trained are kept, and the checkpoint of the one at work",
    "adjust": "trials that are done are kept",
    "evaluate": "nothing half-made is visible, and a report from before is kept as it was",
    "export": "exports that are finished are kept",
    "vacuum": "files that were removed are gone",
}
_ONLY_READ = ("plan", "inspect", "verify", "history", "vacuum")
_GOES_ON = ("run", "teach", "label", "train", "adjust", "vacuum")  # where it was


def ended(error: BaseException, *, command: str, given: Mapping[str, Any]) -> int:
    """Say the one line of `ending` on stderr, and return the exit code.

    Raises:
      BrokenPipeError: that is what ended it: nobody reads on, and nothing is to be said.
    """
    if isinstance(error, BrokenPipeError):
        raise error
    from stages.machine.progress import say  # which takes its time to import

    line, code = ending(error, command=command, given=given)
    say(line)
    if code == INTERRUPTED:
        _hear_from_now_on(_end_at_once(time.monotonic()))
    return code


@contextmanager
def one_ctrl_c() -> Iterator[None]:
    """Hear several Ctrl-C in a row as one, or else each raises where the one before is handled.

    Nothing is changed outside the main thread, or where SIGINT has another handler than Python's.
    """
    usual = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or (
        signal.getsignal(signal.SIGINT) is not usual
    ):
        yield
        return
    heard: list[float] = []

    def hear(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not heard or now - heard[-1] > _AGAIN_SECONDS:
            heard.append(now)
            usual(number, frame)

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is hear:
            signal.signal(signal.SIGINT, usual)


def ending(error: BaseException, *, command: str, given: Mapping[str, Any]) -> tuple[str, int]:
    """Return the one line that is said of what ended a command, and the exit code.

    The traceback of what no part of softshards states, and of a user's own code, is kept in a file
    that the line names: under `errors/` in the folder that the command writes into, or among the
    temporary files.

    Args:
      error: what it raised.
      command: its name.
      given: its arguments.
    """
    if interrupted(error):
        _hear_from_now_on(signal.SIG_IGN)  # until the line is said
        kept = _KEPT.get(command, "nothing was changed")
        again = "goes on from there" if command in _GOES_ON else "begins again"
        return f"interrupted: {command}: {kept}. The same command {again}.", INTERRUPTED
    if not isinstance(error, PipelineError):
        code, line = 1, _unexpected(error)
    else:
        code, line = error.exit_code, one_line(str(error))
        if not isinstance(error, UserCodeError) and not hasattr(error, "__notes__"):
            return f"error: {line}", code
    file = keep_traceback(error, folder=_folder(command, given))
    where = "could not be written anywhere" if file is None else f"is in {file}"
    return f"error: {line} The traceback {where}.", code


def interrupted(error: BaseException) -> bool:
    """Return whether an exception is Ctrl-C, or came of it: Beam makes another one of it.

    What a user's own code raises of that name is none.
    """
    found = [one for one in _chain(error) if isinstance(one, KeyboardInterrupt)]
    return any(not is_own_statement(one) for one in found)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    met: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and not any(one is other for other in met):
            met.append(one)
            waiting += [one.__cause__, one.__context__]
    yield from met


def _unexpected(error: BaseException) -> str:
    text = text_of(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and "Traceback (most recent call last)" in text:
        what = f"{type(error).__name__}: {lines[-1].split(' [while running')[0]}"  # of a worker
    else:
        what = said(error)
    if place := own_place(error):
        return f"your own code raised: {place}: {what}. Mend it."
    return (
        f"unexpected failure: {what}, at {raised_at(error)}. What was finished is kept. It is a "
        "defect of softshards or of a library."
    )


def _folder(command: str, given: Mapping[str, Any]) -> Path | None:
    return None if command in _ONLY_READ else given.get("out") or given.get("labels")


def _end_at_once(said: float) -> Callable[[int, FrameType | None], None]:
    """Return what lets another Ctrl-C end the process, while threads come to their end."""

    def hear(number: int, frame: FrameType | None) -> None:
        if time.monotonic() - said > _AGAIN_SECONDS:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    return hear


def _hear_from_now_on(handler: signal.Handlers | Callable[[int, FrameType | None], None]) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)

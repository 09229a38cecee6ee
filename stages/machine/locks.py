"""Locks between processes: the operating system's, so that they end with whoever holds them.

A lock is a file that is held, not one that is there: it stays, and nobody needs to remove it. What
a holder forks or starts does not keep it. Where a file system has no such locks that is said, and
the work goes on without.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

from schemas.errors import BusyError, StorageError
from stages.machine.progress import say

_HOLDER_SECONDS = 1.0  # within which a new holder has written who it is
_OPEN: set[int] = set()
_HELD: set[Path] = set()


@contextlib.contextmanager
def lock(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold a file; yield whether it is held.

    Args:
      path: of the file, which is made and left empty.
      wait: until nobody else holds it; or else yield False at once where somebody does.

    Raises:
      StorageError: the folder of the lock cannot be made.
    """
    make_folder(path.parent)
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        except OSError as error:
            _say_there_is_none(path, error)
        yield True


@contextlib.contextmanager
def alone(path: Path, *, folder: Path, wait: bool = False) -> Iterator[None]:
    """Be the one process that works on a folder; a part of the work may ask for it again.

    Args:
      path: of the lock's file, which says who holds it.
      folder: for messages.
      wait: for another process that works on it, where that is no error.

    Raises:
      BusyError: another process is at work there.
      StorageError: the folder of the lock cannot be made, or a link of its path leads to itself.
    """
    place = _resolved(path)
    if place in _HELD:
        yield
        return
    make_folder(path.parent)
    with contextlib.ExitStack() as held:
        try:
            file = held.enter_context(_opened(path))
            _take(file, path, folder, wait=wait)
        except OSError as error:
            _say_there_is_none(path, error)
            yield
            return
        _say_who(file, json.dumps(_this_process()))
        _HELD.add(place)
        held.callback(_let_go, file, place)
        yield


def _say_there_is_none(path: Path, error: OSError) -> None:
    say(f"no lock can be held: {path}: {error.strerror}; nobody else may write there meanwhile")


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:  # Python says RuntimeError of links in a circle
        raise StorageError(
            f"lock cannot be held: {path}: found a link that leads to itself, expected a file. "
            "Remove it, and run again."
        ) from error


def make_folder(folder: Path) -> None:
    """Make a folder, if it is not there.

    Raises:
      StorageError: it cannot be made, as where a file is in its place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"folder cannot be made: {folder}: {error.strerror}. Name another, or mend permissions."
        ) from error


def _take(file: int, path: Path, folder: Path, *, wait: bool) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who, remedy = _holder(path)
        if not wait:
            raise BusyError(
                f"folder is in use: {folder}: {who}, expected nobody. Wait for its end, or end it"
                f"{remedy}."
            ) from None
        say(f"waiting for {folder}: {who}")
        fcntl.flock(file, fcntl.LOCK_EX)


def _this_process() -> dict[str, str | int]:
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"host": socket.gethostname(), "process": os.getpid(), "since": since}


def _let_go(file: int, place: Path) -> None:
    if file in _OPEN:  # not in a fork that leaves this block too
        _HELD.discard(place)
        _say_who(file, "")


def _say_who(file: int, text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk, or another user's file
        os.ftruncate(file, 0)
        os.pwrite(file, text.encode(), 0)


def _holder(path: Path) -> tuple[str, str]:
    """Return who holds a lock and since when, and how to end that."""
    end = time.monotonic() + _HOLDER_SECONDS
    while True:
        try:
            said = json.loads(path.read_bytes())
            host, process = str(said["host"]), int(said["process"])
            who = f"process {process} on {host} is at work there since {said['since']}"
        except (OSError, ValueError, KeyError, TypeError):  # it has not written it yet
            if time.monotonic() > end:
                return "a process that does not say which is at work there", ""
            time.sleep(0.05)
            continue
        where = "" if host == socket.gethostname() else f" on {host}"
        return who, f": kill {process}{where}"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Yield a file that no process which is started or forked meanwhile keeps open."""
    _close_in_forks()
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    _OPEN.add(file)
    try:
        yield file
    finally:
        if file in _OPEN:
            _OPEN.discard(file)
            os.close(file)


@cache
def _close_in_forks() -> None:
    os.register_at_fork(after_in_child=_forget)


def _forget() -> None:
    for file in _OPEN:
        os.close(file)
    _OPEN.clear()
    _HELD.clear()

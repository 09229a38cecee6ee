"""Files that are whole or absent: written beside their place, synced, then renamed.

What a process that was killed meanwhile leaves has a name that says whose it is: `remove_strays`
removes what is nobody's any more.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from schemas.errors import StorageError
from schemas.provenance import digest_bytes
from stages.machine.progress import say

_OWNED = re.compile(r"^\..*\.([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{8}\.part$")
_OF_BEFORE = re.compile(r"^\..*\.[0-9a-f]{32}\.part(\.\w+)?$")  # of releases that named no owner
_ABANDONED_SECONDS = 24 * 3600.0
_UNKNOWN_START = "0"
_START_FIELD = 19  # of /proc/<process>/stat, after the name in brackets


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path of the same name; on a clean exit it becomes `path`, else it is gone.

    It is in a folder of its own beside `path`, so that what a library writes beside it is never
    left behind either. A reader sees the old file or the new one, never a part. Two writers at
    once: the last wins.

    Raises:
      StorageError: it cannot be written.
    """
    part = path.with_name(own_name(path.name))
    with _stated(path):
        try:
            part.mkdir(parents=True)
            yield part / path.name
            _put(part / path.name, path)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Write bytes to a file that is whole or absent.

    Raises:
      StorageError: it cannot be written.
    """
    part = path.with_name(own_name(path.name))
    with _stated(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            _put(part, path)
        finally:
            part.unlink(missing_ok=True)


def append(path: Path, data: bytes) -> None:
    """Add bytes to the end of a file, at once; not synced, they outlive the process alone.

    Raises:
      StorageError: it cannot be written.
    """
    with _stated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as stream:
            if stream.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def own_folder(place: Path, name: str) -> Iterator[Path]:
    """Yield a new folder in a place, which is gone in the end.

    Raises:
      StorageError: it cannot be made, or written to.
    """
    folder = place / own_name(name)
    with _stated(folder):
        try:
            folder.mkdir(parents=True)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def own_name(name: str) -> str:
    """Return a new name for what is not whole yet, which says that this process makes it."""
    process = os.getpid()
    started = _started(process) or _UNKNOWN_START
    return f".{name}.{_machine()}-{process}-{started}-{uuid.uuid4().hex[:8]}.part"


def remove_strays(*folders: Path) -> None:
    """Remove from folders, and from those within, what processes left that ended while they wrote.

    What a live process of this machine is at, or another machine's touched within a day, stays.
    """
    for folder in folders:
        for place, names, files in os.walk(folder):
            found = [Path(place, name) for name in (*names, *files) if _is_nobodys(name, place)]
            names[:] = [name for name in names if not name.endswith(".part")]
            for stray in found:
                _remove(stray)


def _put(part: Path, path: Path) -> None:
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(path)


@contextmanager
def _stated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = "Remove that folder" if path.is_dir() else "Make room or mend permissions"
        raise StorageError(
            f"file cannot be written: {path}: {error.strerror or error}. What was there before is "
            f"kept. {remedy}, and run again."
        ) from error


def _is_nobodys(name: str, place: str) -> bool:
    owned = _OWNED.match(name)
    if owned is not None and owned[1] == _machine():
        return not _lives(int(owned[2]), since=owned[3])
    if owned is None and _OF_BEFORE.match(name) is None:
        return False
    return _touched(Path(place, name)) < time.time() - _ABANDONED_SECONDS


def _touched(path: Path) -> float:
    """Return when a file, or the newest within a folder, was written."""
    try:
        return max(one.stat().st_mtime for one in (path, *path.rglob("*")))
    except OSError:  # it is in its place now
        return time.time()


def _remove(stray: Path) -> None:
    say(f"removed what an ended process left: {stray}")
    if stray.is_dir():
        shutil.rmtree(stray, ignore_errors=True)
    else:
        with suppress(OSError):
            stray.unlink(missing_ok=True)


@cache
def _machine() -> str:
    """Return what tells machines apart, their restarts, and containers that number their own."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return digest_bytes("\0".join(parts).encode())[:8]


def _lives(process: int, *, since: str) -> bool:
    """Return whether a process of this machine that began at some time has not ended."""
    if started := _started(process):
        return started == since
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return since == _UNKNOWN_START


def _started(process: int) -> str:
    """Return when a process of this machine began, in ticks; nothing where that is not known."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[-1].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[_START_FIELD]

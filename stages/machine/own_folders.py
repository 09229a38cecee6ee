"""Folders that one process works on at a time, and what ended processes left there.

Locks are taken where work begins, so that a second process says at once who is at work. Readers
need none: what they read is whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from stages.machine.atomic import remove_strays
from stages.machine.cluster import cluster_workers
from stages.machine.locks import alone

_LOCK = "_lock"
_RUN_LOCK = "run.lock"
_WRITTEN_OF_TABLE = ("_staging", "_quarantine", "_artefacts")


@contextmanager
def table_alone(labels: Path) -> Iterator[None]:
    """Be the one process that writes a table; its lock is in the table's folder.

    Several workers of a cluster do so one after the other: the first labels, and the others find it
    done.

    Raises:
      BusyError: another process writes it.
      StorageError: the folder cannot be made.
    """
    with alone(labels / _LOCK, folder=labels, wait=cluster_workers() > 0):
        remove_strays(*(labels / name for name in _WRITTEN_OF_TABLE))
        yield


@contextmanager
def folder_alone(folder: Path) -> Iterator[None]:
    """Be the one process that writes a folder whose files count, so that its lock is beside it.

    Raises:
      BusyError: another process writes it.
      StorageError: the folder of the lock cannot be made.
    """
    with alone(folder.with_name(f"{folder.name}.lock"), folder=folder):
        remove_strays(folder)
        yield


def run_alone(out: Path) -> AbstractContextManager[None]:
    """Be the one `run` of a folder; the workers of a cluster are one together.

    Raises:
      BusyError: another one is at work there.
      StorageError: the folder cannot be made.
    """
    return nullcontext() if cluster_workers() else alone(out / _RUN_LOCK, folder=out)

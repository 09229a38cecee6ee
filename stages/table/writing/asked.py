"""Inputs put to a teacher, noted before each call, so that no end of a process loses them.

Each process appends to a file of its own, one line a call: how many inputs it is of. A call that a
killed process had noted and not begun counts as made.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stages.machine.atomic import append

Note = Callable[[int], object]


def unnoted(inputs: int) -> None:
    """Note nothing: for calls that are in no card."""
    del inputs


@dataclass(frozen=True)
class Asked:
    """The notes of all attempts at one plan, in a folder; threads and processes may add to them."""

    folder: Path

    def note(self, inputs: int) -> None:
        """Note a call of so many inputs, before it is made.

        Raises:
          StorageError: it cannot be written.
        """
        append(self.folder / _name(os.getpid()), f"{inputs}\n".encode())

    def total(self) -> int:
        """Return the inputs of all calls."""
        return sum(sum(map(int, path.read_bytes().split())) for path in self.folder.glob("*"))

    def at_least(self, calls: int) -> None:
        """Note what a release that kept no notes has counted, where that is more."""
        if (missing := calls - self.total()) > 0:
            self.note(missing)


@cache
def _name(process: int) -> str:
    """Return a name that no other process has, on whatever machine, nor one forked from it."""
    return f"{process}-{uuid.uuid4().hex}"

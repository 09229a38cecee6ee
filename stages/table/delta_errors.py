"""What delta-rs raises, and how it is said in one line."""

from __future__ import annotations

import re

from deltalake.exceptions import DeltaError

from schemas.errors import DamagedTableError
from stages.table.shard import MAKE_AGAIN

DELTA_ERRORS = (DeltaError, OSError, ValueError, TypeError, KeyError)  # at a damaged log
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_FRAMES = re.compile(r" 0: (<unknown>|\S+::\S+|\w+ at ).*")  # places in its own code
_LONGEST = 300


def one_line(error: Exception) -> str:
    r"""Return delta-rs's message without its colours, line breaks and frames of its stack.

    >>> one_line(OSError("Json error: no object\n   0: <unknown>\n   1: <unknown>"))
    'Json error: no object'
    """
    text = " ".join(_COLOURS.sub("", str(error)).split()) or type(error).__name__
    return _FRAMES.sub("", text)[:_LONGEST].rstrip(". ")


def damaged_log(path: object, said: str) -> DamagedTableError:
    """Return what to raise of a table whose log cannot be believed."""
    return DamagedTableError(
        f"table's log is damaged: {path}: {said}. Restore its _delta_log, or {MAKE_AGAIN}"
    )

"""Lists that are too long for a line: their first, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence

_MOST = 12


def first_few(names: Sequence[object], *, most: int = _MOST) -> str:
    """Return the first names of a list, and how many more there are.

    >>> first_few(["a", "b", "c"]), first_few(["a", "b", "c"], most=1), first_few([])
    ('a, b, c', 'a and 2 more', '')
    """
    shown = ", ".join(map(str, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"

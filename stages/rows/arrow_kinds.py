"""Kinds of Arrow type that a corpus may have its texts and lists in."""

from __future__ import annotations

import pyarrow as pa

_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def is_text(kind: pa.DataType) -> bool:
    """Return whether values are strings or bytes."""
    return any(test(kind) for test in _TEXTS)


def is_list(kind: pa.DataType) -> bool:
    """Return whether values are lists."""
    return any(test(kind) for test in _LISTS)


def is_number(kind: pa.DataType) -> bool:
    """Return whether values are whole or floating numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))

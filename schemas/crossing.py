"""Inputs that are in several splits, and what is done about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from schemas.counted import counted

Crossing = Literal["keep", "drop", "error"]


def crossing_text(inputs: int, splits: Mapping[str, int], *, left_out: int) -> str:
    """Return in words how many inputs are in several splits, and what became of their rows.

    Args:
      inputs: how many.
      splits: by the splits that they are in, such as `train, test`; empty where that is not known.
      left_out: rows of them that were left out.

    >>> crossing_text(3, {"train, test": 2, "validation, test": 1}, left_out=0)
    '3 inputs are in several splits (2 in train, test; 1 in validation, test)'
    """
    each = "; ".join(f"{count} in {names}" for names, count in splits.items())
    said = counted(inputs, "input is in several splits", "inputs are in several splits")
    text = said + (f" ({each})" if each else "")
    kept = f"; {left_out} of their rows are left out: each stays in test, else in validation, only"
    return text + (kept if left_out else "")

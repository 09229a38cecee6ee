"""What an augmenter is given: words, numbers to draw, and what is around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Words = list[str]
Draw = Callable[[], float]  # uniform in [0, 1)


@dataclass(frozen=True)
class Around:
    """What an augmenter may draw on.

    Attributes:
      rate: share of words that are touched.
      token: what `mask` writes.
      other: gives the words of another example of the train split.
    """

    rate: float
    token: str
    other: Callable[[], Words]


def pick(draw: Draw, count: int) -> int:
    """Return an integer in [0, count)."""
    return int(draw() * count)

"""Neighbours swapped: the same words in another order."""

from __future__ import annotations

from stages.views.augmenters.around import Around, Draw, Words, pick

DECLARES = {"place": 2}


def augment(words: Words, draw: Draw, around: Around) -> Words:
    """Swap neighbours, `rate` · words times and at least once."""
    found = list(words)
    for _ in range(max(1, round(around.rate * len(words))) if len(words) > 1 else 0):
        place = pick(draw, len(words) - 1)
        found[place], found[place + 1] = found[place + 1], found[place]
    return found

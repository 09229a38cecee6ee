"""Words of other texts in the place of some."""

from __future__ import annotations

from stages.views.augmenters.around import Around, Draw, Words, pick

DECLARES = {"place": 5, "looks_around": True}


def augment(words: Words, draw: Draw, around: Around) -> Words:
    """Write a word of another example in place of each with probability `rate`."""
    found = []
    for word in words:
        if draw() < around.rate:
            other = around.other()
            word = other[pick(draw, len(other))]
        found.append(word)
    return found

"""Words left out: a text of which less is there."""

from __future__ import annotations

from stages.views.augmenters.around import Around, Draw, Words, pick

DECLARES = {"place": 1}


def augment(words: Words, draw: Draw, around: Around) -> Words:
    """Leave each word out with probability `rate`; one word at least stays."""
    kept = [word for word in words if draw() >= around.rate]
    return kept or [words[pick(draw, len(words))]]

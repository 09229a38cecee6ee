"""Words that a `token` stands for."""

from __future__ import annotations

from stages.views.augmenters.around import Around, Draw, Words

DECLARES = {"place": 3}


def augment(words: Words, draw: Draw, around: Around) -> Words:
    """Write `token` in place of each word with probability `rate`."""
    return [around.token if draw() < around.rate else word for word in words]

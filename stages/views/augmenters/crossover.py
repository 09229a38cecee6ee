"""Heads of texts with the tails of others: both sides in one."""

from __future__ import annotations

from stages.views.augmenters.around import Around, Draw, Words, pick

DECLARES = {"place": 4, "looks_around": True}


def augment(words: Words, draw: Draw, around: Around) -> Words:
    """Join the head of this example to the tail of another, both cut at random."""
    other = around.other()
    head = words[: 1 + pick(draw, len(words))]
    return head + other[pick(draw, len(other)) :]

"""Typing errors: characters left out, as hurried people leave them out.

Reference:
  Belinkov, Bisk. Synthetic and Natural Noise Both Break Neural Machine Translation. 2018.
"""

from __future__ import annotations

from stages.views.augmenters.around import Around, Draw, Words, pick

DECLARES = {"looks_around": False}


def augment(words: Words, draw: Draw, around: Around) -> Words:
    """Leave one character out of each word of two or more with probability `rate`.

    >>> augment(["a", "word"], lambda: 0.5, Around(rate=0.6, token="", other=list))
    ['a', 'wod']
    """
    return [_short(word, draw) if draw() < around.rate else word for word in words]


def _short(word: str, draw: Draw) -> str:
    place = pick(draw, len(word))
    return word[:place] + word[place + 1 :] or word

"""How many of something there are, in words."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count and its noun.

    Args:
      count: how many.
      noun: of one; of a phrase its first word is the noun.
      plural: of several, where that is not the noun with an s [first word + `s`].

    >>> counted(1, "input"), counted(0, "row of the corpus"), counted(1234, "class", "classes")
    ('1 input', '0 rows of the corpus', '1234 classes')
    """
    if count == 1:
        return f"{count} {noun}"
    first, *rest = noun.split(" ", 1)
    return f"{count} {plural or ' '.join([first + 's', *rest])}"

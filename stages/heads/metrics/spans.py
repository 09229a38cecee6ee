"""Spans of tagged words: what a row of tags means, whether it is whole, and how many are right.

A tag is `O`, or a prefix, a hyphen and a type: `B-PER`. The schemes differ in their prefixes: IOB1
has B only between spans of one type, IOB2 at every start, IOES marks ends (E) and spans of one word
(S) too, which BILOU calls L and U. What a row of tags means is the same for all of them.

Reference:
  Tjong Kim Sang, De Meulder. Introduction to the CoNLL-2003 Shared Task. 2003.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.spans import SpanScores, TagScheme, TypeScores

Numbers = npt.NDArray[np.int64]
OUTSIDE = "O"
_PREFIXES = "OBIES"
_OF_BILOU = {"L": "E", "U": "S"}


class TagSet:
    """The classes of a head as tags.

    Attributes:
      types: names of the types of span, in order of the classes.
      outside: number of the class `O`, or -1 where there is none.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        parts = [split_tag(name) for name in classes]
        self.types = tuple(dict.fromkeys(kind for _, kind in parts if kind))
        self.outside = list(classes).index(OUTSIDE) if OUTSIDE in classes else -1
        # the last entry is of number -1, no tag at all
        self._prefix = np.array([*(_PREFIXES.index(prefix) for prefix, _ in parts), 0])
        kinds = [self.types.index(kind) if kind else -1 for _, kind in parts]
        self._type = np.array([*kinds, -1])

    def spans(self, tags: Numbers, row_of_line: Numbers) -> Numbers:
        """Return int64 [spans, 3]: first line, last line and type of each, in order.

        A span begins at every tag but `O` that does not go on the span before it: an I or E after a
        B or I of its type does.

        Args:
          tags: int64 [lines], class numbers; -1 counts as `O`.
          row_of_line: int64 [lines], ascending; spans never reach from one row to the next.
        """
        prefix, kind = self._prefix[tags], self._type[tags]
        inside = kind >= 0
        goes_on = np.zeros(len(tags), np.bool_)
        goes_on[1:] = (
            np.isin(prefix[1:], [2, 3])
            & np.isin(prefix[:-1], [1, 2])
            & (kind[1:] == kind[:-1])
            & inside[1:]
            & (row_of_line[1:] == row_of_line[:-1])
        )
        starts = np.flatnonzero(inside & ~goes_on)
        stops = np.flatnonzero(inside & ~np.r_[goes_on[1:], False]) if len(tags) else starts
        return np.column_stack([starts, stops, kind[starts]]).astype(np.int64)


def split_tag(tag: str) -> tuple[str, str]:
    """Return a tag's prefix and type; a class that is no tag is a type of its own, of prefix I.

    >>> split_tag("B-PER"), split_tag("O"), split_tag("NOUN"), split_tag("U-PER")
    (('B', 'PER'), ('O', ''), ('I', 'NOUN'), ('S', 'PER'))
    """
    if tag == OUTSIDE:
        return OUTSIDE, ""
    prefix, hyphen, kind = tag.partition("-")
    prefix = _OF_BILOU.get(prefix, prefix)
    if hyphen and prefix in _PREFIXES and prefix != OUTSIDE:
        return prefix, kind
    return "I", tag


def span_scores(
    classes: Sequence[str], labels: Numbers, predicted: Numbers, row_of_line: Numbers
) -> SpanScores:
    """Return how many spans are right.

    Args:
      classes: of the head.
      labels: int64 [lines], hard labels; a line of -1 has none, and counts as `O` on both sides.
      predicted: int64 [lines]; -1 where nothing was said.
      row_of_line: int64 [lines], ascending.
    """
    tags = TagSet(classes)
    true = tags.spans(labels, row_of_line)
    found = tags.spans(np.where(labels < 0, -1, predicted), row_of_line)
    right = found[_among(found, true, lines=len(labels))]
    counts = [np.bincount(one[:, 2], minlength=len(tags.types)) for one in (true, found, right)]
    return SpanScores(
        support=len(true),
        predicted=len(found),
        **_ratios(len(true), len(found), len(right)),
        types=tuple(
            TypeScores(name=name, support=int(a), **_ratios(int(a), int(b), int(c)))
            for name, a, b, c in zip(tags.types, *counts, strict=True)
        ),
    )


def broken_at(tags: Sequence[str], scheme: TagScheme) -> int | None:
    """Return the first place at which a row of tags does not hold, or None.

    >>> broken_at(["O", "I-PER"], "iob2"), broken_at(["O", "I-PER"], "iob1")
    (1, None)
    >>> broken_at(["B-PER", "E-PER"], "ioes"), broken_at(["B-PER", "O"], "ioes")
    (None, 1)
    """
    parts = [split_tag(tag) for tag in [*tags, OUTSIDE]]
    before = (OUTSIDE, "")
    for place, one in enumerate(parts):
        if not may_follow(before, one, scheme):
            return place
        before = one
    return None


def may_follow(before: tuple[str, str], one: tuple[str, str], scheme: TagScheme) -> bool:
    """Return whether a tag, as prefix and type, may come after another."""
    prefix, kind = one
    open_before = before[0] in "BI"
    same = open_before and before[1] == kind
    if scheme == "iob1":
        return prefix in "OI" or (prefix == "B" and same)
    if scheme == "iob2":
        return prefix in "OB" or (prefix == "I" and same)
    return same if prefix in "IE" else not open_before


def _among(found: Numbers, true: Numbers, *, lines: int) -> npt.NDArray[np.bool_]:
    factors = np.array([(lines + 1) ** 2, lines + 1, 1], np.int64)
    return np.isin(found @ factors, true @ factors)


def _ratios(support: int, predicted: int, right: int) -> dict[str, float]:
    total = support + predicted
    return {
        "precision": right / predicted if predicted else 0.0,
        "recall": right / support if support else 0.0,
        "f1": 2 * right / total if total else 0.0,
    }

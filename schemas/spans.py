"""Spans of tagged words, counted as the CoNLL script does."""

from __future__ import annotations

from typing import Literal

from schemas.measured import Measured

TagScheme = Literal["iob1", "iob2", "ioes"]


class TypeScores(Measured):
    """One type of span; what is undefined for it counts 0."""

    name: str
    support: int
    precision: float
    recall: float
    f1: float


class SpanScores(Measured):
    """Spans found, over all types together; one is right where start, end and type are.

    Attributes:
      support: spans of the hard labels.
      predicted: spans that were found.
    """

    support: int
    predicted: int
    precision: float
    recall: float
    f1: float
    types: tuple[TypeScores, ...]

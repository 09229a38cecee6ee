"""Cells between commas, under a header."""

from __future__ import annotations

from collections.abc import Iterator

from stages.corpus.formats.delimited import read_delimited
from stages.corpus.formats.units import RawRows, TextFormat, Unit
from stages.rows.intake import Intake

DECLARES = {"place": 3}


def read(unit: Unit, text: TextFormat, intake: Intake) -> Iterator[RawRows]:
    """Yield batches of a file; every column is read as bytes."""
    return read_delimited(unit, text, intake, delimiter=",")

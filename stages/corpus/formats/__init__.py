"""Corpus formats: a module each, from a unit of a file to its rows as they are.

Imports `rows` and `inputs`. To add one: a module with `read` and `DECLARES`, which says which
option it `needs`, whether it has `numbers`, and, where words are cut here, what `words` they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from schemas.corpus_section import FORMATS_FOLDER
from schemas.declared import declared
from stages.corpus.formats.units import RawRows, TextFormat, Unit
from stages.rows.intake import Intake

Reader = Callable[[Unit, TextFormat, Intake], Iterator[RawRows]]


def find_reader(format: str) -> Reader:
    """Return what reads a unit of a format."""
    found: Reader = import_module(f"{__name__}.{format}").read
    return found


def cuts_words(format: str) -> bool:
    """Return whether the words of a format are cut here, and not in its files."""
    return "words" in declared(FORMATS_FOLDER)[format]


def units_of(
    path: str, source: str, *, format: str, origin: int = 0, split: str | None = None
) -> list[Unit]:
    """Return the units of one corpus file.

    Raises:
      CorpusError: it has row groups that cannot be read.
    """
    if not declared(FORMATS_FOLDER)[format].get("row_groups"):
        return [Unit(path, source, origin=origin, split=split)]
    units, first_row = [], 1
    sizes = import_module(f"{__name__}.{format}").row_groups(path, source)
    for group, rows in enumerate(sizes):
        units.append(Unit(path, source, group, first_row, origin, split))
        first_row += rows
    return units

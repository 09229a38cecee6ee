"""CoNLL column format: a word a line, its columns at tabs or white space, blank lines between."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from stages.corpus.formats.text_lines import is_text, line_batches
from stages.corpus.formats.units import ROWS_PER_BATCH, RawRows, TextFormat, Unit
from stages.rows.intake import Intake

DECLARES = {"place": 6, "needs": "conll_columns"}
_DOCUMENT = "-DOCSTART-"
Line = tuple[int, str]


def read(unit: Unit, text: TextFormat, intake: Intake) -> Iterator[RawRows]:
    """Yield batches of sentences; a sentence's number is that of its first line.

    The columns that are wanted are lists. A line that marks a document is no word.
    """
    rows: list[dict[str, list[str]]] = []
    numbers: list[int] = []
    for sentence in _sentences(unit, text):
        intake.seen += 1
        row = _row(sentence, text, intake)
        if row is not None:
            rows.append(row)
            numbers.append(sentence[0][0])
        if len(rows) == ROWS_PER_BATCH:
            yield _batch(rows, numbers, text)
            rows, numbers = [], []
    if rows:
        yield _batch(rows, numbers, text)


def _batch(rows: list[dict[str, list[str]]], numbers: list[int], text: TextFormat) -> RawRows:
    kind = pa.list_(pa.string())
    columns = {name: pa.array([row[name] for row in rows], kind) for name in text.column_numbers}
    return RawRows(pa.table(columns), np.array(numbers, np.int64))


def _sentences(unit: Unit, text: TextFormat) -> Iterator[list[Line]]:
    sentence: list[Line] = []
    for first, lines in line_batches(unit, text):
        for number, line in enumerate(lines, start=first):
            if line.strip() and not line.startswith(_DOCUMENT):
                sentence.append((number, line))
            elif sentence:
                yield sentence
                sentence = []
    if sentence:
        yield sentence


def _row(sentence: list[Line], text: TextFormat, intake: Intake) -> dict[str, list[str]] | None:
    """Return a sentence's columns; one whose lines do not fit is refused."""
    whole = "\n".join(line for _, line in sentence)
    cells = []
    for number, line in sentence:
        if not is_text(line, number, text, intake):
            return None
        cells.append(line.split("\t") if "\t" in line else line.split())
        if len(cells[-1]) != len(cells[0]):
            said = f"found {len(cells[-1])} columns, {len(cells[0])} before. Mend the line."
            intake.refuse("line does not fit", number, said, whole)
            return None
    count = len(cells[0])
    for name, place in text.column_numbers.items():
        if not -count <= place < count:
            said = f"found {count} columns, expected one of number {place}. Mend conll_columns."
            intake.refuse("no such column", sentence[0][0], said, whole, column=name)
            return None
    return {name: [one[place] for one in cells] for name, place in text.column_numbers.items()}

"""Corpus formats: one function each, from a unit of a file to Arrow tables as they are.

A unit is what one worker reads: a Parquet row group, or a whole text file. Rows are counted
from 1 within the file; for `lines` that is the line number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from schemas.errors import CorpusError

ROWS_PER_BATCH = 16_384


@dataclass(frozen=True)
class Unit:
    """A piece of the corpus.

    Attributes:
      path: local path.
      source: the file's name in the run file.
      row_group: of a Parquet file; None for a whole file.
      first_row: number of the first row, from 1.
    """

    path: str
    source: str
    row_group: int | None = None
    first_row: int = 1

    @property
    def name(self) -> str:
        """A name of the unit that is unique in its corpus."""
        return f"{self.source}#{self.row_group or 0}"


@dataclass(frozen=True)
class TextFormat:
    """What a text format needs to be told."""

    encoding: str = "utf-8"
    line_pattern: str | None = None


Reader = Callable[[Unit, TextFormat], Iterator[pa.Table]]


def read_parquet(unit: Unit, text: TextFormat) -> Iterator[pa.Table]:
    """Yield the row group's batches."""
    del text
    with pq.ParquetFile(unit.path) as file:
        for batch in file.iter_batches(ROWS_PER_BATCH, row_groups=[unit.row_group or 0]):
            yield pa.Table.from_batches([batch])


def read_jsonl(unit: Unit, text: TextFormat) -> Iterator[pa.Table]:
    """Yield batches of a file with one JSON object a line."""
    for first, lines in _line_batches(unit, text):
        rows = [_json_row(line, unit, first + offset) for offset, line in enumerate(lines)]
        columns = dict.fromkeys(key for row in rows for key in row)
        yield pa.table({name: _column(rows, name, unit) for name in columns})


def read_delimited(unit: Unit, text: TextFormat, *, delimiter: str) -> Iterator[pa.Table]:
    """Yield batches of a CSV or TSV file with a header; every column is read as text."""
    with pa.OSFile(unit.path) as probe:
        empty = probe.size() == 0
    if empty:
        return
    read = pa_csv.ReadOptions(encoding=text.encoding)
    parse = pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    with pa_csv.open_csv(unit.path, read_options=read, parse_options=parse) as stream:
        names = stream.schema.names
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    with pa_csv.open_csv(
        unit.path, read_options=read, parse_options=parse, convert_options=convert
    ) as stream:
        for batch in stream:
            yield pa.Table.from_batches([batch])


def read_lines(unit: Unit, text: TextFormat) -> Iterator[pa.Table]:
    """Yield batches of a file whose every line matches the pattern; groups are the columns."""
    pattern = _compiled(text.line_pattern or "")
    for first, lines in _line_batches(unit, text):
        rows = []
        for offset, line in enumerate(lines):
            found = pattern.fullmatch(line)
            if found is None:
                raise CorpusError(
                    f"line does not match: {unit.source} row {first + offset}: found "
                    f"{line[:80]!r}, expected {pattern.pattern!r}. Mend the line or the pattern."
                )
            rows.append(found.groupdict())
        yield pa.table({name: [row[name] for row in rows] for name in pattern.groupindex})


READERS: dict[str, Reader] = {
    "parquet": read_parquet,
    "jsonl": read_jsonl,
    "csv": lambda unit, text: read_delimited(unit, text, delimiter=","),
    "tsv": lambda unit, text: read_delimited(unit, text, delimiter="\t"),
    "lines": read_lines,
}


def units_of(path: str, source: str, *, format: str) -> list[Unit]:
    """Return the units of one corpus file."""
    if format != "parquet":
        return [Unit(path, source)]
    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"corpus file cannot be read: {source}: {error}.") from error
    units, first_row = [], 1
    for group in range(metadata.num_row_groups):
        units.append(Unit(path, source, group, first_row))
        first_row += metadata.row_group(group).num_rows
    return units


def _line_batches(unit: Unit, text: TextFormat) -> Iterator[tuple[int, list[str]]]:
    batch: list[str] = []
    first = 1
    with open(unit.path, encoding=text.encoding, newline="\n") as stream:  # noqa: PTH123
        for line in stream:
            batch.append(line.rstrip("\r\n"))
            if len(batch) == ROWS_PER_BATCH:
                yield first, batch
                first += len(batch)
                batch = []
    if batch:
        yield first, batch


def _json_row(line: str, unit: Unit, row: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise CorpusError(f"not JSON: {unit.source} row {row}: {error}. Mend the line.") from error
    if not isinstance(value, dict):
        raise CorpusError(f"not a JSON object: {unit.source} row {row}: found {line[:80]!r}.")
    return value


def _column(rows: list[dict[str, Any]], name: str, unit: Unit) -> pa.Array:
    try:
        return pa.array([row.get(name) for row in rows])
    except pa.ArrowException as error:
        raise CorpusError(
            f"column mixes types: {unit.source} column {name!r}: {error}. Use one type."
        ) from error


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise CorpusError(f"line_pattern is no regular expression: {pattern!r}: {error}.") from None

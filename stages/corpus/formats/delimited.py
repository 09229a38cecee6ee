"""Cells between delimiters, quoted by `"`: what CSV and TSV share."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from stages.corpus.formats.units import RawRows, TextFormat, Unit
from stages.rows.intake import Intake

_BYTES = "latin-1"  # an encoding in which each byte is a character
_LARGEST_BLOCK = 1 << 24  # bytes that Arrow reads of a CSV file at once; no row may be longer


def read_delimited(
    unit: Unit, text: TextFormat, intake: Intake, *, delimiter: str
) -> Iterator[RawRows]:
    """Yield batches of a CSV or TSV file with a header; every column is read as bytes.

    A file that is not all UTF-8 is read byte by byte: Arrow cannot say which row does not fit where
    that row is no UTF-8.
    """
    with pa.OSFile(unit.path) as probe:
        if probe.size() == 0:
            return
    ragged: list[pa_csv.InvalidRow] = []

    def skip(row: pa_csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    parse = pa_csv.ParseOptions(
        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
    )
    first = refused = 0
    encoding = _BYTES if _is_broken_utf8(unit.path, text.encoding) else text.encoding
    for batch in _csv_batches(unit, encoding, parse):
        refused += _refuse_ragged(ragged[refused:], intake)
        numbers = _without([row.number - 1 for row in ragged], first + 1, batch.num_rows)
        intake.seen += batch.num_rows
        first = int(numbers[-1]) if len(numbers) else first
        yield from _without_merged(pa.Table.from_batches([batch]), numbers, delimiter, intake)
    _refuse_ragged(ragged[refused:], intake)
    intake.seen += len(ragged)


def _without_merged(
    table: pa.Table, numbers: np.ndarray, delimiter: str, intake: Intake
) -> Iterator[RawRows]:
    """Yield rows without those of TSV that a quotation mark without its other made of several."""
    if delimiter != "\t":
        yield RawRows(table, numbers)
        return
    merged = np.zeros(table.num_rows, bool)
    for column in table.columns:
        both = pc.and_(*(pc.match_substring(column, mark) for mark in ("\n", "\t")))
        merged |= pc.fill_null(both, False).to_numpy(zero_copy_only=False)
    for place in np.flatnonzero(merged):
        cells = [str(cell) for row in table.slice(place, 1).to_pylist() for cell in row.values()]
        said = "a cell has line breaks and tabs: several lines, read as one by a quotation mark "
        said += "without its other. Double the marks within cells, and quote these."
        intake.refuse("rows are merged", int(numbers[place]), said, delimiter.join(cells))
    kept = ~merged
    yield RawRows(table.filter(pa.array(kept)), numbers[kept])


def _refuse_ragged(rows: list[pa_csv.InvalidRow], intake: Intake) -> int:
    """Refuse rows with another number of cells than the header; Arrow's handler may not raise."""
    for row in rows:
        said = f"found {row.actual_columns} cells, expected {row.expected_columns}. Mend the row."
        intake.refuse("row does not fit", row.number - 1, said, row.text)
    return len(rows)


def _is_broken_utf8(path: str, encoding: str) -> bool:
    """Return whether a file is said to be UTF-8 and is not."""
    if codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig"):
        return False
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return True
    return False


def _as_they_were(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the bytes of cells that were read as a character each."""
    names = [name.encode(_BYTES).decode("utf-8-sig", "replace") for name in batch.schema.names]
    cells = [
        pa.array([one and one.decode().encode(_BYTES) for one in column.to_pylist()], pa.binary())
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(cells, names=names)


def _csv_batches(unit: Unit, encoding: str, parse: pa_csv.ParseOptions) -> Iterator[pa.RecordBatch]:
    block = min(max(Path(unit.path).stat().st_size, 1 << 20), _LARGEST_BLOCK)
    read = pa_csv.ReadOptions(encoding=encoding, use_threads=False, block_size=block)
    header = pa_csv.ParseOptions(delimiter=parse.delimiter, newlines_in_values=True)
    header.invalid_row_handler = lambda row: "skip"
    with pa_csv.open_csv(unit.path, read_options=read, parse_options=header) as stream:
        names = stream.schema.names
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.binary()), strings_can_be_null=False
    )
    with pa_csv.open_csv(
        unit.path, read_options=read, parse_options=parse, convert_options=convert
    ) as stream:
        yield from map(_as_they_were, stream) if encoding is _BYTES else stream


def _without(skipped: list[int], first: int, count: int) -> np.ndarray:
    """Return the next `count` row numbers from `first` on that are not among those skipped."""
    numbers = np.arange(first, first + count + len(skipped))
    return numbers[~np.isin(numbers, skipped)][:count]

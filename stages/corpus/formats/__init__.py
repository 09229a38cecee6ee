"""Corpus formats: one function each, from a unit of a file to its rows as they are.

Imports `rows` and `inputs`. To add one: a module with its reader, and a line in `READERS`.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from schemas.errors import CorpusError, first_line
from stages.corpus.formats.class_names import with_class_names
from stages.corpus.formats.conll import read_conll
from stages.corpus.formats.entities import read_entities
from stages.corpus.formats.lines import read_jsonl, read_lines
from stages.corpus.formats.squad import read_squad
from stages.corpus.formats.units import ROWS_PER_BATCH, RawRows, TextFormat, Unit
from stages.rows.intake import Intake

Reader = Callable[[Unit, TextFormat, Intake], Iterator[RawRows]]


_BYTES = "latin-1"  # an encoding in which each byte is a character
_LARGEST_BLOCK = 1 << 24  # bytes that Arrow reads of a CSV file at once; no row may be longer


def read_parquet(unit: Unit, text: TextFormat, intake: Intake) -> Iterator[RawRows]:
    """Yield the row group's batches, labels by the names that the file states for them."""
    first = unit.first_row
    with pq.ParquetFile(unit.path) as file:
        for batch in file.iter_batches(ROWS_PER_BATCH, row_groups=[unit.row_group or 0]):
            intake.seen += batch.num_rows
            numbers = np.arange(first, first + batch.num_rows)
            first += batch.num_rows
            yield RawRows(with_class_names(pa.Table.from_batches([batch]), text.named), numbers)


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


READERS: dict[str, Reader] = {
    "parquet": read_parquet,
    "jsonl": read_jsonl,
    "csv": lambda unit, text, intake: read_delimited(unit, text, intake, delimiter=","),
    "tsv": lambda unit, text, intake: read_delimited(unit, text, intake, delimiter="\t"),
    "lines": read_lines,
    "conll": read_conll,
    "squad": read_squad,
    "entities": read_entities,
}
CUT = frozenset({"squad", "entities"})  # of these the words are cut here


def units_of(
    path: str, source: str, *, format: str, origin: int = 0, split: str | None = None
) -> list[Unit]:
    """Return the units of one corpus file."""
    if format != "parquet":
        return [Unit(path, source, origin=origin, split=split)]
    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = first_line(error).rstrip(".")
        raise CorpusError(
            f"corpus file cannot be read: {source} as parquet: {said}. Mend the file, or `format`."
        ) from error
    units, first_row = [], 1
    for group in range(metadata.num_row_groups):
        units.append(Unit(path, source, group, first_row, origin, split))
        first_row += metadata.row_group(group).num_rows
    return units

"""The corpus: which files, which units, and rows in one normal form whatever the format.

Normal form: the feature columns (string), the head's label (string; null, or an empty cell,
for none),
`example_id` (string, null when the corpus has none), `split`, `input_digest`, `source_file`
and `source_row`. A row that does not fit is an error that names file, row and column.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import CorpusError
from schemas.heads import Head
from schemas.provenance import fingerprint
from schemas.run_file import Corpus, RunFile
from schemas.soft_labels import SPLIT_COLUMN, SPLITS
from stages.assets import ResolvedAsset, resolve_files
from stages.label.identity import input_digests, splits_by_digest
from stages.label.readers import READERS, TextFormat, Unit, units_of


@dataclass(frozen=True)
class CorpusPlan:
    """The corpus of a run, found and fingerprinted but not read.

    Attributes:
      corpus: as the run file declares it.
      head: what its labels are.
      files: resolved, in order of name.
      units: what is read, in order of file and row.
      digest: of the files' contents and of how they are read, not of their order.
    """

    corpus: Corpus
    head: Head
    files: tuple[ResolvedAsset, ...]
    units: tuple[Unit, ...]
    digest: str


def plan_corpus(run: RunFile, *, base: Path) -> CorpusPlan:
    """Find the corpus files of a run.

    Raises:
      AssetError: a file is not there.
      CorpusError: a Parquet file cannot be read.
    """
    found = [file for asset in run.corpus.files for file in resolve_files(asset, base=base)]
    files = tuple(sorted(found, key=lambda file: (file.source, file.digest)))
    units = [
        unit
        for file in files
        for unit in units_of(file.location, file.source, format=run.corpus.format)
    ]
    how = run.corpus.model_dump(mode="json", exclude={"files", "repeats"})
    names = [[file.source, file.digest] for file in files]
    digest = fingerprint({"files": names, "how": how, "head": run.head.model_dump(mode="json")})
    return CorpusPlan(run.corpus, run.head, files, tuple(units), digest)


def read_unit(unit: Unit, corpus: Corpus, head: Head) -> Iterator[pa.Table]:
    """Yield the unit's rows in normal form.

    Raises:
      CorpusError: the file cannot be read, a column is missing, or a row does not fit.
    """
    text = TextFormat(corpus.encoding, corpus.line_pattern)
    first_row = unit.first_row
    try:
        for raw in READERS[corpus.format](unit, text):
            yield normalise(raw, unit, corpus, head, first_row=first_row)
            first_row += raw.num_rows
    except (pa.ArrowException, OSError, UnicodeError, LookupError) as error:
        raise CorpusError(
            f"corpus file cannot be read: {unit.source} as {corpus.format} after row "
            f"{first_row - 1}: {error}. Mend the file, `format` or `encoding`."
        ) from error


def normalise(raw: pa.Table, unit: Unit, corpus: Corpus, head: Head, *, first_row: int) -> pa.Table:
    """Return rows in normal form.

    Raises:
      CorpusError: a declared column is missing, a feature is null, a class or split unknown.
    """
    where = _Where(unit, first_row)
    features = [_feature(raw, name, where) for name in corpus.features]
    digests = input_digests(features)
    columns: dict[str, pa.Array] = dict(zip(corpus.features, features, strict=True))
    columns[head.label_column] = _label(raw, head, where)
    columns["example_id"] = _example_id(raw, corpus, where)
    columns[SPLIT_COLUMN] = _split(raw, corpus, digests, where)
    columns["input_digest"] = digests
    columns["source_file"] = pa.repeat(pa.scalar(unit.source), raw.num_rows)
    columns["source_row"] = pa.array(range(first_row, first_row + raw.num_rows), pa.int64())
    return pa.table(columns)


@dataclass(frozen=True)
class _Where:
    unit: Unit
    first_row: int

    def row(self, offset: int) -> str:
        return f"{self.unit.source} row {self.first_row + offset}"


def _text_column(raw: pa.Table, name: str, where: _Where) -> pa.Array:
    if name not in raw.column_names:
        near = difflib.get_close_matches(name, raw.column_names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise CorpusError(
            f"unknown column: {name!r} in {where.unit.source}: found {raw.column_names}.{hint} "
            "Mend the corpus or the run file."
        )
    column = raw[name].combine_chunks()
    simple = pa.types.is_integer(column.type) or pa.types.is_dictionary(column.type)
    if simple or pa.types.is_null(column.type) or pa.types.is_large_string(column.type):
        column = pc.cast(column, pa.string())
    if not pa.types.is_string(column.type):
        raise CorpusError(
            f"wrong type: column {name!r} in {where.unit.source}: found {column.type}, "
            "expected text. Mend the corpus."
        )
    return column


def _feature(raw: pa.Table, name: str, where: _Where) -> pa.Array:
    column = _text_column(raw, name, where)
    _refuse(pc.is_null(column), f"no value: column {name!r}", where, "Every row needs one.")
    return column


def _label(raw: pa.Table, head: Head, where: _Where) -> pa.Array:
    column = _text_column(raw, head.corpus_column, where)
    column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    known = pc.is_in(column, value_set=pa.array(head.classes))
    unknown = pc.and_kleene(pc.invert(known), pc.is_valid(column))
    if pc.any(unknown).as_py():
        offset = unknown.index(True).as_py()
        found = column[offset].as_py()
        near = difflib.get_close_matches(found, head.classes, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise CorpusError(
            f"unknown class: {where.row(offset)} column {head.corpus_column!r}: found {found!r}, "
            f"expected one of {', '.join(head.classes[:12])}.{hint} Mend the row or `classes`."
        )
    return column


def _example_id(raw: pa.Table, corpus: Corpus, where: _Where) -> pa.Array:
    if corpus.example_id is None:
        return pa.nulls(raw.num_rows, pa.string())
    column = _text_column(raw, corpus.example_id, where)
    _refuse(pc.is_null(column), "no example_id", where, "Every row needs one.")
    return column


def _split(raw: pa.Table, corpus: Corpus, digests: pa.Array, where: _Where) -> pa.Array:
    if corpus.split.column is None:
        return splits_by_digest(digests, corpus.split)
    column = _text_column(raw, corpus.split.column, where)
    known = pc.fill_null(pc.is_in(column, value_set=pa.array(SPLITS)), False)
    _refuse(pc.invert(known), "unknown split", where, f"Expected one of {', '.join(SPLITS)}.")
    return column


def _refuse(bad: pa.Array, what: str, where: _Where, remedy: str) -> None:
    if pc.any(bad).as_py():
        raise CorpusError(f"{what}: {where.row(bad.index(True).as_py())}. {remedy}")

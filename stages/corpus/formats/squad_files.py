"""The files that SQuAD's questions come in: its own nested JSON, or Parquet with a row for each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import CorpusError
from stages.corpus.formats.units import ROWS_PER_BATCH, TextFormat, Unit
from stages.rows.intake import Unfit

_MAGIC = b"PAR1"
_NEEDED, _KNOWN = ("question", "context"), ("id", "question", "context", "answers", "is_impossible")

Asked = tuple[Any, Any]  # a paragraph's context, and one of its questions, as the file has them


def asked_in(unit: Unit, text: TextFormat) -> Iterator[Asked]:
    """Yield each question with its paragraph's context.

    A question is a mapping with `question`, `id` and `answers`: in JSON a list of mappings with
    `text` and `answer_start`; in Parquet, as data sets on a hub are, one mapping of two lists. One
    with a cell that is no UTF-8 is the error that says so.

    Raises:
      CorpusError: the file is of neither form.
    """
    with Path(unit.path).open("rb") as file:
        is_parquet = file.read(len(_MAGIC)) == _MAGIC
    return _of_parquet(unit) if is_parquet else _of_json(unit, text)


def _of_json(unit: Unit, text: TextFormat) -> Iterator[Asked]:
    with Path(unit.path).open(encoding=text.encoding) as file:
        try:
            whole = json.loads(file.read().removeprefix("\ufeff"))
        except (ValueError, RecursionError) as error:
            raise _unreadable(unit, error) from error
    try:
        for article in whole["data"]:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    yield paragraph.get("context"), question
    except (KeyError, TypeError, AttributeError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else "lists and sections otherwise"
        raise _of_another_form(unit, found, "data, paragraphs and qas") from error


def _of_parquet(unit: Unit) -> Iterator[Asked]:
    try:
        with pq.ParquetFile(unit.path) as file:
            names = file.schema_arrow.names
            if missing := [name for name in _NEEDED if name not in names]:
                expected = "columns question, context and answers"
                raise _of_another_form(unit, f"no column {missing[0]!r}", expected)
            wanted = [name for name in _KNOWN if name in names]
            for batch in file.iter_batches(ROWS_PER_BATCH, columns=wanted):
                yield from _rows(batch)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(unit, error) from error


def _rows(batch: pa.RecordBatch) -> Iterator[Asked]:
    for number in range(batch.num_rows):
        row = {}
        for name in batch.schema.names:
            try:
                row[name] = _cell(batch[name][number])
            except UnicodeDecodeError as error:
                yield None, Unfit("wrong encoding", f"found {error}.", name)
                break
        else:
            yield row.pop("context"), row


def _cell(cell: pa.Scalar) -> Any:
    value = cell.as_py()
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _unreadable(unit: Unit, error: Exception) -> CorpusError:
    return CorpusError(
        f"corpus file cannot be read: {unit.source} as squad: {error}. Mend the file."
    )


def _of_another_form(unit: Unit, found: str, expected: str) -> CorpusError:
    return CorpusError(
        f"corpus file has another form: {unit.source} as squad: found {found}, expected "
        f"{expected}. Mend the file or `format`."
    )

"""Parquet, a row group a unit; lists and numbers as they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import CorpusError, first_line
from stages.corpus.formats.class_names import with_class_names
from stages.corpus.formats.units import ROWS_PER_BATCH, RawRows, TextFormat, Unit
from stages.rows.intake import Intake

DECLARES = {"place": 1, "numbers": True, "row_groups": True}


def read(unit: Unit, text: TextFormat, intake: Intake) -> Iterator[RawRows]:
    """Yield the row group's batches, labels by the names that the file states for them."""
    first = unit.first_row
    with pq.ParquetFile(unit.path) as file:
        for batch in file.iter_batches(ROWS_PER_BATCH, row_groups=[unit.row_group or 0]):
            intake.seen += batch.num_rows
            numbers = np.arange(first, first + batch.num_rows)
            first += batch.num_rows
            yield RawRows(with_class_names(pa.Table.from_batches([batch]), text.named), numbers)


def row_groups(path: str, source: str) -> list[int]:
    """Return how many rows each row group of a file has.

    Raises:
      CorpusError: it cannot be read.
    """
    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = first_line(error).rstrip(".")
        raise CorpusError(
            f"corpus file cannot be read: {source} as parquet: {said}. Mend the file, or `format`."
        ) from error
    return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]

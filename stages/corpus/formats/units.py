"""Units: what one worker reads of the corpus, and what a reader gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

ROWS_PER_BATCH = 65_536
ORIGIN_COLUMN = "origin"  # 0: the labelled corpus; n: its nth unlabelled one


@dataclass(frozen=True)
class Unit:
    """A piece of the corpus: a Parquet row group, or a whole text file.

    Attributes:
      path: local path.
      source: the file's name in the run file.
      row_group: of a Parquet file; None for a whole file.
      first_row: number of the first row, from 1.
      origin: 0 for the labelled corpus, n for its nth unlabelled one.
      split: that all its rows are of, where that is the file's.
    """

    path: str
    source: str
    row_group: int | None = None
    first_row: int = 1
    origin: int = 0
    split: str | None = None

    @property
    def name(self) -> str:
        """A name of the unit that is unique in its corpus."""
        return f"{self.source}#{self.row_group or 0}#{self.origin}"


@dataclass(frozen=True)
class TextFormat:
    """What a reader needs to be told: the columns that are wanted, and how text is written.

    `answers` is the column that holds lists of numbers, where one does; `lists` are those of the
    columns that may hold lists of texts, `numbers` those that may hold a number, `named` those
    whose numbers are of classes that the file may name. `column_numbers` is where each is in a file
    without names.
    """

    columns: tuple[str, ...] = ()
    encoding: str = "utf-8"
    line_pattern: str | None = None
    answers: str | None = None
    lists: frozenset[str] = frozenset()
    column_numbers: Mapping[str, int] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RawRows:
    """Rows as a reader found them.

    Attributes:
      table: the columns of the corpus.
      numbers: int64 [rows], each row's number within its file, from 1; for lines, the line.
    """

    table: pa.Table
    numbers: npt.NDArray[np.int64]

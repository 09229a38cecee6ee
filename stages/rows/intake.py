"""Intake: what became of a unit's rows. Those that cannot be used are refused, with the reason.

Where nothing may be quarantined the first such row is an error; else it is written down and the
others go on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from schemas.errors import CorpusError
from schemas.quarantine import QUARANTINE_SCHEMA

_ROW_CHARACTERS = 4096


@dataclass(frozen=True)
class Refused:
    """One row that cannot be used.

    Attributes:
      source_file, source_row: where it came from.
      stage: `read` or `teacher`.
      column: the column at fault, where it is one.
      error: what was found and expected, and what to do.
      row: its text, cut to 4096 characters.
    """

    source_file: str
    source_row: int
    stage: str
    column: str | None
    error: str
    row: str


class Unfit(Exception):
    """A row cannot be used: what does not fit, what was found, and in which column."""

    def __init__(self, what: str, said: str, column: str) -> None:
        super().__init__(what, said, column)
        self.what, self.said, self.column = what, said, column


class Intake:
    """Counts the rows of one unit and keeps those that are refused.

    Attributes:
      source: the file's name in the run file.
      seen: rows met so far, usable or not.
      refused: rows that cannot be used.
    """

    def __init__(self, source: str, *, tolerant: bool = False) -> None:
        self.source = source
        self.seen = 0
        self.refused: list[Refused] = []
        self._tolerant = tolerant

    def refuse(
        self, what: str, row: int, said: str, content: str, column: str | None = None
    ) -> None:
        """Write a row down as refused.

        Raises:
          CorpusError: nothing may be quarantined.
        """
        place = f"{self.source} row {row}" + (f" column {column!r}" if column else "")
        error = f"{what}: {place}: {said}"
        if not self._tolerant:
            raise CorpusError(error)
        self.refused.append(
            Refused(self.source, row, "read", column, error, content[:_ROW_CHARACTERS])
        )


def row_text(rows: pa.Table, offset: int) -> str:
    """Return one row as JSON, cut to 4096 characters; what is no UTF-8 is shown as `�`."""
    values = {name: _shown(rows[name][offset]) for name in rows.column_names}
    return json.dumps(values, ensure_ascii=False, default=str)[:_ROW_CHARACTERS]


def quarantine_table(refused: Iterable[Refused]) -> pa.Table:
    """Return refused rows as a table, in order of file and row."""
    rows = sorted(refused, key=lambda row: (row.source_file, row.source_row))
    return pa.Table.from_pylist([vars(row) for row in rows], schema=QUARANTINE_SCHEMA)


def _shown(value: pa.Scalar) -> Any:
    if isinstance(value, pa.ListScalar) and value.is_valid:
        return [_shown(one) for one in value.values]
    text = isinstance(value, pa.StringScalar | pa.LargeStringScalar | pa.BinaryScalar)
    if not text or not value.is_valid:
        return value.as_py()
    return value.as_buffer().to_pybytes().decode("utf-8", errors="replace")

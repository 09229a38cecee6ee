"""Settle the quarantine: write down every row that is left out, and refuse to go on at too many."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.errors import QuarantineError
from schemas.label_section import Label
from schemas.quarantine import QUARANTINE_FOLDER
from stages.machine.atomic import write_whole
from stages.table.writing.staging import Staging


def quarantine_path(labels: Path, plan_fingerprint: str) -> Path:
    """Return the file of a plan's quarantined rows; Delta readers ignore its folder."""
    return labels / QUARANTINE_FOLDER / f"{plan_fingerprint}.parquet"


def settle(staging: Staging, names: Iterable[str], *, how: Label, rows: int, path: Path) -> int:
    """Write the quarantined rows to their file; return how many there are.

    Args:
      staging: where units and buckets left theirs.
      names: of the records of those units and buckets.
      how: for what may be left out.
      rows: rows read.
      path: of the file; none is written where no row is quarantined.

    Raises:
      QuarantineError: more than may be; the file is written all the same.
    """
    table = staging.quarantined(names)
    if table.num_rows == 0:
        path.unlink(missing_ok=True)
        return 0
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    write_whole(path, bytes(sink.getvalue()))
    table = table.filter(pc.not_equal(table["stage"], "view"))  # a view is no row of the corpus
    if not how.allows_quarantined(table.num_rows, rows=rows):
        raise QuarantineError(
            f"too many rows cannot be used: {table.num_rows} of {rows} "
            f"({table.num_rows / rows:.2%}), label.max_quarantined allows {how.max_quarantined}: "
            f"{reasons_text(table)}; first: {_first(table)}. All of them: {path}. "
            "Nothing was committed. Mend the rows, or allow more."
        )
    return int(table.num_rows)


def reasons_text(table: pa.Table) -> str:
    """Return how often each kind of reason occurs, the most frequent first.

    >>> reasons_text(pa.table({"error": ["not JSON: a row 1: x", "not JSON: a row 2: y"]}))
    '2 not JSON'
    """
    kinds = pc.value_counts(pc.list_element(pc.split_pattern(table["error"], ":"), 0))
    found = sorted(kinds.to_pylist(), key=lambda kind: (-kind["counts"], kind["values"]))
    return ", ".join(f"{kind['counts']} {kind['values']}" for kind in found)


def _first(table: pa.Table) -> str:
    """Return the first row's reason, without its kind where all are of that."""
    text = str(table["error"][0].as_py()).rstrip(".")
    kinds = pc.unique(pc.list_element(pc.split_pattern(table["error"], ":"), 0))
    return text.removeprefix(f"{kinds[0]}: ") if len(kinds) == 1 else text

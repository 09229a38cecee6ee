"""Inputs in several splits where the run file wants none: found before a teacher is asked."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from schemas.crossing import crossing_text
from schemas.errors import CorpusError
from schemas.layout import SPLIT_COLUMN
from stages.corpus.crossing import crossing_inputs, splits_of_inputs
from stages.corpus.files import CorpusPlan
from stages.corpus.formats.units import ORIGIN_COLUMN
from stages.corpus.sample import corpus_rows
from stages.rows.intake import Refused

_NAMED_INPUTS = 3
_OF_A_ROW = ["input_digest", SPLIT_COLUMN, "source_file", "source_row"]


def check_crossing(plan: CorpusPlan, *, tolerant: bool) -> None:
    """Read the corpus, and refuse inputs in several splits where the run file says so.

    Nothing is asked of a teacher before. Memory: the digests of all inputs.

    Raises:
      CorpusError: there are some.
    """
    by_content = plan.corpus.split.column is None and not any(unit.split for unit in plan.units)
    if plan.corpus.crossing != "error" or by_content:
        return
    parts: list[pa.Table] = []
    columns = [*_OF_A_ROW[:2], ORIGIN_COLUMN]
    refused: list[Refused] = []
    for rows in corpus_rows(plan, refused, tolerant=tolerant):
        parts.append(rows.select(columns).group_by(columns).aggregate([]))
    refuse_crossing(plan, pa.concat_tables(parts) if parts else None, tolerant=tolerant)


def refuse_crossing(plan: CorpusPlan, rows: pa.Table | None, *, tolerant: bool) -> None:
    """Refuse inputs in several splits, if any is in these rows.

    Raises:
      CorpusError: it names the rows of a few.
    """
    found = crossing_inputs(rows) if rows is not None else {}
    if rows is None or not found:
        return
    bits, whole = splits_of_inputs(rows)
    wrong = rows["input_digest"].filter(pa.array((bits > 0) & (whole != bits)))
    named = _rows_of(plan, pc.unique(wrong)[:_NAMED_INPUTS], tolerant=tolerant)
    raise CorpusError(
        f"{crossing_text(sum(found.values()), found, left_out=0)}: {'; '.join(named)}. Nothing was "
        'committed. Leave them in one split, or state corpus.crossing = "drop" or "keep".'
    )


def _rows_of(plan: CorpusPlan, digests: pa.Array, *, tolerant: bool) -> list[str]:
    """Return by input where its rows are, as text."""
    places: dict[bytes, dict[str, str]] = {digest: {} for digest in digests.to_pylist()}
    for rows in corpus_rows(plan, [], tolerant=tolerant):
        rows = rows.filter(pc.equal(rows[ORIGIN_COLUMN], 0))
        rows = rows.filter(pc.is_in(rows["input_digest"], value_set=digests))
        for row in rows.select(_OF_A_ROW).to_pylist():
            text = f"{row['source_file']} row {row['source_row']} ({row[SPLIT_COLUMN]})"
            places[row["input_digest"]].setdefault(row[SPLIT_COLUMN], text)
    return [" and ".join(one.values()) for one in places.values()]

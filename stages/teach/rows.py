"""The rows that a teacher is fitted and measured on."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from schemas.crossing import crossing_text
from schemas.errors import CorpusError
from schemas.layout import SPLIT_COLUMN
from stages.corpus.crossing import crossing_inputs, less_held_out
from stages.corpus.crossing_check import refuse_crossing
from stages.corpus.files import CorpusPlan, read_unit
from stages.machine.progress import say
from stages.rows.columns import out_of_scope, repeats
from stages.rows.intake import Intake
from stages.table.writing.shards import order_rows


def labelled_rows(plan: CorpusPlan, *, once: bool, tolerant: bool) -> dict[str, pa.Table]:
    """Return the labelled rows of each split in content order.

    Raises:
      CorpusError: a row does not fit, or train or validation have no labelled row.
    """
    parts = [
        part
        for unit in plan.units
        for part in read_unit(unit, plan.corpus, plan.head, Intake(unit.source, tolerant=tolerant))
    ]
    if not parts:
        raise CorpusError(f"corpus is empty: {len(plan.files)} files with no row. Mend `files`.")
    rows = order_rows(_kept_apart(plan, pa.concat_tables(parts), tolerant=tolerant), plan.head)
    rows = rows.filter(pc.is_valid(rows[plan.head.label_column]))
    rows = rows.filter(pa.array(~out_of_scope(rows, plan.head)))
    if once:
        rows = rows.filter(pa.array(~repeats(rows, plan.head.label_column)))
    splits = {
        name: rows.filter(pc.equal(rows[SPLIT_COLUMN], name))
        for name in ("train", "validation", "test")
    }
    for name in ("train", "validation"):
        if splits[name].num_rows == 0:
            raise CorpusError(f"no labelled row in split {name!r}: a teacher cannot be fitted.")
    return splits


def _kept_apart(plan: CorpusPlan, rows: pa.Table, *, tolerant: bool) -> pa.Table:
    """Return a corpus's rows, as `corpus.crossing` has those of inputs in several splits.

    Raises:
      CorpusError: there are some, and are to be none.
    """
    found = crossing_inputs(rows)
    if not found:
        return rows
    if plan.corpus.crossing == "error":
        refuse_crossing(plan, rows, tolerant=tolerant)
    kept = rows
    if plan.corpus.crossing == "drop":
        kept = rows.filter(pc.invert(less_held_out(rows)))
    left_out = rows.num_rows - kept.num_rows
    say(f"teach: {crossing_text(sum(found.values()), found, left_out=left_out)}")
    return kept

"""A sample of the corpus that content decides: the inputs of the smallest digests."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from stages.corpus.files import CorpusPlan, read_unit
from stages.rows.intake import Intake, Refused

SAMPLE_INPUTS = 256
_UNITS = 16


def corpus_rows(plan: CorpusPlan, refused: list[Refused], *, tolerant: bool) -> Iterator[pa.Table]:
    """Yield the whole corpus in normal form; what cannot be used is added to `refused`.

    Raises:
      CorpusError: a row cannot be used, and nothing may be left out.
    """
    for unit in plan.units:
        intake = Intake(unit.source, tolerant=tolerant)
        yield from read_unit(unit, plan.corpus, plan.head, intake, answers=plan.answers)
        refused += intake.refused


def sample_rows(plan: CorpusPlan, *, tolerant: bool) -> pa.Table | None:
    """Return rows of a few inputs, one row each; None where there is none.

    Only the first batch of up to 16 units, evenly spread, is read.

    Raises:
      CorpusError: a row cannot be used, and nothing may be left out.
    """
    sample: pa.Table | None = None
    for unit in plan.units[:: -(-len(plan.units) // _UNITS) or 1]:
        intake = Intake(unit.source, tolerant=tolerant)
        first = next(read_unit(unit, plan.corpus, plan.head, intake, answers=plan.answers), None)
        if first is not None:
            sample = smallest(first if sample is None else pa.concat_tables([sample, first]))
    return sample if sample is not None and sample.num_rows else None


def smallest(rows: pa.Table) -> pa.Table:
    """Return the rows of the 256 smallest digests, one each."""
    ordered = rows.sort_by("input_digest")
    first = pc.unique(ordered["input_digest"]).slice(0, SAMPLE_INPUTS)
    return ordered.take(pc.index_in(first, value_set=ordered["input_digest"].combine_chunks()))

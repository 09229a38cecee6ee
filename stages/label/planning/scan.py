"""Scan: which inputs of a corpus are known, counted from the corpus itself before anybody is asked.

Memory: 16 bytes a distinct input of a split, and one batch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.layout import SPLIT_COLUMN
from stages.corpus.crossing import crossing_inputs
from stages.corpus.formats.units import ORIGIN_COLUMN
from stages.corpus.sample import corpus_rows, smallest
from stages.corpus.unlabelled import LEFT_OUT_COLUMN, mark_left_out
from stages.label.planning.made_views import known_views
from stages.label.planning.plan import LabelPlan
from stages.rows.identity import buckets
from stages.rows.intake import Refused
from stages.table.opening import SoftLabelTable
from stages.table.shard import Shard, read_shard

_KINDS = ["input_digest", SPLIT_COLUMN, ORIGIN_COLUMN]


@dataclass(frozen=True)
class Seen:
    """What a scan found.

    Attributes:
      rows, train_rows: of the corpus, without those that are left out.
      files: that these rows are written to, unless some are set aside.
      crossing: inputs in several splits, by these; `crossing_left_out` rows of them are left out.
      reused: distinct inputs that are known; `misses` are not.
      train: binary [inputs], digests of the distinct inputs of train.
      quarantined: rows that cannot be read.
      sample: the rows of the 256 smallest digests that are not known, one each.
    """

    rows: int
    train_rows: int
    files: int
    crossing: dict[str, int]
    crossing_left_out: int
    reused: int
    misses: int
    train: pa.Array
    quarantined: int
    sample: pa.Table


@dataclass(frozen=True)
class ViewCounts:
    """Augmented views that are asked, at most (some may say the same), and that are known."""

    calls: int = 0
    reused: int = 0


def scan(plan: LabelPlan, known: pa.Array, *, finished: Collection[int] = ()) -> Seen:
    """Return what of a plan's corpus is known.

    Args:
      plan: the run's.
      known: binary [inputs], digests; where a column holds the answers, all are.
      finished: buckets whose rows are passed over.

    Raises:
      CorpusError: a row cannot be used, and nothing may be left out.
    """
    refused: list[Refused] = []
    parts: list[pa.Table] = []
    sample: pa.Table | None = None
    for whole in corpus_rows(plan.corpus, refused, tolerant=plan.run.label.tolerant):
        part = _outside(whole, finished, plan.run.label.num_shards)
        parts.append(part.group_by(_KINDS).aggregate([([], "count_all")]))
        if plan.corpus.answers is not None:
            known = pc.unique(pa.chunked_array([known, *part["input_digest"].chunks], pa.binary()))
        missed = part.filter(pc.invert(pc.is_in(part["input_digest"], value_set=known)))
        sample = smallest(missed if sample is None else pa.concat_tables([sample, missed]))
    if sample is None:
        empty = pa.table({"input_digest": pa.array([], pa.binary())})
        return Seen(0, 0, 0, {}, 0, 0, 0, empty["input_digest"], len(refused), empty)
    inputs = mark_left_out(pa.concat_tables(parts), crossing=plan.run.corpus.crossing)
    kept = inputs.filter(pc.invert(inputs[LEFT_OUT_COLUMN]))
    train = kept.filter(pc.equal(kept[SPLIT_COLUMN], "train"))
    found, in_train = _distinct([kept["input_digest"]]), _distinct([train["input_digest"]])
    reused = _among(found, known)
    left_out = pc.and_(inputs[LEFT_OUT_COLUMN], pc.equal(inputs[ORIGIN_COLUMN], 0))
    return Seen(
        rows=_rows(kept),
        train_rows=_rows(train),
        files=_files(kept, plan.run.label.num_shards),
        crossing=crossing_inputs(inputs),
        crossing_left_out=_rows(inputs.filter(left_out)),
        reused=reused,
        misses=len(found) - reused,
        train=in_train,
        quarantined=len(refused),
        sample=sample,
    )


def _rows(inputs: pa.Table) -> int:
    return int(pc.sum(inputs["count_all"]).as_py() or 0)


def _files(inputs: pa.Table, num_shards: int) -> int:
    """Return how many files rows are written to: one for each bucket and split."""
    numbers = buckets(inputs["input_digest"], num_shards=num_shards)
    pairs = pa.table({"bucket": numbers, SPLIT_COLUMN: inputs[SPLIT_COLUMN]})
    return int(pairs.group_by(["bucket", SPLIT_COLUMN]).aggregate([]).num_rows)


def view_counts(plan: LabelPlan, seen: Seen, made_before: SoftLabelTable | None) -> ViewCounts:
    """Return how many views are asked at most: they are made in the shuffle, which no scan runs.

    Args:
      plan: the run's.
      seen: of its corpus.
      made_before: the version whose answers are known.

    Raises:
      DamagedTableError: a shard's bytes are not those that were committed.
    """
    views = plan.run.label.views
    if views is None:
        return ViewCounts()
    known = 0 if made_before is None else known_views(made_before, plan, seen.train)
    return ViewCounts(views.count * len(seen.train) - known, known)


def digests_of(shards: Sequence[Shard]) -> pa.Array:
    """Return the distinct digests of the inputs of some shards, binary; views are not among them.

    A view is looked up where its parent is, so that an input that says the same may not find it.

    Raises:
      DamagedTableError: a shard's bytes are not those that were committed.
    """
    rows = [read_shard(shard, ["input_digest", "view"]) for shard in shards]
    return _distinct([one["input_digest"].filter(pc.equal(one["view"], 0)) for one in rows])


def _outside(rows: pa.Table, finished: Collection[int], num_shards: int) -> pa.Table:
    if not finished:
        return rows
    numbers = buckets(rows["input_digest"].combine_chunks(), num_shards=num_shards)
    return rows.filter(pa.array(~np.isin(numbers, list(finished))))


def _distinct(parts: Sequence[pa.Array | pa.ChunkedArray]) -> pa.Array:
    chunks = [
        chunk
        for part in parts
        for chunk in (part.chunks if isinstance(part, pa.ChunkedArray) else [part])
    ]
    return pc.unique(pa.chunked_array(chunks, pa.binary()))


def _among(found: pa.Array, known: pa.Array) -> int:
    return pc.sum(pc.is_in(found, value_set=known)).as_py() or 0

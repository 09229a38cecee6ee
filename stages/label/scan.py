"""Scan: which inputs of a corpus are known, counted from the corpus itself before anybody is asked.

Memory: 16 bytes a distinct input, and one batch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.layout import SPLIT_COLUMN
from stages.label.identity import buckets
from stages.label.intake import Refused
from stages.label.plan import LabelPlan
from stages.label.sample import corpus_rows, smallest
from stages.shard import Shard, read_shard


@dataclass(frozen=True)
class Seen:
    """What a scan found.

    Attributes:
      rows, train_rows: of the corpus.
      reused: distinct inputs that are known; `misses` are not.
      train_inputs: distinct inputs of train; `train_misses` of them are not known.
      quarantined: rows that cannot be read.
      sample: the rows of the 256 smallest digests that are not known, one each.
    """

    rows: int
    train_rows: int
    reused: int
    misses: int
    train_inputs: int
    train_misses: int
    quarantined: int
    sample: pa.Table


@dataclass(frozen=True)
class ViewCounts:
    """Augmented views that will be asked, and that are known: at most, some may say the same."""

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
    rows = train_rows = 0
    refused: list[Refused] = []
    digests, train = [], []
    sample: pa.Table | None = None
    for whole in corpus_rows(plan.corpus, refused, tolerant=plan.run.label.tolerant):
        part = _outside(whole, finished, plan.run.label.num_shards)
        in_train = pc.equal(part[SPLIT_COLUMN], "train")
        rows += part.num_rows
        train_rows += pc.sum(in_train).as_py() or 0
        digests.append(pc.unique(part["input_digest"]))
        train.append(pc.unique(part["input_digest"].filter(in_train)))
        if plan.corpus.answers is not None:
            known = pc.unique(pa.chunked_array([known, *part["input_digest"].chunks], pa.binary()))
        missed = part.filter(pc.invert(pc.is_in(part["input_digest"], value_set=known)))
        sample = smallest(missed if sample is None else pa.concat_tables([sample, missed]))
    found, inputs = _distinct(digests), _distinct(train)
    reused, train_reused = _among(found, known), _among(inputs, known)
    empty = pa.table({"input_digest": pa.array([], pa.binary())})
    return Seen(
        rows,
        train_rows,
        reused,
        len(found) - reused,
        len(inputs),
        len(inputs) - train_reused,
        len(refused),
        empty if sample is None else sample,
    )


def view_counts(plan: LabelPlan, seen: Seen, made_before: dict[str, Any] | None) -> ViewCounts:
    """Return an estimate: views are made in the shuffle, which a scan does not run.

    `made_before` is how the version whose answers are known made its own.
    """
    views = plan.run.label.views
    if views is None:
        return ViewCounts()
    known = made_before == views.model_dump(mode="json")
    calls = views.count * (seen.train_misses if known else seen.train_inputs)
    return ViewCounts(calls, views.count * seen.train_inputs - calls)


def digests_of(shards: Sequence[Shard]) -> pa.Array:
    """Return the distinct input digests of some shards, binary.

    Raises:
      DamagedTableError: a shard's bytes are not those that were committed.
    """
    return _distinct([read_shard(shard, ["input_digest"])["input_digest"] for shard in shards])


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

"""The augmented views of a table that are made again just so: nothing that decides them changed.

A view of `word_dropout`, `swap` or `mask` is its parent's alone. One of `crossover` or `replace` is
also of the other inputs of its shard, and one of an augmenter of one's own of whatever that reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.provenance import fingerprint
from schemas.soft_labels import TableCard
from stages.label.planning.plan import LabelPlan, plan_parts
from stages.table.opening import SoftLabelTable
from stages.table.shard import Shard, read_shard
from stages.views.augmenters import looks_around


def known_views(table: SoftLabelTable, plan: LabelPlan, inputs: pa.Array) -> int:
    """Return how many views of inputs a plan makes just as a table has them, at least.

    Args:
      table: whose answers count for the plan.
      plan: the run's.
      inputs: binary [inputs], distinct digests.

    Raises:
      DamagedTableError: a shard's bytes are not those that were committed.
    """
    same = _same_views(table.card, plan)
    train = [shard for shard in table.shards if shard.split == "train"] if same else []
    return sum(_made_of(shard, inputs, same) for shard in train)


def _same_views(card: TableCard, plan: LabelPlan) -> list[int]:
    """Return the numbers of the views that are made as they were."""
    views = plan.run.label.views
    label = dict(card.run_file.get("label", {}))
    if views is None or label.get("views") != views.model_dump(mode="json"):
        return []
    if card.plan_fingerprint == plan.fingerprint:
        return list(range(1, views.count + 1))
    if card.plan_fingerprint != _fingerprint_now(plan, card, label):
        return []  # other augmenters, shipped ones or one's own
    around = (card.corpus_digest, card.num_shards) == (
        plan.corpus.digest,
        plan.run.label.num_shards,
    )
    kinds = enumerate((one.kind for one in views.each()), start=1)
    return [number for number, kind in kinds if not looks_around(kind, same=around)]


def _made_of(shard: Shard, inputs: pa.Array, same: list[int]) -> int:
    rows = read_shard(shard, ["parent_digest", "view"])
    wanted = pc.and_(
        pc.is_in(rows["view"], value_set=pa.array(same, pa.int16())),
        pc.is_in(rows["parent_digest"], value_set=inputs),
    )
    return int(np.sum(wanted.to_numpy()))


def _fingerprint_now(plan: LabelPlan, card: TableCard, label: dict[str, Any]) -> str:
    """Return the fingerprint that a table's plan has with today's augmenters."""
    parts = plan_parts(
        plan.run,
        teacher=card.teacher_fingerprint,
        corpus=card.corpus_digest,
        label=label,
        format_version=card.format_version,
    )
    return fingerprint(parts)

"""Ask the teacher again for a sample of a table, and compare with what the table says.

Files, library versions or a processor may have changed since; a fingerprint does not see the last
two. The teacher's new answers are encoded as the table's are, so that only the teacher differs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from schemas.counted import counted
from schemas.errors import PipelineError, TeacherDriftError
from schemas.label_section import Label
from stages.asking.ask import soft_labels
from stages.heads import head_kind
from stages.heads.likeness import mean_divergence, share_of_others
from stages.rows.codec import decode, encode
from stages.rows.identity import distinct
from stages.table.opening import SoftLabelTable
from stages.table.shard import Shard, read_shard
from stages.teachers.parts.protocol import Teacher


@dataclass(frozen=True)
class Tolerance:
    """How far a sample may be from what the table says.

    Attributes:
      inputs: rows that are asked again, where the table has as many; never more.
      max_kl_nats: mean KL(new answer ‖ table) over them, as `mean_divergence` says it.
      max_flip_rate: share of them with another class, as `share_of_others` says it.
    """

    inputs: int = 256
    max_kl_nats: float = 1e-3
    max_flip_rate: float = 0.01

    def __post_init__(self) -> None:
        """Refuse what nothing is above.

        Raises:
          PipelineError: a limit is `nan` or `inf`.
        """
        for name, limit in (("KL", self.max_kl_nats), ("flips", self.max_flip_rate)):
            if not math.isfinite(limit):
                raise PipelineError(
                    f"tolerance is no limit: largest {name} is {limit}, expected a finite number. "
                    "State another."
                )


@dataclass(frozen=True)
class Rechecked:
    """What a sample of rows showed; `inputs` are the distinct ones that the teacher was asked."""

    rows: int
    inputs: int
    kl_nats: float
    flip_rate: float

    @property
    def size(self) -> str:
        """How many rows and inputs, in words."""
        return _size(self.rows, self.inputs)


def recheck(
    table: SoftLabelTable, teacher: Teacher, *, how: Label, tolerance: Tolerance
) -> Rechecked:
    """Compare the teacher's answers now with the table's.

    Args:
      table: made by this teacher.
      teacher: asked for the sample, as `label` asks it.
      how: for batches and inputs that are too long.
      tolerance: what is let pass.

    Raises:
      TeacherDriftError: the answers differ by more.
      TeacherError: the teacher cannot answer.
    """
    rows = sample_of(table, tolerance.inputs)
    layout = table.card.layout
    answer = soft_labels(teacher, rows, features=table.card.features, how=how, head=layout.head)
    inputs = len(distinct(rows["input_digest"])[0])
    if answer.failures:
        raise TeacherDriftError(
            f"teacher cannot answer now: {table.path}: {len(answer.failures)} of "
            f"{_size(rows.num_rows, inputs)} asked again: the first "
            f"{next(iter(answer.failures.values()))}. Mend the teacher, or label again "
            "into a new folder."
        )
    again = decode(pa.table(encode(answer.answers, layout)), layout)
    kind = layout.head.kind
    now, kept = head_kind(kind).pairs(again, decode(rows, layout))
    found = Rechecked(
        rows=rows.num_rows,
        inputs=inputs,
        kl_nats=mean_divergence(now, kept, kind),
        flip_rate=share_of_others(now, kept, kind),
    )
    if found.kl_nats > tolerance.max_kl_nats or found.flip_rate > tolerance.max_flip_rate:
        raise TeacherDriftError(
            f"teacher answers otherwise now: {table.path}: {found.size} asked again: mean "
            f"KL {found.kl_nats:.2e} nats, {found.flip_rate:.2%} with another answer; expected at "
            f"most {tolerance.max_kl_nats:g} nats and {tolerance.max_flip_rate:.2%}. Find what "
            "changed (a library, a processor, a file), or label again into a new folder."
        )
    return found


def _size(rows: int, inputs: int) -> str:
    distinct = counted(inputs, "distinct input", "distinct inputs")
    return f"{counted(rows, 'row')} ({distinct})"


def sample_of(table: SoftLabelTable, inputs: int) -> pa.Table:
    """Return so many rows, or all where there are fewer, the same ones for the same version.

    Each shard has its share of them, up to rounding, evenly spread over it.
    """
    before = np.cumsum([0, *(shard.rows for shard in table.shards)])
    wanted = np.diff(before * min(inputs, before[-1]) // max(1, before[-1]))
    columns = ["input_digest", *table.card.features, *table.card.layout.logit_columns]
    asked = zip(table.shards, wanted, strict=True)
    parts = [_evenly(shard, int(rows), columns) for shard, rows in asked if rows]
    return pa.concat_tables(parts or [_evenly(table.shards[0], 0, columns)])


def _evenly(shard: Shard, wanted: int, columns: list[str]) -> pa.Table:
    places = np.linspace(0, shard.rows - 1, wanted).astype(np.int64)
    return read_shard(shard, columns).take(pa.array(places))

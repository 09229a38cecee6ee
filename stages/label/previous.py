"""What the teacher has said before: the visible version's logits, by input digest.

An answer is reused where the same teacher gave it to the same input, and where it was kept at
no coarser precision than is asked for now. Everything else goes to the teacher.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from schemas.soft_labels import TableCard
from stages.label.codec import is_no_coarser
from stages.table import Shard, open_table, read_shard, table_exists

KNOWN_COLUMN = "known_logits"


@dataclass
class PreviousLabels:
    """The version whose answers may be reused.

    Attributes:
      shards: its files.
      num_shards: buckets they were cut into.
      teacher_column: the column of their logits.
      distinct_inputs: inputs that it holds.
      seconds_per_call: what an answer cost when it was made.
    """

    shards: tuple[Shard, ...]
    num_shards: int
    teacher_column: str
    distinct_inputs: int
    seconds_per_call: float

    def attach(self, rows: pa.Table, *, bucket: int, num_shards: int) -> pa.Table:
        """Return a bucket's rows with what is known of each: a list of logits, or null.

        Memory: the digests and logits of the shards that hold the bucket's digests.
        """
        near = [shard for shard in self.shards if self._meets(shard, bucket, num_shards)]
        if not near:
            return rows
        columns = ["input_digest", self.teacher_column]
        known = pa.concat_tables([read_shard(shard, columns) for shard in near]).combine_chunks()
        place = pc.index_in(rows["input_digest"], value_set=known["input_digest"].combine_chunks())
        return rows.append_column(KNOWN_COLUMN, known[self.teacher_column].take(place))

    def _meets(self, shard: Shard, bucket: int, num_shards: int) -> bool:
        ends_after = (shard.bucket + 1) * num_shards > bucket * self.num_shards
        starts_before = shard.bucket * num_shards < (bucket + 1) * self.num_shards
        return ends_after and starts_before


def previous_labels(
    labels: Path, *, teacher_fingerprint: str, features: tuple[str, ...], precision: str
) -> PreviousLabels | None:
    """Return what may be reused of the visible version, or None.

    Raises:
      TableError: there is a table, and it cannot be opened or is damaged.
    """
    if not table_exists(labels):
        return None
    table = open_table(labels)
    card = table.card
    same_answers = card.teacher_fingerprint == teacher_fingerprint and card.features == features
    if not same_answers or not is_no_coarser(card.precision, precision):
        return None
    return PreviousLabels(
        shards=table.shards,
        num_shards=card.num_shards,
        teacher_column=card.head.teacher_column,
        distinct_inputs=card.counts.distinct_inputs,
        seconds_per_call=_seconds_per_call(card),
    )


def _seconds_per_call(card: TableCard) -> float:
    counts = card.counts
    if counts.teacher_calls:
        return counts.teacher_seconds / counts.teacher_calls
    return counts.teacher_seconds_saved / max(1, counts.reused_inputs)

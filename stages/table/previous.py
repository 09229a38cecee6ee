"""What the teacher has said before: the visible version's logits, by input digest.

An answer is reused where the same teacher gave it to the same input, and where it was kept at
no coarser precision than is asked for now. Everything else goes to the teacher.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from schemas.layout import Encoding, Layout
from schemas.quality import RuntimeCheck
from schemas.soft_labels import TableCard
from stages.rows.codec import decode, is_no_coarser
from stages.rows.columns import KNOWN_COLUMN, KNOWN_PREFIX
from stages.table.opening import SoftLabelTable, open_table, table_exists
from stages.table.shard import Shard, read_shard


@dataclass
class PreviousLabels:
    """The version whose answers may be reused.

    Attributes:
      shards: its files.
      num_shards: buckets they were cut into.
      layout: their columns.
      as_it_was: whether they are kept just as the new version keeps them.
      distinct_inputs: inputs that it holds.
      seconds_per_call: what an answer cost when it was made.
      views: the table itself, for its augmented views.
      runtime_check: of its teacher, where that was converted.
    """

    shards: tuple[Shard, ...]
    num_shards: int
    layout: Layout
    as_it_was: bool
    distinct_inputs: int
    seconds_per_call: float
    views: SoftLabelTable | None = None
    runtime_check: RuntimeCheck | None = None

    def attach(self, rows: pa.Table, *, bucket: int, num_shards: int) -> pa.Table:
        """Return a bucket's rows with what is known of each: a list of logits, or null.

        Memory: the digests and logits of the shards that hold the bucket's digests.
        """
        near = [
            shard
            for shard in self.shards
            if shard.meets(bucket, num_shards=num_shards, own_shards=self.num_shards)
        ]
        if not near:
            return rows
        columns = ["input_digest", *self.layout.logit_columns]
        known = pa.concat_tables([read_shard(shard, columns) for shard in near]).combine_chunks()
        place = pc.index_in(rows["input_digest"], value_set=known["input_digest"].combine_chunks())
        logits = decode(known, self.layout).column()
        rows = rows.append_column(KNOWN_COLUMN, logits.take(place.combine_chunks()))
        for name in self.layout.logit_columns if self.as_it_was else ():
            rows = rows.append_column(KNOWN_PREFIX + name, known[name].take(place))
        return rows


def previous_labels(
    labels: Path, *, teacher_fingerprint: str, features: tuple[str, ...], encoding: Encoding
) -> PreviousLabels | None:
    """Return what may be reused of the visible version, or None.

    Raises:
      TableError: there is a table, and it cannot be opened or is damaged.
    """
    if not table_exists(labels):
        return None
    table = open_table(labels)
    card = table.card
    if card.run_file.get("teacher", {}).get("kind") == "column":
        return None  # its corpus brings the answers
    if not _is_of(card, teacher_fingerprint, features) or not is_no_coarser(
        card.encoding, encoding
    ):
        return None
    return PreviousLabels(
        shards=table.shards,
        num_shards=card.num_shards,
        layout=card.layout,
        as_it_was=card.encoding == encoding,
        distinct_inputs=card.counts.distinct_inputs,
        seconds_per_call=seconds_per_call(card),
        views=table,
        runtime_check=card.runtime_check,
    )


def has_answered(labels: Path, *, teacher_fingerprint: str, features: tuple[str, ...]) -> bool:
    """Return whether there is a visible version, of this teacher and these features."""
    return table_exists(labels) and _is_of(open_table(labels).card, teacher_fingerprint, features)


def _is_of(card: TableCard, teacher_fingerprint: str, features: tuple[str, ...]) -> bool:
    return card.teacher_fingerprint == teacher_fingerprint and card.features == features


def seconds_per_call(card: TableCard) -> float:
    """Return what an answer of a table cost when it was made."""
    counts = card.counts
    if counts.teacher_calls:
        return counts.teacher_seconds / counts.teacher_calls
    return counts.teacher_seconds_saved / max(1, counts.reused_inputs)

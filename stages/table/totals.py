"""What a table's log lists, compared with what its card counted when it was committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from schemas.errors import DamagedTableError
from schemas.joined import JoinedCard
from schemas.soft_labels import TableCard
from stages.table.shard import MAKE_AGAIN, Shard

_MOST_SHOWN = 3


def check_totals(path: Path, shards: Sequence[Shard], card: TableCard | JoinedCard) -> None:
    """Compare the files that a log lists with the card's counts; no file is opened.

    Raises:
      DamagedTableError: they differ.
    """
    if problems := [*total_problems(shards, card), *_number_problems(shards, card)]:
        shown = "; ".join(problems[:_MOST_SHOWN])
        raise DamagedTableError(
            f"table's log and its card differ: {path}: {shown}. Restore _delta_log, or {MAKE_AGAIN}"
        )


def total_problems(shards: Sequence[Shard], card: TableCard | JoinedCard) -> Iterator[str]:
    """Yield how rows differ, of all files and of those of a split; views are in train, or aside."""
    counts, rows = card.counts, Counter[str]()
    for shard in shards:
        rows[shard.split] += shard.rows
    if (found := rows.total()) != (stated := counts.rows + counts.views):
        yield f"{found} rows in the log's files, {stated} in its card"
    for split in ("validation", "test"):
        if (found := rows[split]) != (stated := counts.split_rows.get(split, 0)):
            yield f"split {split}: {found} rows in the log's files, {stated} in its card"
    if (found := rows["train"]) < (stated := counts.split_rows.get("train", 0)):
        yield f"split train: {found} rows in the log's files, {stated} in its card"


def _number_problems(shards: Sequence[Shard], card: TableCard | JoinedCard) -> Iterator[str]:
    for shard in shards:
        if shard.bucket >= card.num_shards or shard.of_shards != card.num_shards:
            yield f"{shard.path.name} in the log, {card.num_shards} shards in its card"
    places = Counter((shard.split, shard.bucket) for shard in shards)
    for (split, bucket), found in places.items():
        if found > 1:
            yield f"split {split}: {found} files of shard {bucket} in the log, expected one"

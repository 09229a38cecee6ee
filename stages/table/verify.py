"""Verify a table: every shard's bytes, rows, digests, bucket, order and logits.

Opening a table compares sizes only. This reads everything, so it takes as long as reading the
table; memory is one shard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import DamagedTableError, first_line
from schemas.soft_labels import TableCard
from stages.inputs.find import input_digests
from stages.machine.progress import task
from stages.rows.codec import decode
from stages.rows.columns import family, shard_order
from stages.rows.identity import buckets
from stages.table.opening import JoinedTable, SoftLabelTable
from stages.table.shard import MAKE_AGAIN, Shard, digest_problem, read_unchecked
from stages.table.totals import total_problems

_MOST_SHOWN = 5


@dataclass(frozen=True)
class Verified:
    """What was found whole."""

    shards: int
    rows: int
    size_bytes: int


def verify(table: SoftLabelTable | JoinedTable) -> Verified:
    """Check every shard of the visible version against the log and against its own content.

    One of several heads is checked as each of them sees it.

    Raises:
      DamagedTableError: anything differs; the message names the first few and counts them all.
    """
    problems: list[str] = []
    parts = list(table.parts()) if isinstance(table, JoinedTable) else []
    with task("verify", total=max(1, len(table.shards)), unit="shards") as advance:
        for number, shard in enumerate(table.shards):
            found = shard_problems(shard, table)
            problems += [f"{shard.path.name}: {text}" for text in found]
            advance(number + 1, "")
    for one in [table, *parts]:
        problems += total_problems(one.shards, one.card)
    if problems:
        shown = "; ".join(problems[:_MOST_SHOWN])
        raise DamagedTableError(
            f"table is damaged: {table.path}: {len(problems)} problems: {shown}. Restore the "
            f"files, or {MAKE_AGAIN}"
        )
    return Verified(
        shards=len(table.shards),
        rows=sum(shard.rows for shard in table.shards),
        size_bytes=sum(shard.size_bytes for shard in table.shards),
    )


def shard_problems(shard: Shard, table: SoftLabelTable | JoinedTable) -> Iterator[str]:
    """Yield what is wrong with one shard, or nothing."""
    if problem := digest_problem(shard):
        yield problem
    try:
        rows = read_unchecked(shard)
    except DamagedTableError as error:
        yield f"cannot be read: {first_line(error.__cause__ or error)}"
        return
    if not rows.schema.equals(table.card.layout.file_schema):
        yield f"has other columns: {rows.schema.names}"
        return
    if isinstance(table, JoinedTable):
        yield from _joined_problems(rows, shard, table)
    else:
        yield from _row_problems(rows, shard, table.card)


def _row_problems(rows: pa.Table, shard: Shard, card: TableCard) -> Iterator[str]:
    for check in _CHECKS:
        if problem := check(rows, shard, card):
            yield problem


def _joined_problems(rows: pa.Table, shard: Shard, table: JoinedTable) -> Iterator[str]:
    """Yield what is wrong with the rows of several heads, as each of them sees its own."""
    flags = [rows[head.presence_column].combine_chunks() for head in table.card.heads]
    if lost := int(pc.sum(pc.invert(reduce(pc.or_, flags))).as_py() or 0):
        yield f"{lost} rows that no head has"
    for part, flag, lacking in zip(table.card.parts, flags, table.lacking(shard), strict=True):
        name = part.head.name
        if not flag.equals(rows[part.head.teacher_column].combine_chunks().is_valid()):
            yield f"head {name!r}: its logits are not where {part.head.presence_column} is true"
            continue
        own = rows.filter(flag).select(part.layout.file_schema.names)
        for problem in _row_problems(own, shard.seen_by(part.head, lacking=lacking), part):
            yield f"head {name!r}: {problem}"


Check = Callable[[pa.Table, Shard, TableCard], str]


def _row_count(rows: pa.Table, shard: Shard, card: TableCard) -> str:
    return "" if rows.num_rows == shard.rows else f"{rows.num_rows} rows, the log says {shard.rows}"


def _digests(rows: pa.Table, shard: Shard, card: TableCard) -> str:
    made = input_digests([rows[name].combine_chunks() for name in card.features])
    differ = pc.sum(pc.not_equal(made, rows["input_digest"].combine_chunks())).as_py() or 0
    return f"{differ} rows whose digest is not that of their text" if differ else ""


def _bucket(rows: pa.Table, shard: Shard, card: TableCard) -> str:
    digests = family(rows)
    wrong = int((buckets(digests, num_shards=card.num_shards) != shard.bucket).sum())
    return f"{wrong} rows belong to another shard" if wrong else ""


def _order(rows: pa.Table, shard: Shard, card: TableCard) -> str:
    return "" if (np.diff(shard_order(rows)) > 0).all() else "rows are not in their order"


def _logits(rows: pa.Table, shard: Shard, card: TableCard) -> str:
    expected = card.top_k or len(card.head.classes)
    for name in card.layout.logit_columns[:2]:
        lists = rows[name]
        if card.head.by_position:
            counts = pc.list_value_length(lists)
            if not counts.equals(pc.list_value_length(rows[card.features[0]])):
                return f"{name} has another number of positions than {card.features[0]}"
            lists = lists.combine_chunks().flatten().drop_null()
            if not pc.all(pc.is_finite(lists.flatten()), min_count=0).as_py():
                return f"{name} has positions whose logits are not finite"
        widths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
        if (widths != expected).any():
            return f"{name} has {sorted(set(widths.tolist()))} values in a row, not {expected}"
    if card.head.by_position:
        return ""
    wrong = int((~np.isfinite(decode(rows, card.layout).values).all(axis=1)).sum())
    return f"{wrong} rows whose logits are not finite" if wrong else ""


_CHECKS: tuple[Check, ...] = (_row_count, _digests, _bucket, _order, _logits)

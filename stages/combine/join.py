"""Rows of several tables over one corpus, joined by what they say and by their id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import StaleTableError, TableError
from schemas.layout import ASIDE, SPLIT_COLUMN
from stages.combine.same_rows import keys_of, renumbered
from stages.rows.codec import decode
from stages.rows.columns import family
from stages.rows.identity import buckets
from stages.rows.lists import offsets_of
from stages.rows.row_logits import RowLogits
from stages.table.opening import SoftLabelTable
from stages.table.shard import read_shard


@dataclass(frozen=True)
class Joined:
    """Rows, and what each teacher says of them.

    Attributes:
      rows: every column but the logits, and `split`.
      answers: float32 [teachers, lines, classes]; NaN where a teacher has none.
      offsets: of the lines, as of `RowLogits`.
      missing: bool [teachers, rows]: which rows a teacher's table lacks.
    """

    rows: pa.Table
    answers: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.int64] | None
    missing: npt.NDArray[np.bool_]

    def where(self, kept: npt.NDArray[np.bool_]) -> Joined:
        """Return some of the rows."""
        numbers = np.flatnonzero(kept)
        parts = [RowLogits(part, self.offsets).take(numbers) for part in self.answers]
        answers = np.stack([part.values for part in parts])
        rows = self.rows.filter(pa.array(kept))
        return Joined(rows, answers, parts[0].offsets, self.missing[:, kept])


def joined_bucket(
    tables: Sequence[SoftLabelTable], *, bucket: int, num_shards: int, splits: Sequence[str]
) -> Joined | None:
    """Return the rows of one range of digests, in any of the tables; None where there is none.

    Args:
      tables: of one corpus and head; what a row says besides its logits is taken from the first
        that has it.
      bucket: number of the range.
      num_shards: ranges in all; the tables may be cut into others.
      splits: rows of these only.

    Raises:
      StaleTableError: a row is in one split of one table and in another of another.
      DamagedTableError: a shard cannot be read.
    """
    parts = [rows_of_bucket(table, bucket, num_shards, splits) for table in tables]
    if not any(part.num_rows for part in parts):
        return None
    head = tables[0].card.head
    keys = keys_of(parts, head.label_column)
    every = pc.unique(pa.chunked_array(keys, pa.binary()))
    places = [pc.index_in(every, value_set=key) for key in keys]
    rows = renumbered(_first_found(tables, parts, places), head.label_column)
    _check_splits(tables, parts, places, rows)
    missing = np.stack([place.is_null().to_numpy(zero_copy_only=False) for place in places])
    offsets = None
    if head.by_position:
        counts = pc.list_value_length(rows[tables[0].card.features[0]])
        offsets = offsets_of(counts.to_numpy())
    answers = [
        _answers(table, part, place, offsets)
        for table, part, place in zip(tables, parts, places, strict=True)
    ]
    return Joined(rows, np.stack(answers), offsets, missing)


def check_alike(tables: Sequence[SoftLabelTable]) -> None:
    """Compare heads and features.

    Raises:
      StaleTableError: they differ.
      TableError: there are fewer than two tables, or one is named twice.
    """
    if len(tables) < 2:
        raise TableError(f"nothing to combine: {len(tables)} table. Name two or more with --from.")
    for number, table in enumerate(tables):
        if any(_is_same(table, before) for before in tables[:number]):
            raise TableError(
                f"table is named twice: {table.name}: its teacher would count twice. Name each "
                "once with --from, and state combine.weights where one is to count for more."
            )
    first = tables[0]
    for other in tables[1:]:
        for name in ("features", "feature_kinds", "head"):
            found, expected = getattr(other.card, name), getattr(first.card, name)
            if found != expected:
                raise StaleTableError(
                    f"tables have other {name}: {other.path}: found {found}, expected {expected} "
                    f"as {first.path} has. Label one corpus for one head with each teacher."
                )


def _is_same(one: SoftLabelTable, other: SoftLabelTable) -> bool:
    return one.path.resolve() == other.path.resolve() and one.card.head == other.card.head


def rows_of_bucket(
    table: SoftLabelTable, bucket: int, num_shards: int, splits: Sequence[str]
) -> pa.Table:
    """Return the rows of one range of digests, in some splits, with their split last.

    Raises:
      DamagedTableError: a shard cannot be read.
    """
    schema = table.card.layout.table_schema
    parts = [schema.empty_table()]
    for shard in table.shards:
        meets = shard.meets(bucket, num_shards=num_shards, own_shards=table.card.num_shards)
        if meets and shard.split in splits:
            rows = read_shard(shard, schema.names[:-1])
            rows = rows.filter(pa.array(buckets(family(rows), num_shards=num_shards) == bucket))
            split = pa.repeat(pa.scalar(shard.split), rows.num_rows)
            parts.append(rows.append_column(schema.field(SPLIT_COLUMN), split).cast(schema))
    return pa.concat_tables(parts).combine_chunks()


def _first_found(
    tables: Sequence[SoftLabelTable], parts: Sequence[pa.Table], places: Sequence[pa.Array]
) -> pa.Table:
    """Return each row's columns, but for logits, from the first table that has it.

    A row is `aside` where every table that has it set it aside.
    """
    names = [
        name
        for name in tables[0].card.layout.table_schema.names
        if name not in tables[0].card.layout.logit_columns
    ]
    starts = np.cumsum([0, *(part.num_rows for part in parts)])[:-1]
    shifted = [pc.add(place.cast(pa.int64()), int(at)) for place, at in zip(places, starts)]  # noqa: B905
    whole = pa.concat_tables([part.select(names) for part in parts])
    rows = whole.take(pc.coalesce(*shifted)).combine_chunks()
    used = [
        pc.fill_null(pc.not_equal(part[SPLIT_COLUMN].take(place), ASIDE), False)
        for part, place in zip(parts, places, strict=True)
    ]
    number = rows.schema.get_field_index(SPLIT_COLUMN)
    splits = rows[SPLIT_COLUMN]
    splits = pc.if_else(reduce(pc.or_, used), _used_as(splits), splits)
    return rows.set_column(number, SPLIT_COLUMN, splits).cast(rows.schema)


def _used_as(splits: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return splits with `train` for `aside`, which is what a teacher is not sure enough of."""
    return pc.if_else(pc.equal(splits, ASIDE), "train", splits)


def _check_splits(
    tables: Sequence[SoftLabelTable],
    parts: Sequence[pa.Table],
    places: Sequence[pa.Array],
    rows: pa.Table,
) -> None:
    for table, part, place in zip(tables, parts, places, strict=True):
        found = part[SPLIT_COLUMN].take(place)
        found, own = _used_as(found), _used_as(rows[SPLIT_COLUMN])
        differ = pc.fill_null(pc.not_equal(found, own), False)
        if pc.any(differ).as_py():
            row = rows.filter(differ).slice(0, 1).to_pylist()[0]
            raise StaleTableError(
                f"tables are split otherwise: {table.path}: row {row['example_id']} is not in its "
                f"split {row[SPLIT_COLUMN]!r} there. Label one corpus, split in one way."
            )


def _answers(
    table: SoftLabelTable,
    part: pa.Table,
    place: pa.Array,
    offsets: npt.NDArray[np.int64] | None,
) -> npt.NDArray[np.float32]:
    """Return one teacher's answers to all rows, float32 [lines, classes]."""
    own = decode(part, table.card.layout)
    there = np.flatnonzero(place.is_valid().to_numpy(zero_copy_only=False))
    rows = place.drop_null().to_numpy().astype(np.int64)
    lines = len(place) if offsets is None else int(offsets[-1])
    found = np.full((lines, len(table.card.head.classes)), np.nan, np.float32)
    shape = RowLogits(found, offsets)
    found[shape.lines_of(there)] = own.take(rows).values
    return found

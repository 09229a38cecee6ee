"""Rows of tables of several heads: which of them are one, what it is called, and their order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import ConservationError
from schemas.layout import ASIDE, SPLIT_COLUMN, JoinedLayout
from stages.rows.columns import family
from stages.rows.identity import occurrences
from stages.table.writing.shards import is_made_id, made_ids

_OF_A_ROW = (
    SPLIT_COLUMN,
    "input_digest",
    "view",
    "parent_digest",
    "example_id",
    "source_file",
    "source_row",
)


def joined_rows(parts: Sequence[pa.Table], layout: JoinedLayout) -> pa.Table:
    """Return the rows of several tables, each once, in the order of a shard.

    A row of the corpus is one where its split, its input and its place in the corpus are equal; a
    view, where its split, its input, its number and its original are.

    Args:
      parts: rows of each head's table, of the same range of digests.
      layout: of all.

    Raises:
      ConservationError: a table has two rows that are one.
    """
    keys = [_keys(part) for part in parts]
    every = pc.unique(pa.chunked_array(keys, pa.binary()))
    columns: dict[str, pa.Array] = {}
    for own, part, key in zip(layout.parts, parts, keys, strict=True):
        place = pc.index_in(every, value_set=key)
        if len(place) - place.null_count != part.num_rows:
            raise ConservationError(
                f"rows would be lost: head {own.head.name!r}: {part.num_rows} rows, and "
                f"{len(place) - place.null_count} that differ in input or in place. Nothing became "
                "visible; give the files of the corpus other names."
            )
        found = part.take(place)
        for name in (*_OF_A_ROW, *own.features):
            column = found[name].combine_chunks()
            columns[name] = pc.coalesce(columns[name], column) if name in columns else column
        columns[own.head.presence_column] = place.is_valid()
        for name in (own.head.label_column, *own.logit_columns):
            columns[name] = found[name].combine_chunks()
    columns["example_id"] = _renumbered(pa.table({name: columns[name] for name in _OF_A_ROW}))
    schema = layout.table_schema
    rows = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    return rows.take(_order(rows))


def shared_rows(rows: pa.Table, layout: JoinedLayout) -> int:
    """Return how many rows more than one head has."""
    flags = [rows[part.head.presence_column].to_numpy() for part in layout.parts]
    return int((np.sum(flags, axis=0) > 1).sum())


def crossing_inputs(rows: pa.Table) -> int:
    """Return how many inputs of corpus rows are in several splits that are used."""
    used = pc.and_(pc.not_equal(rows[SPLIT_COLUMN], ASIDE), pc.equal(rows["view"], 0))
    pairs = rows.filter(used).group_by(["input_digest", SPLIT_COLUMN]).aggregate([])
    counts = pairs.group_by("input_digest").aggregate([([], "count_all")])["count_all"]
    return int(pc.sum(pc.greater(counts, 1)).as_py() or 0)


def _keys(rows: pa.Table) -> pa.Array:
    """Return what makes a row the same row in several tables, as bytes."""
    is_view = pc.greater(rows["view"], 0)
    no_row = pa.scalar(None, pa.int64())
    numbers = pc.cast(pc.if_else(is_view, no_row, rows["source_row"]), pa.string())
    file = rows["source_file"].cast(pa.binary())
    parts = (
        rows["input_digest"],
        pc.cast(rows["view"], pa.string()).cast(pa.binary()),
        rows[SPLIT_COLUMN].cast(pa.binary()),
        pc.fill_null(numbers, "").cast(pa.binary()),
        pc.if_else(is_view, pc.fill_null(rows["parent_digest"], b""), file),  # any bytes, so last
    )
    return pc.binary_join_element_wise(*parts, pa.scalar(b"\0", pa.binary())).combine_chunks()


def _renumbered(rows: pa.Table) -> pa.Array:
    """Return the ids of rows, those that were made numbered by place.

    Each head's table numbers rows of equal input by its own labels, so the numbers of one row may
    differ.
    """
    ids = rows["example_id"].combine_chunks()
    made = np.flatnonzero(is_made_id(ids, rows["input_digest"]) & (rows["view"].to_numpy() == 0))
    some = rows.take(pa.array(made))
    keys = ("input_digest", "source_file", "source_row", SPLIT_COLUMN)
    order = pc.sort_indices(some, sort_keys=[(key, "ascending") for key in keys]).to_numpy()
    digests = some["input_digest"].take(pa.array(order))
    names = np.array(ids.to_pylist(), object)
    names[made[order]] = made_ids(digests, occurrences(digests.combine_chunks())).to_pylist()
    return pa.array(names, pa.string())


def _order(rows: pa.Table) -> pa.Array:
    """Return the numbers of rows in the order of a shard, which depends on content only."""
    names = ("family", "view", "example_id", "source_file", "source_row")
    keyed = rows.select(list(names[1:])).append_column("family", family(rows))
    return pc.sort_indices(keyed, sort_keys=[(name, "ascending") for name in names])

"""Join tables of several heads into one: each row once, with what every head says of it.

No teacher is asked. A row of two tables is one row where its input, its split, its id and its place
in the corpus are equal; a head that a row is not of is null there, and `has_<head>` says so. Seen
by one head, the new table has just the rows of that head's own table, in their order. Memory: one
bucket of every table.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from schemas.joined import JoinedCard, JoinedCounts
from schemas.layout import ASIDE, SPLIT_COLUMN, SPLITS, JoinedLayout
from schemas.multi_task import check_columns
from schemas.provenance import fingerprint
from schemas.soft_labels import JOINED_FORMAT_VERSION
from stages.artefacts import MEASURES_FILE
from stages.atomic import write_whole
from stages.columns import family
from stages.combine.join import rows_of_bucket
from stages.label.card import code_version
from stages.label.publish import commit, put_in_place, version_number
from stages.label.shards import write_shards
from stages.label.staging import BucketRecord, Staging
from stages.progress import say, task
from stages.table import JoinedTable, SoftLabelTable, open_version, table_exists

_KEY = (SPLIT_COLUMN, "input_digest", "view", "example_id", "source_file", "source_row")
_OF_A_ROW = (*_KEY, "parent_digest")


def join_heads(tables: Mapping[str, SoftLabelTable], *, labels: Path) -> JoinedTable:
    """Make the table of several heads, or say that it is there.

    Args:
      tables: by task, each of one head.
      labels: folder of the new table.

    Raises:
      PipelineError: the tables cannot be in one, or another stated failure; nothing became visible.
    """
    layouts = {name: table.card.layout for name, table in tables.items()}
    check_columns(layouts, source=str(labels))
    join = _Join(list(tables.values()))
    if _is_current(labels, join.fingerprint):
        say(f"join: nothing to do, {labels} is up to date")
    else:
        join.make(labels)
    made = open_version(labels)
    assert isinstance(made, JoinedTable)
    for table, part in zip(tables.values(), made.parts(), strict=True):
        _copy_artefacts(table.artefacts_path, part.artefacts_path)
    return made


def _is_current(labels: Path, plan: str) -> bool:
    return table_exists(labels) and open_version(labels).card.plan_fingerprint == plan


def _copy_artefacts(source: Path, place: Path) -> None:
    """Copy what a teacher left, its measures last; what is there is left."""
    measures, there = source / MEASURES_FILE, place / MEASURES_FILE
    if there.is_file() and there.read_bytes() == measures.read_bytes():
        return
    there.unlink(missing_ok=True)
    shutil.copytree(source, place, dirs_exist_ok=True, ignore=lambda *_: [MEASURES_FILE])
    write_whole(there, measures.read_bytes())


class _Join:
    """Some tables that become one: what decides it, and how it is made."""

    def __init__(self, tables: Sequence[SoftLabelTable]) -> None:
        self._tables = tables
        self._shards = max(table.card.num_shards for table in tables)
        self._layout = JoinedLayout(parts=tuple(table.card.layout for table in tables))
        self.fingerprint = fingerprint(
            {
                "format_version": JOINED_FORMAT_VERSION,
                "num_shards": self._shards,
                "tables": [table.card.model_dump(mode="json") for table in tables],
            }
        )

    def make(self, labels: Path) -> None:
        """Write the shards, and commit them."""
        staging = Staging(labels, self.fingerprint)
        shared = crossing = 0
        with task("join", total=self._shards, unit="shards") as advance:
            for bucket in range(self._shards):
                rows = self._joined(bucket)
                shared += _shared_rows(rows, self._layout)
                crossing += _crossing_inputs(rows)
                self._write(rows, staging, bucket)
                advance(bucket + 1, "")
        card = self._card(staging.buckets(), shared=shared, crossing=crossing)
        attempt = f"{self.fingerprint}:{version_number(labels) + 1}"
        shards = put_in_place(staging.buckets(), staging)
        commit(labels, shards=shards, card=card, attempt=attempt)
        staging.remove()
        counts, names = card.counts, ", ".join(head.name for head in card.heads)
        say(f"join: {counts.rows} rows for {names}, {counts.shared_rows} of several; committed")
        if crossing:
            say(f"join: {crossing} inputs are in several splits, of one head or of several")

    def _joined(self, bucket: int) -> pa.Table:
        """Return a bucket's rows, in the order of a shard."""
        splits = (*SPLITS, ASIDE)
        parts = [rows_of_bucket(table, bucket, self._shards, splits) for table in self._tables]
        keys = [_keys(part) for part in parts]
        every = pc.unique(pa.chunked_array(keys, pa.binary()))
        places = [pc.index_in(every, value_set=key) for key in keys]
        columns: dict[str, pa.Array] = {}
        for layout, part, place in zip(self._layout.parts, parts, places, strict=True):
            found = part.take(place)
            for name in (*_OF_A_ROW, *layout.features):
                own = found[name].combine_chunks()
                columns[name] = pc.coalesce(columns[name], own) if name in columns else own
            columns[layout.head.presence_column] = place.is_valid()
            for name in (layout.head.label_column, *layout.logit_columns):
                columns[name] = found[name].combine_chunks()
        schema = self._layout.table_schema
        rows = pa.table({name: columns[name] for name in schema.names}, schema=schema)
        return rows.take(_order(rows))

    def _write(self, rows: pa.Table, staging: Staging, bucket: int) -> None:
        layout, shards = self._layout, self._shards
        files = write_shards(rows, staging, bucket=bucket, num_shards=shards, layout=layout)
        views = sum(file.views for file in files)
        staging.write_bucket(
            BucketRecord(
                bucket=bucket,
                rows=rows.num_rows - views,
                calls=0,
                reused=0,
                truncated=0,
                seconds=0.0,
                files=files,
            )
        )

    def _card(
        self, buckets: Mapping[int, BucketRecord], *, shared: int, crossing: int
    ) -> JoinedCard:
        files = [file for record in buckets.values() for file in record.files]
        return JoinedCard(
            format_version=JOINED_FORMAT_VERSION,
            plan_fingerprint=self.fingerprint,
            code_version=code_version(),
            num_shards=self._shards,
            counts=JoinedCounts(
                rows=sum(file.rows - file.views for file in files),
                views=sum(file.views for file in files),
                split_rows={
                    split: sum(file.rows - file.views for file in files if file.split == split)
                    for split in (*SPLITS, ASIDE)
                },
                shared_rows=shared,
                crossing_inputs=crossing,
            ),
            parts=tuple(
                table.card.model_copy(update={"num_shards": self._shards}) for table in self._tables
            ),
        )


def _keys(rows: pa.Table) -> pa.Array:
    """Return what makes a row the same row in several tables, as bytes."""
    lengths = pc.binary_length(rows["example_id"])
    parts = [lengths, *(rows[name] for name in _KEY if name != "input_digest")]
    texts = [pc.cast(part, pa.string()).cast(pa.binary()) for part in parts]
    between = pa.scalar(b"\0", pa.binary())
    return pc.binary_join_element_wise(rows["input_digest"], *texts, between).combine_chunks()


def _order(rows: pa.Table) -> pa.Array:
    """Return the numbers of rows in the order of a shard, each only once."""
    names = ("family", "view", "example_id", "source_file", "source_row")
    keyed = rows.select(list(names[1:])).append_column("family", family(rows))
    return pc.sort_indices(keyed, sort_keys=[(name, "ascending") for name in names])


def _shared_rows(rows: pa.Table, layout: JoinedLayout) -> int:
    flags = [pc.cast(rows[part.head.presence_column], pa.int8()) for part in layout.parts]
    total = flags[0]
    for other in flags[1:]:
        total = pc.add(total, other)
    return int(pc.sum(pc.greater(total, 1)).as_py() or 0)


def _crossing_inputs(rows: pa.Table) -> int:
    """Return how many inputs are in several splits that are used."""
    used = rows.filter(pc.not_equal(rows[SPLIT_COLUMN], ASIDE))
    pairs = used.select(["input_digest", SPLIT_COLUMN]).group_by(["input_digest", SPLIT_COLUMN])
    counts = pairs.aggregate([]).group_by("input_digest").aggregate([([], "count_all")])
    return int(pc.sum(pc.greater(counts["count_all"], 1)).as_py() or 0)

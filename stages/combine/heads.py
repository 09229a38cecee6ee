"""Join tables of several heads into one: each row once, with what every head says of it.

No teacher is asked. What `head_rows.py` finds to be one row is there once; a head that a row is not
of is null there, and `has_<head>` says so. Seen by one head, the new table has just the rows of
that head's own table, but those that another task holds out (`held_out.py`). Memory: one bucket of
every table, and the digests of what is held out.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from schemas.across import Across
from schemas.counted import counted
from schemas.crossing import Crossing
from schemas.errors import TableError
from schemas.joined import JoinedCard, JoinedCounts
from schemas.layout import ASIDE, SPLITS, JoinedLayout
from schemas.provenance import fingerprint
from schemas.soft_labels import JOINED_FORMAT_VERSION, Counts, TableCard
from schemas.task_checks import check_columns
from stages.combine.head_rows import crossing_inputs, joined_rows, shared_rows
from stages.combine.held_out import HeldOut
from stages.combine.join import rows_of_bucket
from stages.label.card import code_version, count
from stages.machine.atomic import write_whole
from stages.machine.own_folders import table_alone
from stages.machine.progress import say, task
from stages.table.artefacts import MEASURES_FILE
from stages.table.opening import JoinedTable, SoftLabelTable, open_version, table_exists
from stages.table.writing.publish import commit, put_in_place, version_number
from stages.table.writing.shards import write_shards
from stages.table.writing.staging import BucketRecord, Staging


def join_heads(
    tables: Mapping[str, SoftLabelTable],
    *,
    labels: Path,
    crossing: Mapping[str, Crossing] | None = None,
) -> JoinedTable:
    """Make the table of several heads, or say that it is there.

    Args:
      tables: by task, each of one head.
      labels: folder of the new table.
      crossing: by task, what it does with inputs that another task holds out [`keep`].

    Raises:
      PipelineError: the tables cannot be in one, or another stated failure; nothing became visible.
    """
    layouts = {name: table.card.layout for name, table in tables.items()}
    check_columns(layouts, source=str(labels))
    with table_alone(labels):
        join = _Join(tables, HeldOut(tables, crossing or {}))
        made = _joined_before(labels, tables)
        join.say_across()
        if made is not None and made.card.plan_fingerprint == join.fingerprint:
            say(f"join: nothing to do, {labels} is up to date")
            Staging(labels, join.fingerprint).remove()
        else:
            join.make(labels)
            made = _joined_before(labels, tables)
        assert made is not None
        for table, part in zip(tables.values(), made.parts(), strict=True):
            _copy_artefacts(table.artefacts_path, part.artefacts_path)
    return made


def _joined_before(labels: Path, tables: Mapping[str, SoftLabelTable]) -> JoinedTable | None:
    """Return the table of several heads that is in a folder, None for no table.

    Raises:
      TableError: there is one of one head, which may be one of those that are joined.
    """
    if not table_exists(labels):
        return None
    found = open_version(labels)
    if isinstance(found, SoftLabelTable):
        raise TableError(
            f"table would be replaced: {labels}: found one of the head {found.card.head.name!r}, "
            f"expected none, or one of {', '.join(tables)}. Name another folder in --out."
        )
    return found


def _copy_artefacts(source: Path, place: Path) -> None:
    """Copy what a teacher left, its measures last; what is there is left."""
    measures, there = source / MEASURES_FILE, place / MEASURES_FILE
    if there.is_file() and there.read_bytes() == measures.read_bytes():
        return
    there.unlink(missing_ok=True)
    shutil.copytree(source, place, dirs_exist_ok=True, ignore=lambda *_: [MEASURES_FILE])
    write_whole(there, measures.read_bytes())


def _less(counts: Counts, across: Across) -> Counts:
    """Return the counts of a table without what is left out of it."""
    gone = across.left_out
    return counts.model_copy(
        update={
            "rows": counts.rows - sum(gone.values()),
            "views": counts.views - across.views_left_out,
            "split_rows": {
                split: rows - gone.get(split, 0) for split, rows in counts.split_rows.items()
            },
        }
    )


class _Join:
    """Some tables that become one: what decides it, and how it is made."""

    def __init__(self, tables: Mapping[str, SoftLabelTable], held_out: HeldOut) -> None:
        self._tables, self._held_out = tables, held_out
        cards = [table.card for table in tables.values()]
        self._shards = max(card.num_shards for card in cards)
        self._layout = JoinedLayout(parts=tuple(card.layout for card in cards))
        parts: dict[str, Any] = {
            "format_version": JOINED_FORMAT_VERSION,
            "num_shards": self._shards,
            "tables": [card.model_dump(mode="json") for card in cards],
        }
        if held_out.crosses:
            parts["across"] = [one.model_dump(mode="json") for one in held_out.found.values()]
        self.fingerprint = fingerprint(parts)

    def say_across(self) -> None:
        """Say which task learns from what another holds out, and what can be done."""
        found = [(name, one) for name, one in self._held_out.found.items() if one != Across()]
        kept = any(one.inputs and not one.left_out for _, one in found)
        remedy = '; with corpus.crossing = "drop" these rows are left out' if kept else ""
        if found:
            say(f"join: {'. '.join(f'{name}: {one.said}' for name, one in found)}{remedy}")

    def make(self, labels: Path) -> None:
        """Write the shards, and commit them."""
        staging = Staging(labels, self.fingerprint)
        shared = crossing = 0
        with task("join", total=self._shards, unit="shards") as advance:
            for bucket in range(self._shards):
                rows = self._joined(bucket)
                shared += shared_rows(rows, self._layout)
                crossing += crossing_inputs(rows)
                self._write(rows, staging, bucket)
                advance(bucket + 1, "")
        buckets = staging.buckets()
        card = self._card(buckets, shared=shared, crossing=crossing)
        attempt = f"{self.fingerprint}:{version_number(labels) + 1}"
        shards = put_in_place(buckets, staging)
        commit(labels, shards=shards, card=card, attempt=attempt)
        staging.remove()
        counts, names = card.counts, ", ".join(head.name for head in card.heads)
        say(f"join: {counts.rows} rows for {names}, {counts.shared_rows} of several; committed")
        if crossing:
            inputs = counted(crossing, "input is in", "inputs are in")
            say(f"join: {inputs} several splits, of one head or of several")

    def _joined(self, bucket: int) -> pa.Table:
        splits = (*SPLITS, ASIDE)
        parts = [
            self._held_out.less(name, rows_of_bucket(table, bucket, self._shards, splits))
            for name, table in self._tables.items()
        ]
        return joined_rows(parts, self._layout)

    def _write(self, rows: pa.Table, staging: Staging, bucket: int) -> None:
        layout, shards = self._layout, self._shards
        files = write_shards(rows, staging, bucket=bucket, num_shards=shards, layout=layout)
        views = sum(file.views for file in files)
        staging.write_bucket(BucketRecord(bucket=bucket, rows=rows.num_rows - views, files=files))

    def _card(
        self, buckets: Mapping[int, BucketRecord], *, shared: int, crossing: int
    ) -> JoinedCard:
        counts = count(buckets, None, resumed=0, quarantined=0)
        return JoinedCard(
            format_version=JOINED_FORMAT_VERSION,
            plan_fingerprint=self.fingerprint,
            code_version=code_version(),
            num_shards=self._shards,
            counts=JoinedCounts(
                rows=counts.rows,
                views=counts.views,
                split_rows=counts.split_rows,
                shared_rows=shared,
                crossing_inputs=crossing,
            ),
            lacking={
                file.path: file.lacking for record in buckets.values() for file in record.files
            },
            parts=tuple(self._part(name) for name in self._tables),
        )

    def _part(self, name: str) -> TableCard:
        """Return the card of a head's own table, with the rows that the table of all has of it."""
        card, across = self._tables[name].card, self._held_out.found[name]
        changed: dict[str, Any] = {"num_shards": self._shards}
        if across != Across():
            changed["across"] = across
            changed["counts"] = _less(card.counts, across)
        return card.model_copy(update=changed)

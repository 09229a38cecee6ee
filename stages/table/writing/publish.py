"""Publish: move staged shards to their places and make them visible in one transaction.

Before the commit nobody sees the files; after it everybody sees all of them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from schemas.errors import PublishError
from schemas.layout import SPLIT_COLUMN
from stages.table.delta_errors import one_line
from stages.table.files import visible_shards
from stages.table.log import CARD_KEY, AnyCard
from stages.table.opening import open_delta
from stages.table.shard import RUN_AGAIN, Shard
from stages.table.writing.staging import BucketRecord, Staging


def put_in_place(buckets: Mapping[int, BucketRecord], staging: Staging) -> list[Shard]:
    """Move the staged files of every bucket to their places; a file that is there is left.

    Raises:
      PublishError: one cannot be moved; nothing became visible.
    """
    shards = []
    for number in sorted(buckets):
        for file in buckets[number].files:
            place = staging.table_path / file.path
            waiting = staging.shard_path(file.path)
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                if waiting.exists():
                    waiting.replace(place)
            except OSError as error:
                raise PublishError(
                    f"shard cannot be put in its place: {place}: {error.strerror}. Nothing became "
                    f"visible. Mend the cause and {RUN_AGAIN}"
                ) from error
            if not place.is_file():
                raise PublishError(
                    f"staged shard is gone: {place}: another run has removed it. Nothing became "
                    f"visible. Alone, {RUN_AGAIN}"
                )
            shards.append(Shard(place, file.split, file.rows, file.size_bytes))
    return shards


def commit(path: Path, *, shards: Sequence[Shard], card: AnyCard, attempt: str) -> int:
    """Make the shards the table's newest version, in one transaction; return its number.

    The files are already in their places under `path`. A second commit of the same attempt
    is refused, and so is one from a snapshot that another writer has overtaken.

    Raises:
      PublishError: the log could not be written; the version before stays the visible one.
    """
    properties = CommitProperties(
        custom_metadata={CARD_KEY: card.model_dump_json()},
        app_transactions=[Transaction(attempt, 1)],
        max_commit_retries=0,  # a retry would land on a version that nobody has looked at
    )
    schema = Schema.from_arrow(card.layout.table_schema)
    try:
        delta = open_delta(path)
        if delta is None:
            create_table_with_add_actions(
                str(path),
                schema,
                [_add_action(shard, path) for shard in shards],
                mode="error",
                partition_by=[SPLIT_COLUMN],
                name="softshards",
                commit_properties=properties,
            )
        else:
            _refuse_second_commit(delta, path, attempt)
            mode, actions = _changes(delta, path, shards, schema)
            delta.create_write_transaction(
                actions, mode, schema, partition_by=[SPLIT_COLUMN], commit_properties=properties
            )
        return DeltaTable(path).version()
    except (DeltaError, OSError) as error:
        raise PublishError(
            f"commit failed: {path}: {one_line(error)}, or another writer was faster. Nothing "
            f"became visible; the labelled shards are kept. Mend the cause and {RUN_AGAIN}"
        ) from error


def version_number(path: Path) -> int:
    """Return the newest version's number, -1 before the first."""
    delta = open_delta(path)
    return -1 if delta is None else delta.version()


def _changes(
    delta: DeltaTable, path: Path, shards: Sequence[Shard], schema: Schema
) -> tuple[Literal["append", "overwrite"], list[AddAction | RemoveAction]]:
    """Return what turns the visible version into the new one.

    A shard whose bytes did not change keeps its name and is neither added nor removed: Delta
    forbids both for one path in one commit.
    """
    if delta.schema() != schema:
        return "overwrite", [_add_action(shard, path) for shard in shards]
    before = {shard.path: shard for shard in visible_shards(delta, path)}
    after = {shard.path: shard for shard in shards}
    actions: list[AddAction | RemoveAction] = [
        _add_action(shard, path) for place, shard in after.items() if place not in before
    ]
    actions += [
        _remove_action(shard, path) for place, shard in before.items() if place not in after
    ]
    return "append", actions


def _remove_action(shard: Shard, path: Path) -> RemoveAction:
    return RemoveAction(
        path=shard.path.relative_to(path).as_posix(),
        data_change=True,
        deletion_timestamp=int(time.time() * 1000),
        size=shard.size_bytes,
        partition_values={SPLIT_COLUMN: shard.split},
    )


def _refuse_second_commit(delta: DeltaTable, path: Path, attempt: str) -> None:
    if delta.transaction_version(attempt) is not None:
        raise PublishError(
            f"commit refused: {path}: this attempt is already in the log, so its rows are "
            "visible. Nothing needs doing."
        )


def _add_action(shard: Shard, path: Path) -> AddAction:
    return AddAction(
        path=shard.path.relative_to(path).as_posix(),
        size=shard.size_bytes,
        partition_values={SPLIT_COLUMN: shard.split},
        modification_time=int(time.time() * 1000),
        data_change=True,
        stats=json.dumps({"numRecords": shard.rows}),
    )

"""The table: whole versions only, readable by others, and damage found on opening."""

import json
from pathlib import Path

import duckdb
import duckdb_extension_delta
import polars
import pytest

from schemas.errors import (
    DamagedTableError,
    MissingTableError,
    PublishError,
    StaleTableError,
)
from schemas.heads import Head
from schemas.soft_labels import FORMAT_VERSION
from stages.table.opening import open_delta, open_table
from stages.table.shard import read_shard
from stages.table.writing import publish
from stages.table.writing.publish import commit
from tests import tiny


def test_nothing_there(tmp_path):
    with pytest.raises(MissingTableError, match="Run `label`"):
        open_table(tmp_path / "labels")


def test_polars_reads_text_label_and_logits(table):
    frame = polars.read_delta(str(table.path))
    assert frame.height == table.card.counts.rows
    row = frame.filter(polars.col("split") == "test").row(0, named=True)
    assert row["label_thing"] in tiny.CLASSES
    assert len(row["teacher_thing"]) == 3
    assert row["text"]


def test_duckdb_reads_text_label_and_logits(table):
    folder = Path(next(iter(duckdb_extension_delta.__path__)))
    (extension,) = folder.rglob("delta.duckdb_extension")
    with duckdb.connect() as connection:
        connection.load_extension(str(extension))
        found = connection.execute(
            f"select text, label_thing, teacher_thing, split from delta_scan('{table.path}')"
        ).fetchall()
    assert len(found) == table.card.counts.rows
    assert all(label in tiny.CLASSES and len(logits) == 3 for _, label, logits, _ in found)
    assert {split for *_, split in found} == {"train", "validation", "test"}


def test_another_head_is_refused(table):
    other = Head(name="thing", classes=("animal", "fruit"))
    with pytest.raises(StaleTableError, match="with 3 classes.*expected 'thing' with 2 classes"):
        open_table(table.path, head=other)


def test_a_missing_shard_is_found_on_opening(table):
    table.shards[0].path.unlink()
    with pytest.raises(DamagedTableError, match="it is missing, the log says"):
        open_table(table.path)


def test_a_truncated_shard_is_found_on_opening(table):
    path = table.shards[0].path
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DamagedTableError, match=r"it has \d+ bytes, the log says"):
        open_table(table.path)


def test_a_shard_of_the_right_size_that_is_no_parquet_is_found_on_reading(table):
    shard = table.shards[0]
    shard.path.write_bytes(b"x" * shard.size_bytes)
    with pytest.raises(DamagedTableError, match="shard is damaged: .*its bytes have digest"):
        read_shard(shard, ["text"])


def test_an_attempt_is_committed_once(table):
    with pytest.raises(PublishError, match="commit refused: .*already in the log"):
        for _ in range(2):
            commit(table.path, shards=table.shards, card=table.card, attempt="same")
    assert open_table(table.path).version == table.version + 1


def test_a_writer_that_was_overtaken_is_refused(table, monkeypatch):
    stale = open_delta(table.path)
    commit(table.path, shards=table.shards, card=table.card, attempt="first")
    monkeypatch.setattr(publish, "open_delta", lambda path: stale)
    with pytest.raises(PublishError, match="commit failed: .*another writer was faster"):
        commit(table.path, shards=table.shards, card=table.card, attempt="second")
    monkeypatch.undo()
    assert open_table(table.path).version == table.version + 1


def test_another_format_version_is_refused(table):
    card = table.card.model_copy(update={"format_version": 999})
    commit(table.path, shards=table.shards, card=card, attempt="next")
    with pytest.raises(StaleTableError, match=f"found version 999, expected {FORMAT_VERSION}"):
        open_table(table.path)


def test_a_card_of_another_release_is_refused(table, monkeypatch):
    log = sorted((table.path / "_delta_log").glob("*.json"))[-1]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if "commitInfo" in line:
            card = json.loads(line["commitInfo"]["softshards"])
            line["commitInfo"]["softshards"] = json.dumps({**card, "novelty": 1})
    log.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(StaleTableError, match="card cannot be read"):
        open_table(table.path)


def test_a_delta_table_of_someone_else_is_refused(tmp_path):
    polars.DataFrame({"x": [1]}).write_delta(str(tmp_path / "other"))
    with pytest.raises(StaleTableError, match="not a soft-label table"):
        open_table(tmp_path / "other")

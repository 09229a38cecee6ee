"""Versions are listed with what each cost; a vacuum harms none that is still needed."""

import os

import pytest

from schemas.errors import MissingTableError
from stages.table.opening import open_table
from stages.table.verify import verify
from stages.table.writing.staging import BucketRecord, ShardFile, Staging
from stages.table.writing.versions import history, history_rows, vacuum
from tests import tiny


@pytest.fixture
def three_versions(labelled):
    for count in (60, 90):
        tiny.write_corpus(labelled / "corpus.jsonl", tiny.examples(count))
        tiny.label(labelled, labelled / "labels")
    return labelled / "labels"


def test_history_says_what_each_version_cost(three_versions):
    versions = history(three_versions)
    assert [version.number for version in versions] == [2, 1, 0]
    assert [version.card.counts.rows for version in versions] == [90, 60, 120]
    first = versions[2].card.counts
    assert [version.card.counts.teacher_calls for version in versions][1:] == [
        0,
        first.distinct_inputs + first.other_calls["preflight"],
    ]
    heads, newest, *_ = history_rows(versions)
    assert len(heads) == len(newest)


def test_a_vacuum_removes_what_only_old_versions_need(three_versions):
    (Staging(three_versions, "unfinished").path / "files").mkdir(parents=True)
    marker = Staging(three_versions, "unfinished").path / "files" / "half"
    marker.write_text("x")
    before = set(three_versions.rglob("shard-*.parquet"))
    visible = {shard.path for shard in open_table(three_versions).shards}
    named = vacuum(three_versions, keep_days=0, dry_run=True)
    assert set(three_versions.rglob("shard-*.parquet")) == before
    removed = vacuum(three_versions, keep_days=0, dry_run=False)
    assert sorted(named) == sorted(removed)
    assert set(three_versions.rglob("shard-*.parquet")) == visible < before
    assert marker.exists()
    table = open_table(three_versions)
    assert verify(table).rows == 90
    assert list(table.artefacts_path.iterdir())


def test_a_vacuum_leaves_what_is_not_the_tables(three_versions):
    others = [
        three_versions / "students" / "lstm" / "student.keras",
        three_versions / "report" / "report.json",
        three_versions
        / "tasks"
        / "a"
        / "labels"
        / "split=train"
        / "shard-00000-of-00001-ab.parquet",
        three_versions / "split=train" / "notes.parquet",
        three_versions / "split=train" / "shard-00000-of-00001-ab.parquet",  # of a run at work
    ]
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    waiting = ShardFile(
        path=str(others[-1].relative_to(three_versions)), split="train", rows=1, size_bytes=1
    )
    Staging(three_versions, "unfinished").write_bucket(
        BucketRecord(
            bucket=0, rows=1, calls=1, reused=0, truncated=0, seconds=0.0, files=(waiting,)
        )
    )
    assert vacuum(three_versions, keep_days=0, dry_run=False)
    assert all(path.exists() for path in others)
    Staging(three_versions, "unfinished").remove()
    assert vacuum(three_versions, keep_days=0, dry_run=False) == [waiting.path]


def test_a_part_of_an_hour_is_not_cut_to_none(three_versions):
    assert vacuum(three_versions, keep_days=0.02, dry_run=False) == []


def test_a_vacuum_keeps_what_is_younger_than_asked(three_versions):
    assert vacuum(three_versions, keep_days=7, dry_run=False) == []


def test_labelling_goes_on_after_a_vacuum(three_versions, labelled):
    vacuum(three_versions, keep_days=0, dry_run=False)
    tiny.write_corpus(labelled / "corpus.jsonl", tiny.examples())
    table = tiny.label(labelled, three_versions)
    assert table.version > 2
    assert table.card.counts.rows == len(tiny.rows_of(table)) == 120


@pytest.mark.parametrize("act", [history, lambda path: vacuum(path, keep_days=1, dry_run=True)])
def test_nothing_there(act, tmp_path):
    with pytest.raises(MissingTableError, match="nothing committed"):
        act(tmp_path / "none")

"""Work that is done twice, or by two at once: equal tables, never a mixed one."""

import pytest

from schemas.errors import PublishError
from stages.label import pipeline
from stages.table.opening import open_table
from stages.table.verify import verify
from stages.table.writing import publish
from stages.table.writing.staging import BucketRecord, ShardFile, Staging
from tests import tiny

REPEATED = ("--direct_runner_bundle_repeat=1",)


def test_every_bundle_executed_twice_gives_the_same_table(table, experiment, monkeypatch):
    written = []
    real = Staging.write_bucket
    monkeypatch.setattr(
        Staging, "write_bucket", lambda self, one: (written.append(one.bucket), real(self, one))
    )
    other = tiny.label(experiment, experiment / "twice", beam=REPEATED)
    assert sorted(written) == sorted([*range(4)] * 2)
    assert tiny.rows_of(other) == tiny.rows_of(table)
    assert other.card.counts.rows == 120
    verify(other)


def other_run(folder):
    """Commit another corpus to the same table, as a second run at the same time does."""
    tiny.write_corpus(folder / "other.jsonl", tiny.examples(30))
    return tiny.label(folder, folder / "labels", 'corpus.files=[{path="other.jsonl"}]')


def interleave(monkeypatch, module, name, work):
    """Do the other work once, just before `name` is called the first time."""
    real, waiting = getattr(module, name), [work]

    def interleaved(*args, **kwargs):
        while waiting:
            waiting.pop()()
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, interleaved)


@pytest.mark.parametrize("name", ["teacher_quality", "put_in_place", "commit"])
def test_of_two_runs_the_last_to_commit_is_whole(name, table, labelled, monkeypatch):
    tiny.write_corpus(labelled / "corpus.jsonl", tiny.examples(60))
    interleave(monkeypatch, pipeline, name, lambda: other_run(labelled))
    mine = tiny.label(labelled, labelled / "labels")
    assert mine.version == 2
    verify(mine)
    assert mine.card.counts.rows == len(tiny.rows_of(mine)) == 60
    monkeypatch.undo()
    monkeypatch.chdir(labelled)
    fresh = tiny.label(labelled, labelled / "fresh")
    assert tiny.rows_of(mine) == tiny.rows_of(fresh)


def test_a_run_that_is_overtaken_within_its_commit_fails_and_then_completes(labelled, monkeypatch):
    tiny.write_corpus(labelled / "corpus.jsonl", tiny.examples(60))
    interleave(monkeypatch, publish, "_refuse_second_commit", lambda: other_run(labelled))
    with pytest.raises(PublishError, match="another writer was faster. Nothing became visible"):
        tiny.label(labelled, labelled / "labels")
    theirs = open_table(labelled / "labels")
    assert theirs.card.counts.rows == len(tiny.rows_of(theirs)) == 30
    verify(theirs)
    again = tiny.label(labelled, labelled / "labels")
    assert again.card.counts.resumed_shards == 4
    assert again.card.counts.rows == len(tiny.rows_of(again)) == 60
    verify(again)


def test_a_staged_file_that_is_gone_is_never_committed(tmp_path):
    file = ShardFile(
        path="split=train/shard-00000-of-00001-ab.parquet", split="train", rows=1, size_bytes=9
    )
    record = BucketRecord(
        bucket=0, rows=1, calls=1, reused=0, truncated=0, seconds=0.0, files=(file,)
    )
    with pytest.raises(PublishError, match="staged shard is gone: .*shard-00000"):
        publish.put_in_place({0: record}, Staging(tmp_path, "plan"))


def test_a_commit_leaves_what_another_run_is_about_and_clears_what_is_old(labelled):
    import os
    import time

    busy, old = (labelled / "labels" / "_staging" / name for name in ("busy", "old"))
    for folder in (busy, old):
        folder.mkdir(parents=True)
        (folder / "encoding.json").write_text("{}")
    long_ago = time.time() - 30 * 24 * 3600
    for path in (old / "encoding.json", old):
        os.utime(path, (long_ago, long_ago))
    tiny.write_corpus(labelled / "corpus.jsonl", tiny.examples(60))
    tiny.label(labelled, labelled / "labels")
    assert busy.exists()
    assert not old.exists()

"""Labelling: equal tables whatever the engine, the order or the interruption."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import polars
import pytest

from schemas.errors import (
    ConservationError,
    CorpusError,
    PublishError,
    StorageError,
    TableError,
    TeacherError,
)
from stages.label import pipeline
from stages.label.pipeline import check_conservation
from stages.label.planning.plan import plan_label
from stages.table.opening import open_table, table_exists
from stages.table.writing import shards, staging
from stages.table.writing.staging import BucketRecord, Staging, UnitRecord
from stages.teachers.folder import open_teacher
from tests import tiny

# Beam's thread reports how a worker process ended that it is tearing down; rows and errors are
# what these tests look at.
WORKERS_MAY_END_BADLY = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)


def without_origin(rows):
    return [
        {key: value for key, value in row.items() if not key.startswith("source_")} for row in rows
    ]


def test_every_row_is_there_with_its_label_and_the_teachers_answer(table):
    rows = tiny.rows_of(table)
    expected = sorted((row["text"], row["thing"]) for row in tiny.examples())
    assert sorted((row["text"], row["label_thing"]) for row in rows) == expected
    top = [tiny.CLASSES[int(np.argmax(row["teacher_thing"]))] for row in rows]
    assert top == [row["label_thing"] for row in rows]


def test_repeats_are_counted_and_asked_once(table):
    counts = table.card.counts
    distinct = len({row["text"] for row in tiny.examples()})
    assert counts.rows == 120 > distinct
    assert counts.distinct_inputs == distinct
    assert counts.teacher_calls == distinct + counts.other_calls["preflight"]
    assert sum(counts.split_rows.values()) == 120


def test_equal_inputs_share_a_split(table):
    splits = {}
    for row in tiny.rows_of(table):
        splits.setdefault(row["text"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())


def test_a_second_run_does_nothing(labelled, capsys):
    again = tiny.label(labelled, labelled / "labels")
    assert again.version == 0
    assert "label: nothing to do" in capsys.readouterr().err


@WORKERS_MAY_END_BADLY
def test_two_worker_processes_give_the_same_table(table, experiment):
    beam = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    other = tiny.label(experiment, experiment / "two", beam=beam)
    assert tiny.rows_of(other) == tiny.rows_of(table)
    assert {shard.path.name for shard in other.shards} == {s.path.name for s in table.shards}


def test_shuffled_corpus_files_give_the_same_rows(table, experiment):
    rows = tiny.examples()
    random.Random(3).shuffle(rows)
    for number in range(3):
        tiny.write_corpus(experiment / f"part-{number}.jsonl", rows[number::3])
    files = ", ".join(f'{{path="part-{number}.jsonl"}}' for number in (2, 0, 1))
    other = tiny.label(experiment, experiment / "shuffled", f"corpus.files=[{files}]")
    assert without_origin(tiny.rows_of(other)) == without_origin(tiny.rows_of(table))


def test_a_new_corpus_is_a_new_version_and_the_old_one_stays_until_then(labelled):
    tiny.write_corpus(labelled / "corpus.jsonl", tiny.examples(30))
    newer = tiny.label(labelled, labelled / "labels")
    assert newer.version == 1
    assert newer.card.counts.rows == len(tiny.rows_of(newer)) == 30


KILLED = """
import sys, time
from pathlib import Path
from stages.table.writing.staging import Staging
from tests import tiny

write = Staging.write_bucket
def write_and_wait(self, record):
    write(self, record)
    print("staged", flush=True)
    time.sleep(60)

Staging.write_bucket = write_and_wait
tiny.label(Path(sys.argv[1]), Path(sys.argv[1]) / "labels")
"""


def test_killed_half_way_nothing_is_visible_and_a_rerun_completes(table, experiment):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(experiment)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout.readline() == "staged\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert not table_exists(experiment / "labels")
    again = tiny.label(experiment, experiment / "labels")
    assert again.version == 0
    assert again.card.counts.resumed_shards == 1
    assert tiny.rows_of(again) == tiny.rows_of(table)
    assert not (experiment / "labels" / "_staging").exists()


def test_an_empty_corpus_commits_nothing(experiment):
    (experiment / "corpus.jsonl").write_text("")
    with pytest.raises(CorpusError, match="corpus is empty"):
        tiny.label(experiment, experiment / "labels")
    assert not table_exists(experiment / "labels")


def test_a_bad_row_commits_nothing_and_keeps_the_version_before(labelled):
    rows = [*tiny.examples(30), {"text": "x", "thing": "frit"}]
    tiny.write_corpus(labelled / "corpus.jsonl", rows)
    with pytest.raises(CorpusError, match="corpus.jsonl row 31 column 'thing': found 'frit'"):
        tiny.label(labelled, labelled / "labels")
    assert open_table(labelled / "labels").version == 0


def test_a_teacher_whose_logits_are_nan_commits_nothing(experiment):
    tiny.write_teacher(experiment / "teacher", bias=float("nan"))
    with pytest.raises(TeacherError, match="logits that are not finite"):
        tiny.label(experiment, experiment / "labels")
    assert not table_exists(experiment / "labels")


@WORKERS_MAY_END_BADLY
def test_a_failure_in_a_worker_process_is_stated_too(experiment):
    tiny.write_teacher(experiment / "teacher", bias=float("nan"))
    beam = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    with pytest.raises(TeacherError, match="logits that are not finite"):
        tiny.label(experiment, experiment / "labels", beam=beam)


def test_a_teacher_with_other_classes_is_refused(experiment):
    tiny.write_teacher(experiment / "teacher", classes=("animal", "fruit"))
    with pytest.raises(TeacherError, match="found 2 .*expected 3"):
        tiny.label(experiment, experiment / "labels")


def test_a_teacher_whose_model_disagrees_with_its_card_is_refused(experiment):
    card = (experiment / "teacher" / "teacher.json").read_text()
    tiny.write_teacher(experiment / "teacher", classes=("animal", "fruit"))
    (experiment / "teacher" / "teacher.json").write_text(card)
    with pytest.raises(TeacherError, match="found 2 outputs, expected 3"):
        tiny.label(experiment, experiment / "labels")


def test_a_log_that_cannot_be_read_is_stated(experiment):
    labels = experiment / "labels"
    labels.mkdir()
    (labels / "_delta_log").write_text("in the way")
    with pytest.raises(TableError, match="table cannot be opened: .*Not a directory"):
        tiny.label(experiment, labels)


class NoRoom:
    """Within it no file of this process may grow: the system's own limit, not a pretence."""

    def __enter__(self):
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, self._before[1]))

    def __exit__(self, *error):
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


def no_room_in(monkeypatch, module, name):
    real = getattr(module, name)

    def limited(*args, **kwargs):
        with NoRoom():
            return real(*args, **kwargs)

    monkeypatch.setattr(module, name, limited)


@pytest.mark.parametrize(
    ("module", "name", "error", "message"),
    [
        (pipeline, "commit", PublishError, "commit failed: .*Nothing became visible"),
        (staging, "write_whole", StorageError, "file cannot be written: .*Make room"),
        (shards, "write_whole", StorageError, "file cannot be written: .*Make room"),
    ],
)
def test_no_room_on_the_disk_is_stated_and_the_rerun_completes(
    module, name, error, message, table, experiment, monkeypatch
):
    no_room_in(monkeypatch, module, name)
    with pytest.raises(error, match=message) as failure:
        tiny.label(experiment, experiment / "labels")
    assert "\n" not in str(failure.value)
    assert not table_exists(experiment / "labels")
    monkeypatch.undo()
    monkeypatch.chdir(experiment)
    again = tiny.label(experiment, experiment / "labels")
    assert tiny.rows_of(again) == tiny.rows_of(table)


def corpus_plan(experiment):
    run = tiny.run()
    teacher = open_teacher(experiment / "teacher", classes=run.head.classes)
    return plan_label(run, base=experiment, teacher=teacher).corpus


def bucket(number, rows):
    return BucketRecord(
        bucket=number, rows=rows, calls=rows, reused=0, truncated=0, seconds=0.0, files=()
    )


@pytest.mark.parametrize(
    ("units", "buckets"),
    [
        ({}, {0: bucket(0, 2)}),
        ({"corpus.jsonl#0#0": {0: 2, 1: 3}}, {0: bucket(0, 2)}),
        ({"corpus.jsonl#0#0": {0: 2}}, {0: bucket(0, 2), 1: bucket(1, 3)}),
        ({"corpus.jsonl#0#0": {0: 2}}, {0: bucket(0, 1)}),
    ],
)
def test_rows_that_are_lost_or_doubled_stop_the_commit(units, buckets, experiment):
    plan = corpus_plan(experiment)
    records = {
        name: UnitRecord(name=name, rows=sum(rows.values()), rows_by_bucket=rows)
        for name, rows in units.items()
    }
    with pytest.raises(ConservationError):
        check_conservation(plan, records, buckets)


def test_a_unit_whose_rows_do_not_add_up_stops_the_commit(experiment):
    plan = corpus_plan(experiment)
    record = UnitRecord(name="corpus.jsonl#0#0", rows=4, rows_by_bucket={0: 2}, quarantined=1)
    with pytest.raises(ConservationError, match="4 read, 1 quarantined, 2 sent on"):
        check_conservation(plan, {record.name: record}, {0: bucket(0, 2)})


def test_a_staged_bucket_of_another_plan_is_not_used(experiment):
    tiny.label(experiment, experiment / "labels")
    Staging(experiment / "labels", "another plan").write_bucket(bucket(0, 5))
    started = time.time()
    table = tiny.label(experiment, experiment / "labels", "label.num_shards=2")
    assert table.card.counts.resumed_shards == 0
    assert all(shard.path.stat().st_mtime >= started - 1 for shard in table.shards)


def test_shards_that_did_not_change_stay_in_the_next_version(labelled):
    rows = [*tiny.examples(), {"text": "a brand new question", "thing": "tool"}]
    tiny.write_corpus(labelled / "corpus.jsonl", rows)
    before = {shard.path for shard in open_table(labelled / "labels").shards}
    newer = tiny.label(labelled, labelled / "labels")
    kept = before & {shard.path for shard in newer.shards}
    assert len(kept) == len(before) - 1
    assert newer.card.counts.rows == len(tiny.rows_of(newer)) == 121
    assert polars.read_delta(str(newer.path)).height == 121
    log = sorted((newer.path / "_delta_log").glob("*.json"))[-1].read_text().splitlines()
    actions = [json.loads(line) for line in log]
    added = {action["add"]["path"] for action in actions if "add" in action}
    removed = {action["remove"]["path"] for action in actions if "remove" in action}
    assert len(added) == len(removed) == 1
    assert not added & removed


def test_a_version_may_have_another_head(labelled):
    renamed = tiny.label(
        labelled,
        labelled / "labels",
        'heads=[{name="kind", column="thing", classes=["animal", "fruit", "tool"]}]',
    )
    assert renamed.version == 1
    assert len(tiny.rows_of(renamed)) == 120
    frame = polars.read_delta(str(renamed.path))
    assert frame.height == 120
    assert {"label_kind", "teacher_kind"} <= set(frame.columns)
    assert "label_thing" not in frame.columns

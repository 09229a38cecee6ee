"""Quarantine: a poisoned row costs nothing but itself; too many stop the run."""

import json

import pyarrow.parquet as pq
import pytest

from schemas.errors import QuarantineError
from schemas.quarantine import QUARANTINE_SCHEMA
from stages.label.planning.forecast import forecast
from stages.label.planning.plan import plan_label
from stages.table.opening import table_exists
from stages.table.writing.quarantine import quarantine_path
from stages.teachers.folder import open_teacher
from tests import tiny


def poison(folder):
    """Write a corpus of 120 good rows and 6 bad ones among them; return the bad rows' numbers."""
    lines = [json.dumps(row).encode() for row in tiny.examples()]
    bad = [
        b'{"text": "cat", "thing"',
        b'{"text": ["cat"], "thing": "animal"}',
        b'{"text": "c\xe9t", "thing": "animal"}',
        b'{"text": "cat", "thing": "frit"}',
        b'{"thing": "animal"}',
        json.dumps({"text": "cat " * 250_000, "thing": "animal"}).encode(),
    ]
    places = [3, 30, 31, 70, 100, 120]
    for place, line in zip(places, bad, strict=True):
        lines.insert(place, line)
    (folder / "corpus.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return [place + 1 for place in places]


POLICY = ("label.too_long=quarantine", "label.max_quarantined=0.05")


def quarantined(table):
    return pq.read_table(quarantine_path(table.path, table.card.plan_fingerprint))


def test_all_others_are_labelled_and_each_poisoned_row_is_there_with_its_reason(experiment, table):
    places = poison(experiment)
    other = tiny.label(experiment, experiment / "labels", *POLICY)
    found = quarantined(other)
    assert found.schema.equals(QUARANTINE_SCHEMA)
    assert found["source_row"].to_pylist() == places
    assert set(found["source_file"].to_pylist()) == {"corpus.jsonl"}
    assert found["stage"].to_pylist() == ["read"] * 5 + ["teacher"]
    assert found["column"].to_pylist() == [None, "text", None, "thing", "text", "text"]
    reasons = [error.split(":")[0] for error in found["error"].to_pylist()]
    assert reasons[:3] == ["not JSON", "wrong type", "wrong encoding"]
    assert reasons[3:] == ["unknown class", "no value", "teacher cannot answer"]
    assert max(map(len, found["row"].to_pylist())) <= 4096
    assert other.card.counts.quarantined == 6
    texts = [[row["text"] for row in tiny.rows_of(made)] for made in (other, table)]
    assert texts[0] == texts[1]


def test_a_file_of_bad_rows_only_costs_no_other(experiment, table):
    (experiment / "bad.jsonl").write_text('{"text": "cat", "thing": "frit"}\n{"thing": "animal"}\n')
    files = 'corpus.files=[{path="corpus.jsonl"}, {path="bad.jsonl"}]'
    other = tiny.label(experiment, experiment / "labels", files, "label.max_quarantined=2")
    assert (other.card.counts.rows, other.card.counts.quarantined) == (120, 2)
    assert quarantined(other)["source_file"].to_pylist() == ["bad.jsonl"] * 2


def test_the_next_version_may_quarantine_others(experiment):
    poison(experiment)
    tiny.label(experiment, experiment / "labels", *POLICY)
    tiny.write_corpus(experiment / "corpus.jsonl", tiny.examples())
    healed = tiny.label(experiment, experiment / "labels", *POLICY)
    assert (healed.version, healed.card.counts.quarantined) == (1, 0)
    assert healed.card.counts.teacher_calls == 0


@pytest.mark.parametrize("limit", ["5", "0.04"])
def test_too_many_commit_nothing_and_are_written_down(limit, experiment):
    poison(experiment)
    overrides = ("label.too_long=quarantine", f"label.max_quarantined={limit}")
    message = r"6 of 126 \(4.76%\), label.max_quarantined allows .*: 1 no value, 1 not JSON"
    with pytest.raises(QuarantineError, match="too many rows cannot be used: 6 of 126") as failure:
        tiny.label(experiment, experiment / "labels", *overrides)
    assert "first: not JSON: corpus.jsonl row 4" in str(failure.value), message
    assert not table_exists(experiment / "labels")
    files = list((experiment / "labels" / "_quarantine").iterdir())
    assert pq.read_table(files[0]).num_rows == 6


def test_a_kind_of_reason_is_said_once_where_it_is_the_only_one(experiment):
    corpus = experiment / "corpus.jsonl"
    corpus.write_text(corpus.read_text() + "{\n{\n")
    with pytest.raises(QuarantineError) as failure:
        tiny.label(experiment, experiment / "labels", "label.max_quarantined=1")
    said = str(failure.value)
    assert said.count("not JSON") == 1
    assert ": 2 not JSON; first: corpus.jsonl row " in said
    assert ". All of them: " in said and ".. All" not in said


def test_a_failed_run_with_too_many_is_taken_up_by_one_that_allows_them(experiment):
    poison(experiment)
    with pytest.raises(QuarantineError):
        tiny.label(experiment, experiment / "labels", POLICY[0], "label.max_quarantined=1")
    table = tiny.label(experiment, experiment / "labels", POLICY[0], "label.max_quarantined=6")
    assert table.card.counts.quarantined == 6
    assert table.card.counts.resumed_shards == tiny.run().label.num_shards  # nothing is asked again


def test_a_known_answer_to_what_was_cut_is_left_out_as_in_a_new_table(experiment):
    rows = [*tiny.examples(), {"text": "cat " * 40, "thing": "animal"}]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    cut = tiny.label(experiment, experiment / "labels")
    assert (cut.card.counts.truncated, cut.card.counts.quarantined) == (1, 0)
    how = ("label.too_long=quarantine", "label.max_quarantined=1")
    again = tiny.label(experiment, experiment / "labels", *how)
    fresh = tiny.label(experiment, experiment / "fresh", *how)
    assert again.card.counts.teacher_calls == 0
    for table in (again, fresh):
        assert quarantined(table)["source_row"].to_pylist() == [121]
    assert tiny.rows_of(again) == tiny.rows_of(fresh)


def test_a_teacher_whose_graph_raises_on_one_row_costs_that_row(experiment, table):
    tiny.write_touchy_teacher(experiment / "teacher")
    rows = [*tiny.examples(), {"text": "the poison cat", "thing": "animal"}]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    other = tiny.label(experiment, experiment / "labels", "label.max_quarantined=1")
    found = quarantined(other).to_pylist()
    assert [(row["source_row"], row["stage"]) for row in found] == [(121, "teacher")]
    assert "makes it raise InvalidArgumentError" in found[0]["error"]
    assert other.card.counts.rows == 120


def test_the_plan_counts_what_cannot_be_read(experiment):
    poison(experiment)
    run = tiny.run(*POLICY)
    teacher = open_teacher(experiment / "teacher", classes=run.head.classes)
    plan = plan_label(run, base=experiment, teacher=teacher)
    found = forecast(plan, labels=experiment / "labels")
    assert (found.rows, found.quarantined) == (121, 5)

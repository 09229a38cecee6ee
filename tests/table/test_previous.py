"""Answers of the version before: found by digest, whatever the shards, and only where they hold."""

import numpy as np
import pytest

from schemas.layout import Encoding
from stages.rows.columns import KNOWN_COLUMN, logits_matrix
from stages.table.opening import open_table
from stages.table.previous import previous_labels
from tests import tiny


def previous(table, **changes):
    asked = {
        "teacher_fingerprint": table.card.teacher_fingerprint,
        "features": ("text",),
        "encoding": table.card.encoding,
        **changes,
    }
    return previous_labels(table.path, **asked)


def digests_and_logits(table):
    import pyarrow as pa

    parts = [table.read(split, ["input_digest", "teacher_thing"]) for split in ("train", "test")]
    return pa.concat_tables(parts).sort_by("input_digest").combine_chunks()


@pytest.mark.parametrize("num_shards", [1, 2, 3, 4, 7, 16])
def test_every_answer_is_found_whatever_the_number_of_shards(num_shards, table):
    from stages.rows.identity import buckets

    rows = digests_and_logits(table)
    found = 0
    bucket_of = buckets(rows["input_digest"].combine_chunks(), num_shards=num_shards)
    for bucket in np.unique(bucket_of):
        part = rows.filter(bucket_of == bucket)
        known = previous(table).attach(part, bucket=int(bucket), num_shards=num_shards)
        np.testing.assert_array_equal(
            logits_matrix(known[KNOWN_COLUMN]), logits_matrix(part["teacher_thing"])
        )
        found += known.num_rows
    assert found == rows.num_rows > 0


def test_an_input_that_was_never_seen_is_not_known(table):
    import pyarrow as pa

    rows = pa.table({"input_digest": pa.array([b"\0" * 16, b"\xff" * 16], pa.binary())})
    known = previous(table).attach(rows, bucket=0, num_shards=1)
    assert known[KNOWN_COLUMN].null_count == 2


def test_nothing_is_reused_where_the_answers_do_not_hold(table, tmp_path):
    assert previous(table) is not None
    assert previous(table, teacher_fingerprint="another") is None
    assert previous(table, features=("text", "title")) is None
    assert previous(table, encoding=Encoding(precision="float32")) is None
    assert (
        previous_labels(
            tmp_path / "none", teacher_fingerprint="t", features=("text",), encoding=Encoding()
        )
        is None
    )


def again(folder, rows, *overrides):
    tiny.write_corpus(folder / "corpus.jsonl", rows)
    table = tiny.label(folder, folder / "labels", *overrides)
    return table, table.card.counts


def fresh(folder, *overrides):
    return tiny.label(folder, folder / "fresh", *overrides)


def test_a_corpus_that_grew_costs_only_its_new_inputs(labelled):
    old = open_table(labelled / "labels").card.counts
    rows = [*tiny.examples(), {"text": "brand new saw", "thing": "tool"}] * 2
    table, counts = again(labelled, rows)
    assert counts.teacher_calls == 1
    assert counts.reused_inputs == old.distinct_inputs
    assert counts.distinct_inputs == old.distinct_inputs + 1
    assert counts.removed_inputs == 0
    assert counts.rows == 242
    assert tiny.rows_of(table) == tiny.rows_of(fresh(labelled))


def test_reordered_and_relabelled_rows_cost_nothing(labelled):
    rows = [{**row, "thing": "tool"} for row in reversed(tiny.examples())]
    table, counts = again(labelled, rows)
    assert counts.teacher_calls == 0
    assert counts.teacher_seconds_saved > 0
    assert {row["label_thing"] for row in tiny.rows_of(table)} == {"tool"}
    _, third = again(labelled, tiny.examples())
    assert third.teacher_calls == 0
    assert third.teacher_seconds_saved == pytest.approx(counts.teacher_seconds_saved, rel=0.01)


def test_rows_that_left_the_corpus_leave_the_table(labelled):
    kept = tiny.examples()[:40]
    table, counts = again(labelled, kept)
    assert counts.teacher_calls == 0
    assert {row["text"] for row in tiny.rows_of(table)} == {row["text"] for row in kept}
    old = len({row["text"] for row in tiny.examples()})
    assert counts.removed_inputs == old - len({row["text"] for row in kept})


def test_new_splits_and_shards_cost_nothing(labelled):
    changes = ("label.num_shards=7", "corpus.split={validation=0.5, test=0.1}")
    table, counts = again(labelled, tiny.examples(), *changes)
    assert counts.teacher_calls == 0
    assert tiny.rows_of(table) == tiny.rows_of(fresh(labelled, *changes))


def test_another_teacher_answers_everything_anew(labelled):
    tiny.write_teacher(labelled / "teacher", bias=1.0)
    table, counts = again(labelled, tiny.examples())
    assert counts.reused_inputs == 0
    assert counts.teacher_calls == counts.distinct_inputs + counts.other_calls["preflight"]
    assert tiny.rows_of(table) == tiny.rows_of(fresh(labelled))


def test_coarser_answers_are_not_passed_off_as_finer(labelled):
    table, counts = again(labelled, tiny.examples(), "label.precision=float32")
    assert counts.reused_inputs == 0
    assert tiny.rows_of(table) == tiny.rows_of(fresh(labelled, "label.precision=float32"))
    _, back = again(labelled, tiny.examples())
    assert back.teacher_calls == 0

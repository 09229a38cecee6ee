"""Unlabelled corpora: train split only, nothing held out is trained on, nothing asked twice."""

import json

import pytest

from stages.table.opening import open_table
from tests import tiny

MORE = [{"text": "the new saw"}, {"text": "the new saw"}, {"text": "what is that"}]


@pytest.fixture
def unlabelled(experiment, table):
    """An unlabelled corpus with new texts, and every text of the labelled one again."""
    again = [{"text": row["text"]} for row in tiny.rows_of(table)]
    tiny.write_corpus(experiment / "more.jsonl", [*MORE, *again])
    return experiment


def overrides(confidence=0.0):
    return (
        'corpus.unlabelled=[{files=[{path="more.jsonl"}], format="jsonl", '
        f"min_confidence={confidence}}}]",
    )


def test_new_texts_join_the_train_split_without_a_label(unlabelled, table):
    made = tiny.label(unlabelled, unlabelled / "labels", *overrides())
    rows = [row for row in tiny.rows_of(made) if row["source_file"] == "more.jsonl"]
    assert sorted(row["text"] for row in rows) == sorted(row["text"] for row in MORE)
    assert {(row["split"], row["label_thing"]) for row in rows} == {("train", None)}
    others = [row for row in tiny.rows_of(made) if row["source_file"] != "more.jsonl"]
    assert others == tiny.rows_of(table)
    counts = made.card.counts
    assert (counts.rows, counts.left_out) == (123, 120)
    assert counts.teacher_calls == table.card.counts.teacher_calls + 2


def test_unsure_answers_are_set_aside_and_not_asked_again(unlabelled):
    made = tiny.label(unlabelled, unlabelled / "labels", *overrides(0.45))
    assert made.card.counts.split_rows["aside"] == 1
    aside = made.read("aside", ["text"])["text"].to_pylist()
    assert aside == ["what is that"]
    train = made.read("train", ["text", "source_file"]).to_pylist()
    assert [row["text"] for row in train if row["source_file"] == "more.jsonl"] == [
        "the new saw"
    ] * 2
    later = tiny.label(unlabelled, unlabelled / "labels", *overrides(0.0))
    assert (later.version, later.card.counts.teacher_calls) == (1, 0)
    assert later.card.counts.split_rows["aside"] == 0


def test_views_are_made_of_unlabelled_texts_but_never_of_held_out_ones(unlabelled):
    views = 'label.views={seed=1, augmenters=[{kind="swap"}]}'
    made = tiny.label(unlabelled, unlabelled / "labels", *overrides(0.45), views)
    rows = tiny.rows_of(made)
    held_out = {row["input_digest"] for row in rows if row["split"] in ("validation", "test")}
    views = [row for row in rows if row["view"]]
    assert not held_out & {row["parent_digest"] for row in views}
    train = {row["input_digest"] for row in rows if row["split"] == "train" and not row["view"]}
    assert {row["parent_digest"] for row in views} == train
    aside = made.read("aside", ["text", "view", "parent_digest", "input_digest"]).to_pylist()
    assert [row["view"] for row in aside] == [0, 1]
    assert aside[0]["text"] == "what is that"
    assert aside[1]["parent_digest"] == aside[0]["input_digest"]


def test_a_bad_unlabelled_row_is_quarantined_too(unlabelled):
    with (unlabelled / "more.jsonl").open("a") as stream:
        stream.write(json.dumps({"text": None}) + "\n")
    made = tiny.label(unlabelled, unlabelled / "labels", *overrides(), "label.max_quarantined=1")
    assert made.card.counts.quarantined == 1
    assert open_table(made.path).card.counts.left_out == 120

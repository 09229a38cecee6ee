"""The teacher on the hard labels: measured, kept with the table, and a condition of the commit."""

import math

import numpy as np
import pytest

from schemas.errors import QualityError
from schemas.heads import Head
from stages.asking.quality import calibrating_temperature, nll, split_quality
from stages.rows.row_logits import RowLogits
from stages.run.inspect import inspect_folder
from stages.table.opening import open_table, table_exists
from tests import tiny


def wrong_labels(folder, count):
    """Write the corpus with the first rows' labels moved on by one class."""
    rows = tiny.examples()
    for row in rows[:count]:
        row["thing"] = tiny.CLASSES[(tiny.CLASSES.index(row["thing"]) + 1) % 3]
    tiny.write_corpus(folder / "corpus.jsonl", rows)


def test_the_card_says_what_the_teacher_is_worth(experiment, monkeypatch):
    monkeypatch.setattr("stages.asking.quality.UNLIKELY", 0.3)
    wrong_labels(experiment, 3)
    table = tiny.label(experiment, experiment / "labels")
    quality = table.card.quality
    for split, found in quality.splits.items():
        rows = [row for row in tiny.rows_of(table) if row["split"] == split]
        said = [tiny.CLASSES[int(np.argmax(row["teacher_thing"]))] for row in rows]
        right = sum(row["label_thing"] == one for row, one in zip(rows, said, strict=True))
        assert found.rows == len(rows) == sum(one.support for one in found.classes)
        assert found.accuracy == pytest.approx(right / len(rows))
        assert [one.name for one in found.classes] == list(tiny.CLASSES)
    assert {one.source_row for one in quality.noise_candidates} == {1, 2, 3}
    text = inspect_folder(experiment / "labels", as_json=False)
    assert "label in doubt" in text and "teacher on validation" in text


def test_the_calibrating_temperature_is_the_one_that_made_the_labels():
    draw = np.random.default_rng(3)
    logits = draw.normal(0, 2, (20_000, 4)).astype(np.float32)
    noise = draw.gumbel(size=logits.shape)
    for temperature in (0.5, 2.5):
        labels = (logits / temperature + noise).argmax(axis=1)
        assert calibrating_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_nll_is_that_of_a_plain_oracle():
    logits = np.array([[1.0, 2.0], [0.5, -3.0]], np.float32)
    oracle = 0.0
    for row, label in zip(logits.tolist(), (0, 1), strict=True):
        weights = [math.exp(value / 2) for value in row]
        oracle -= math.log(weights[label] / sum(weights)) / 2
    assert nll(logits, np.array([0, 1]), temperature=2.0) == pytest.approx(oracle, rel=1e-12)
    found = split_quality(RowLogits(logits), np.array([0, 1]), Head(name="h", classes=("a", "b")))
    assert (found.accuracy, found.rows) == (0.0, 2)


def test_a_teacher_below_the_gate_commits_nothing_and_is_not_paid_again(experiment):
    wrong_labels(experiment, 60)
    labels = experiment / "labels"
    with pytest.raises(QualityError, match=r"not good enough: f1_macro on validation: found 0\.\d"):
        tiny.label(experiment, labels, "label.min_teacher_f1_macro=0.99")
    assert not table_exists(labels)
    counts = tiny.label(experiment, labels, "label.min_teacher_f1_macro=0.1").card.counts
    assert counts.resumed_shards == 4


def test_a_visible_table_is_held_to_a_gate_that_is_stated_later(labelled):
    tiny.label(labelled, labelled / "labels", "label.min_teacher_accuracy=0.9")
    version = open_table(labelled / "labels").version
    wrong_labels(labelled, 60)
    tiny.label(labelled, labelled / "labels")
    with pytest.raises(QualityError, match="accuracy on validation: .* The table is as it was"):
        tiny.label(labelled, labelled / "labels", "label.min_teacher_accuracy=0.9")
    assert open_table(labelled / "labels").version == version + 1


def test_a_gate_without_labels_cannot_be_passed(experiment):
    rows = [{**row, "thing": None} for row in tiny.examples()]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    with pytest.raises(QualityError, match="teacher cannot be measured: no labelled row"):
        tiny.label(experiment, experiment / "labels", "label.min_teacher_accuracy=0.1")

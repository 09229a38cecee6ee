"""A kind is added by one file: a run file may name it and it is used, nothing else touched."""

import re
import sys
from textwrap import dedent

import numpy as np
import pytest
import tensorflow as tf

from schemas import declared
from schemas.errors import RunFileError
from stages.table.opening import open_table
from stages.train.building import saved_weights
from stages.train.objective import Objective
from stages.train.pipeline import train
from tests import tiny
from tests.architecture.adding import STAGES, add_kind

README = (STAGES / "README.md").read_text(encoding="utf-8")
PLACES = {
    "loss": ("heads/losses", "halved_error"),
    "student": ("train/students", "wide_bag"),
    "format": ("corpus/formats", "paragraphs"),
    "augmenter": ("views/augmenters", "reverse"),
}


def example(kind):
    """Return the module that "How to add one" shows for a kind."""
    place, name = PLACES[kind]
    found = re.search(rf"`stages/{place}/{name}\.py`:\n\n  ```python\n(.*?)  ```", README, re.S)
    return dedent(found[1])


@pytest.fixture
def add(monkeypatch, tmp_path):
    """Return what adds the example of a kind, which is gone after the test."""
    added = []

    def one(kind):
        place, name = PLACES[kind]
        added.append(f"stages.{place.replace('/', '.')}.{name}")
        add_kind(monkeypatch, tmp_path / "stages", place, name, example(kind))

    yield one
    monkeypatch.undo()
    declared.declared.cache_clear()
    for name in added:
        sys.modules.pop(name, None)


@pytest.fixture
def folder(tmp_path):
    tiny.write_experiment(tmp_path)
    return tmp_path


def test_a_loss_is_a_file(add, table, tmp_path):
    with pytest.raises(RunFileError, match="train.loss: found 'halved_error'"):
        tiny.run("train.loss=halved_error")
    add("loss")
    (added, _) = train(tiny.run("train.loss=halved_error"), table, out=tmp_path / "out")
    (usual, _) = train(tiny.run(), table, out=tmp_path / "usual")
    weights = [saved_weights(plan.path)[0] for plan in (added, usual)]
    assert not np.array_equal(*weights)
    objective = Objective(1.0, hard_label_weight=0.0, loss="halved_error")
    targets = {"label": tf.constant([0]), "teacher_logits": tf.constant([[1.0, 3.0]])}
    assert float(objective.value(tf.constant([[0.0, 0.0]]), targets)) == 2.5


def test_a_student_is_a_file(add, table, tmp_path):
    stated = 'train.students=[{name="w", kind="wide_bag", options={units=%d}}]'
    add("student")
    with pytest.raises(RunFileError, match="options.units of kind 'wide_bag' is 0, expected a who"):
        tiny.run(stated % 0)
    (added, *_) = train(tiny.run(stated % 8), table, out=tmp_path / "out")
    assert added.student.kind == "wide_bag"


def test_a_format_is_a_file(add, folder):
    rows = [f"{row['text']}\n{row['thing']}\n" for row in tiny.examples()]
    (folder / "corpus.txt").write_text("\n".join(rows), encoding="utf-8")
    stated = ("corpus.format=paragraphs", 'corpus.files=[{path="corpus.txt"}]')
    with pytest.raises(RunFileError, match="corpus.format: found 'paragraphs', expected 'parquet'"):
        tiny.run(*stated)
    add("format")
    found = tiny.rows_of(tiny.label(folder, folder / "labels", *stated))
    other = tiny.rows_of(tiny.label(folder, folder / "others"))
    assert {row["text"] for row in found} == {row["text"] for row in other}
    assert {row["label_thing"] for row in found} == set(tiny.CLASSES)


def test_an_augmenter_is_a_file(add, folder):
    add("augmenter")
    tiny.label(folder, folder / "labels", 'label.views={seed=1, augmenters=[{kind="reverse"}]}')
    rows = tiny.rows_of(open_table(folder / "labels"))
    texts = {row["input_digest"]: row["text"].split() for row in rows if not row["view"]}
    views = [row for row in rows if row["view"]]
    assert len(views) > 10
    assert all(one["text"].split() == texts[one["parent_digest"]][::-1] for one in views)

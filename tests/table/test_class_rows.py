"""Classes that a split lacks, or that train has few rows of, are named wherever they matter."""

import json

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import QualityError
from schemas.heads import Head
from schemas.quality import TeacherQuality
from schemas.soft_labels import TableCard
from schemas.teacher_card import TeacherCard
from stages.asking.quality import check_gates, quality_of
from stages.evaluate.html import render
from stages.evaluate.pipeline import evaluate
from stages.evaluate.text import results_text
from stages.heads.metrics.classes import score
from stages.heads.metrics.labels import score_labels
from stages.run.inspect import inspect_folder
from stages.table.class_rows import class_rows, rows_in_card, rows_in_table, scarce
from stages.train.pipeline import train
from tests import tiny

SPLIT = 'corpus.split={column = "part"}'
NO_TOOL = "no rows in validation of tool (1 of 3 classes)"
FEW_TOOLS = "fewer than 5 rows in train of tool: 3 (1 of 3 classes)"


@pytest.fixture
def scarce_corpus(experiment):
    """The corpus with three rows of `tool` in train, and none elsewhere."""
    kept, tools = [], 0
    for number, row in enumerate(tiny.examples()):
        part = ("train", "validation", "test")[number // 40]
        tools += row["thing"] == "tool"
        if row["thing"] != "tool" or tools <= 3:
            kept.append({**row, "part": part})
    tiny.write_corpus(experiment / "corpus.jsonl", kept)
    return experiment


def test_rows_are_counted_by_split_and_class():
    head = Head(name="h", classes=("a", "b"), out_of_scope="other")
    parts = [("train", ["a", "b", None]), ("train", ["a", "other"]), ("test", [None, None])]
    tables = [(split, pa.table({"label_h": pa.array(labels, "string")})) for split, labels in parts]
    assert class_rows(tables, head) == {"train": {"a": 2, "b": 1}}


@pytest.mark.parametrize(
    ("how", "unit"), [({"kind": "sigmoid"}, "rows"), ({"per": "token"}, "words")]
)
def test_of_lists_every_label_counts(how, unit):
    head = Head(name="h", classes=("a", "b", "c"), **how)
    column = pa.array([["a", "b"], [], None, ["a"]], pa.list_(pa.string()))
    found = class_rows([("test", pa.table({"label_h": column}))], head)
    assert found == {"test": {"a": 2, "b": 1, "c": 0}}
    assert scarce(found, head) == [f"no {unit} in test of c (1 of 3 classes)"]


def test_of_numbers_there_are_no_classes():
    head = Head(name="h", kind="regression")
    assert class_rows([("test", pa.table({"label_h": [1.0]}))], head) == {}


def test_of_many_classes_a_few_are_named_and_all_are_counted():
    head = Head(name="h", classes=tuple(f"c{number}" for number in range(77)))
    found = {"train": {name: 5 + number for number, name in enumerate(head.classes)}}
    assert scarce(found, head) == []
    [line] = scarce({"test": dict.fromkeys(head.classes, 0) | {"c0": 9}}, head)
    assert line.startswith("no rows in test of c1, c2, ")
    assert line.endswith(", c12 and 64 more (76 of 77 classes)")


def test_label_the_card_and_inspect_name_them(scarce_corpus, capsys):
    labels = scarce_corpus / "labels"
    card = tiny.label(scarce_corpus, labels, SPLIT).card
    said = capsys.readouterr().err
    lines = [NO_TOOL, "no rows in test of tool (1 of 3 classes)", FEW_TOOLS]
    for line in lines:
        assert f"label: {line}\n" in said
    assert card.quality.class_rows["train"]["tool"] == 3
    assert card.quality.class_rows["test"]["tool"] == 0
    assert all(found.f1_macro == found.accuracy == 1.0 for found in card.quality.splits.values())
    text = inspect_folder(labels, as_json=False)
    assert [
        line.removeprefix("scarce").strip()
        for line in text.splitlines()
        if line.startswith("scarce")
    ] == lines
    assert ["tool", "no", "row"] in [line.split() for line in text.splitlines()]
    data = json.loads(inspect_folder(labels, as_json=True))
    assert data["quality"]["class_rows"]["validation"]["tool"] == 0


def test_a_teachers_folder_names_those_that_it_was_measured_without(tmp_path):
    scores = score(np.eye(3, dtype=np.float32)[[0, 1, 1]], np.array([0, 1, 1]), bins=5)
    labels = np.array([[1, 0, 0], [0, 0, 1]], np.float32)
    several = score_labels(2 * labels - 1, labels, classes=tiny.CLASSES, bins=5)
    card = TeacherCard(
        classes=tiny.CLASSES,
        max_length=16,
        lowercase=True,
        scores={"validation": scores, "test": several},
    )
    (tmp_path / "teacher.json").write_text(card.model_dump_json())
    text = inspect_folder(tmp_path, as_json=False)
    assert NO_TOOL in text and "no rows in test of fruit (1 of 3 classes)" in text


def test_the_report_names_them(scarce_corpus, tmp_path):
    table = tiny.label(scarce_corpus, scarce_corpus / "labels", SPLIT)
    run = tiny.run("train.epochs=1", "train.baseline=false", SPLIT)
    report = evaluate(run, table, train(run, table, out=tmp_path), out=tmp_path)
    assert report.teacher.scores.f1_macro == 1.0
    for shown in (results_text(report), render(report)):
        assert NO_TOOL in shown and FEW_TOOLS in shown
        assert "counts in the means, as 0, only for a model that predicts it" in shown


def test_nothing_is_said_where_every_class_has_enough(labelled, capsys):
    assert "scarce" not in inspect_folder(labelled / "labels", as_json=False)
    tiny.label(labelled, labelled / "again")
    assert " of 3 classes" not in capsys.readouterr().err


def test_a_card_before_they_were_counted_reads_and_is_written_as_it_was(table):
    old = table.card.model_dump(mode="json")
    counted = old["quality"].pop("class_rows")
    card = TableCard.model_validate(old)
    assert card.model_dump(mode="json") == old
    assert "class_rows" not in TeacherQuality(splits={}).model_dump()
    assert rows_in_card(card) == {name: counted[name] for name in ("validation", "test")}
    before = type(table)(table.path, table.version, card, table.shards)
    assert rows_in_table(before) == rows_in_table(table) == counted


def test_a_card_that_counted_classes_without_a_row_as_zero_fails_no_gate_for_that(scarce_corpus):
    table = tiny.label(scarce_corpus, scarce_corpus / "labels", SPLIT)
    old = table.card.model_dump(mode="json")
    del old["quality"]["class_rows"]
    for found in old["quality"]["splits"].values():
        found["f1_macro"] = 2 / 3
    card = TableCard.model_validate(old)
    before = type(table)(table.path, table.version, card, table.shards)
    assert quality_of(before).splits == table.card.quality.splits
    assert quality_of(table) is table.card.quality
    gate = tiny.run("label.min_teacher_f1_macro=0.9").label
    check_gates(quality_of(before), gate, visible=True)
    with pytest.raises(QualityError, match=r"f1_macro on validation: found 0\.6667"):
        check_gates(card.quality, gate, visible=True)

"""Rows of none of the classes: read, kept without a hard loss, and told apart by confidence."""

import numpy as np
import pytest

from schemas.errors import RunFileError
from stages.corpus.files import plan_corpus
from stages.evaluate.html import render
from stages.evaluate.pipeline import evaluate
from stages.evaluate.text import results_text
from stages.export.pipeline import export
from stages.heads.labels import labels_by_line
from stages.heads.metrics.scope import Judged, score_scope, tuned_confidence
from stages.rows.columns import has_label, out_of_scope
from stages.teach.pipeline import labelled_rows, plan_teach, teach
from stages.teachers.folder import read_card
from stages.train.pipeline import train
from stages.train.stream.stream import SoftLabelStream
from tests import tiny
from tests.tiny_berts import write_hugging_face

HEAD = 'heads=[{name="thing", out_of_scope="none", classes=["animal", "fruit", "tool"]}]'


def judged(confidences, labels, outside):
    """Return two-class rows whose likeliest class is 0, as sure as stated."""
    probs = np.array(confidences)
    logits = np.stack([np.log(probs), np.log(1 - probs)], axis=1).astype(np.float32)
    return Judged(logits, np.array(labels), np.array(outside))


def test_the_confidence_is_tuned_and_what_is_below_is_refused():
    rows = judged([0.9, 0.95, 0.6, 0.55, 0.7], [0, 0, -1, -1, 0], [False, False, True, True, False])
    confidence = tuned_confidence(rows)
    assert 0.6 < confidence < 0.7
    other = judged(
        [0.9, 0.99, 0.52, 0.8, 0.62, 0.5],
        [0, 1, -1, -1, 0, -1],
        [False, False, True, True, False, False],
    )
    found = score_scope(other, confidence)
    assert found.outside_rows == 2
    assert found.recall == 0.5  # that of 0.52, not that of 0.8
    assert found.precision == 0.5  # beside it the one of 0.62 is refused
    assert found.accuracy_inside == pytest.approx(1 / 3)  # 0.9 alone: one is wrong, one refused
    assert found.auc == pytest.approx(5 / 6)


def test_there_is_nothing_to_tell_where_all_are_inside():
    rows = judged([0.9, 0.8], [0, 0], [False, False])
    assert tuned_confidence(rows) is None
    assert score_scope(rows, 0.5) is None


@pytest.fixture
def corpus(experiment):
    outside = [{"text": f"one {word}", "thing": "none"} for word in ("good", "dear", "big", "red")]
    outside += [{"text": f"{row['text']} old", "thing": "none"} for row in outside]
    outside += [{"text": f"{row['text']} new", "thing": "none"} for row in outside]
    tiny.write_corpus(experiment / "corpus.jsonl", [*tiny.examples(), *outside])
    return experiment


def test_rows_out_of_scope_are_kept_trained_on_and_told_apart(corpus):
    how = (HEAD, "train.epochs=20", "train.learning_rate=0.02")
    table = tiny.label(corpus, corpus / "labels", *how)
    layout = table.card.layout
    rows = table.read("test", ["label_thing"])
    outside = out_of_scope(rows, layout.head)
    assert outside.any()
    assert not has_label(labels_by_line(rows, layout))[outside].any()
    run = tiny.run(*how)
    plans = train(run, table, out=corpus)
    report = evaluate(run, table, plans, out=corpus)
    [(_, card)] = export(plans, table, formats=["keras"])
    assert card.confidence == pytest.approx(report.models[0].scores.scope.confidence, abs=1e-6)
    assert 0 < card.confidence < 1 and card.thresholds is None
    for model in (report.teacher, *report.models):
        assert model.scores.scope.outside_rows == outside.sum()
        assert model.scores.rows == len(outside) - outside.sum()
    assert report.teacher.scores.scope.auc > 0.9
    assert report.teacher.scores.scope.recall > 0.5
    text = results_text(report)
    assert f"teacher: {outside.sum()} rows out of scope: AUC " in text
    assert "bag student: " in text
    assert "Out of scope" in render(report)


def test_without_the_label_such_rows_are_refused(corpus):
    with pytest.raises(Exception, match="unknown class: .*found 'none'"):
        tiny.label(corpus, corpus / "labels")


@pytest.mark.parametrize(
    "head",
    [
        'heads=[{name="x", out_of_scope="a", classes=["a", "b"]}]',
        'heads=[{name="x", out_of_scope="c", kind="sigmoid", classes=["a", "b"]}]',
    ],
)
def test_a_label_out_of_scope_is_beside_the_classes(head):
    with pytest.raises(RunFileError, match="`out_of_scope` is a label beside the classes"):
        tiny.run(head)


def test_a_teacher_is_fine_tuned_on_the_rows_in_scope_only(corpus):
    write_hugging_face(corpus / "bert")
    fit = 'teacher={encoder={path="bert"}, max_length=16, fit={seed=1, epochs=2, batch_size=8}}'
    run = tiny.run(HEAD, fit)
    rows = labelled_rows(plan_corpus(run, base=corpus), once=False, tolerant=False)
    assert all("none" not in part["label_thing"].to_pylist() for part in rows.values())
    teach(plan_teach(run, base=corpus), out=corpus / "made")
    assert np.isfinite(read_card(corpus / "made").epochs[-1]["val_loss"])


def test_a_baseline_is_trained_on_the_rows_in_scope_only(corpus):
    table = tiny.label(corpus, corpus / "labels", HEAD)
    every = table.read("train", ["label_thing"])["label_thing"].to_pylist()
    stream = SoftLabelStream(table, "train", batch_size=8, seed=1, once=False, labelled_only=True)
    assert "none" in every
    assert stream.rows == stream.labelled == sum(label != "none" for label in every)
    labels = [label for batch in stream.one_pass() for label in batch["label"].numpy()]
    assert min(labels) >= 0

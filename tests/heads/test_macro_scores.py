"""Means over classes inside the graph: those of scikit-learn, and of the report."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.heads.metrics.classes import score
from stages.heads.metrics.labels import score_labels
from stages.heads.scores.macro import MACRO_SCORES, MacroScores
from stages.heads.scores.yes_or_no import YES_OR_NO_SCORES, YesOrNoScores

metrics = pytest.importorskip("sklearn.metrics")

CLASSES = 5
SKLEARN = {
    "precision_macro": metrics.precision_score,
    "recall_macro": metrics.recall_score,
    "f1_macro": metrics.f1_score,
}


def counted(metric, *batches):
    for labels, said in batches:
        metric.update_state(tf.constant(labels), tf.constant(said))
    return {name: float(value) for name, value in metric.result().items()}


def test_a_perfect_student_of_a_split_without_one_of_its_classes_is_perfect():
    labels = np.array([0, 1] * 6)
    assert counted(MacroScores(3), (labels, labels)) == dict.fromkeys(MACRO_SCORES, 1.0)
    some = np.eye(3, dtype=np.float32)[labels]
    found = counted(YesOrNoScores(3), (some, 2 * some - 1))
    assert found == dict.fromkeys(YES_OR_NO_SCORES, 1.0)


def test_of_no_row_every_mean_is_zero():
    assert counted(MacroScores(3)) == dict.fromkeys(MACRO_SCORES, 0.0)
    assert counted(YesOrNoScores(3)) == dict.fromkeys(YES_OR_NO_SCORES, 0.0)


classes_of_rows = st.lists(
    st.tuples(st.integers(-1, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=2, max_size=25
)


@settings(deadline=None, max_examples=60)
@given(rows=classes_of_rows)
def test_of_one_class_a_row_they_are_those_of_scikit_learn_and_of_the_report(rows):
    labels, said = (np.array(side) for side in zip(*rows, strict=True))
    labels[0] = max(labels[0], 0)
    found = counted(MacroScores(CLASSES), (labels[:2], said[:2]), (labels[2:], said[2:]))
    known = labels >= 0
    reported = score(np.eye(CLASSES, dtype=np.float32)[said], labels, bins=5)
    for name, measure in SKLEARN.items():
        expected = measure(labels[known], said[known], average="macro", zero_division=0)
        assert found[name] == pytest.approx(expected, abs=1e-6)
        assert getattr(reported, name) == pytest.approx(found[name], abs=1e-6)


rows_of_labels = st.lists(
    st.tuples(*[st.lists(st.booleans(), min_size=CLASSES, max_size=CLASSES)] * 2),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(rows=rows_of_labels)
def test_of_any_number_of_classes_they_are_those_of_scikit_learn_and_of_the_report(rows):
    true, said = (np.array(side) for side in zip(*rows, strict=True))
    labels, logits = true.astype(np.float32), np.where(said, 1, -1).astype(np.float32)
    found = counted(YesOrNoScores(CLASSES), (labels, logits))
    reported = score_labels(logits, labels, classes="abcde", bins=5)
    occurs = np.flatnonzero(true.any(axis=0) | said.any(axis=0))
    for name in YES_OR_NO_SCORES:
        assert getattr(reported, name) == pytest.approx(found[name], abs=1e-6)
    for name, measure in SKLEARN.items() if len(occurs) else ():
        how = {"average": "macro", "zero_division": 0, "labels": occurs}
        assert found[name] == pytest.approx(measure(true, said, **how), abs=1e-6)

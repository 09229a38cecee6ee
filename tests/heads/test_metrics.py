"""Metrics against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.heads.metrics.classes import (
    Tagged,
    per_class,
    probabilities,
    reliability_bins,
    score,
    student_t_975,
    summarise,
)

LOGITS = np.log(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3], [0.5, 0.5]], np.float32))
LABELS = np.array([0, 1, 1, 0, -1])


def test_scores_by_hand():
    found = score(LOGITS, LABELS, bins=10, teacher_logits=-LOGITS)
    assert found.rows == 4
    assert found.accuracy == pytest.approx(3 / 4)
    assert found.precision_macro == pytest.approx((2 / 3 + 1) / 2)
    assert found.recall_macro == pytest.approx((1 + 1 / 2) / 2)
    assert found.f1_macro == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert found.confusion == ((2, 0), (1, 1))
    assert found.agreement == 0.0
    assert found.calibration_error == pytest.approx((0.1 + 0.6 + 0.2 + 0.3) / 4, abs=1e-6)


def test_agreement_is_left_out_for_the_teacher():
    assert score(LOGITS, LABELS, bins=10).agreement is None


def test_a_class_that_never_occurs_counts_zero_and_does_not_divide_by_zero():
    precision, recall, f1 = per_class(np.array([[3, 0, 0], [0, 2, 0], [0, 0, 0]]))
    assert precision.tolist() == recall.tolist() == f1.tolist() == [1.0, 1.0, 0.0]


def test_a_perfect_teacher_of_a_split_without_one_of_its_classes_is_perfect():
    labels = np.array([0, 1] * 6)
    found = score(np.eye(3, dtype=np.float32)[labels], labels, bins=10)
    assert (found.rows, found.accuracy) == (12, 1.0)
    assert found.f1_macro == found.precision_macro == found.recall_macro == 1.0


def test_a_class_that_is_said_but_is_no_label_counts_zero_in_the_means():
    labels, said = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    found = score(np.eye(4, dtype=np.float32)[said], labels, bins=10)
    assert found.f1_macro == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert found.precision_macro == pytest.approx((1 + 1 + 0) / 3)
    assert found.recall_macro == pytest.approx((1 / 2 + 1 + 0) / 3)


@settings(deadline=None, max_examples=150)
@given(
    classes=st.integers(2, 7),
    rows=st.lists(st.tuples(st.integers(-1, 6), st.integers(0, 6)), min_size=1, max_size=25),
)
def test_means_over_classes_are_scikit_learns(classes, rows):
    metrics = pytest.importorskip("sklearn.metrics")
    labels, said = (np.array(side) for side in zip(*rows, strict=True))
    labels, said = np.minimum(labels, classes - 1), np.minimum(said, classes - 1)
    labels[0] = max(labels[0], 0)
    found = score(np.eye(classes, dtype=np.float32)[said], labels, bins=10)
    known = labels >= 0
    sides = labels[known], said[known]
    how = {"average": "macro", "zero_division": 0}
    assert found.f1_macro == pytest.approx(metrics.f1_score(*sides, **how))
    assert found.precision_macro == pytest.approx(metrics.precision_score(*sides, **how))
    assert found.recall_macro == pytest.approx(metrics.recall_score(*sides, **how))


def test_where_nothing_is_said_the_label_still_counts_and_no_class_is_made_of_it():
    logits = np.array([[2.0, 0, 0], [np.nan] * 3, [np.nan] * 3], np.float32)
    found = score(logits, np.array([0, 0, 1]), bins=10, by_position=True)
    assert found.recall_macro == pytest.approx((1 / 2 + 0) / 2)
    tags = Tagged(("O", "B-a", "I-a"), np.array([0, 0, 0]))
    found = score(logits, np.array([1, 1, 1]), bins=10, by_position=True, tagged=tags)
    assert found.recall_macro == 0.0
    assert found.confusion[1] == (3, 0, 0)


def test_no_labelled_row_is_an_error():
    with pytest.raises(ValueError, match="no labelled row"):
        score(LOGITS, np.full(5, -1), bins=10)


@given(st.lists(st.lists(st.floats(-50, 50, width=32), min_size=3, max_size=3), min_size=1))
def test_bins_hold_every_row_once_and_contain_their_confidence(rows):
    probs = probabilities(np.array(rows, np.float32))
    np.testing.assert_allclose(probs.sum(axis=1), 1.0, rtol=1e-12)
    bins = reliability_bins(probs, np.zeros(len(rows), int), bins=7)
    assert sum(bin.count for bin in bins) == len(rows)
    for bin in bins:
        assert bin.lower - 1e-9 <= bin.confidence <= bin.upper + 1e-9


def test_probabilities_of_large_logits():
    assert probabilities(np.array([[1000.0, 0.0]], np.float32)).tolist() == [[1.0, 0.0]]


def test_the_interval_is_students_t():
    found = summarise([0.80, 0.82, 0.84])
    assert found.mean == pytest.approx(0.82)
    assert found.half_width == pytest.approx(4.303 * 0.02 / np.sqrt(3))


@pytest.mark.parametrize(
    ("seeds", "quantile"), [(2, 12.706), (11, 2.228), (12, 2.201), (20, 2.093), (121, 1.980)]
)
def test_its_quantile_falls_with_each_seed(seeds, quantile):
    values = np.random.default_rng(seeds).normal(size=seeds)
    factor = summarise(values).half_width / (values.std(ddof=1) / np.sqrt(seeds))
    assert factor == pytest.approx(quantile, abs=5e-4)
    assert student_t_975(seeds - 1) > student_t_975(seeds)

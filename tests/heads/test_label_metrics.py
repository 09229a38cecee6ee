"""Metrics of several labels and of numbers, against scikit-learn and scipy and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.heads.metrics.labels import score_labels, tuned_thresholds
from stages.heads.metrics.values import score_values

metrics = pytest.importorskip("sklearn.metrics")

CLASSES = ("a", "b", "c")
rows_of_labels = st.lists(
    st.tuples(
        st.lists(st.sampled_from([-2.0, -0.5, 0.0, 0.25, 3.0]), min_size=3, max_size=3),
        st.lists(st.booleans(), min_size=3, max_size=3),
    ),
    min_size=4,
    max_size=20,
)


@settings(deadline=None, max_examples=80)
@given(rows=rows_of_labels)
@pytest.mark.filterwarnings("ignore")
def test_scores_of_labels_are_scikit_learns(rows):
    logits = np.array([one for one, _ in rows], np.float32)
    true = np.array([other for _, other in rows])
    found = score_labels(logits, true.astype(np.float32), classes=CLASSES, bins=10)
    said = logits >= 0
    occurs = np.flatnonzero(true.any(axis=0) | said.any(axis=0))
    ratios = {"average": "macro", "zero_division": 0, "labels": occurs}
    assert found.accuracy == pytest.approx(metrics.accuracy_score(true, said))
    assert found.f1_micro == pytest.approx(
        metrics.f1_score(true, said, average="micro", zero_division=0)
    )
    if len(occurs):
        own = metrics.f1_score(true, said, average="macro", zero_division=np.nan)
        assert found.f1_macro == pytest.approx(own)
        assert found.f1_macro == pytest.approx(metrics.f1_score(true, said, **ratios))
        assert found.precision_macro == pytest.approx(metrics.precision_score(true, said, **ratios))
        assert found.recall_macro == pytest.approx(metrics.recall_score(true, said, **ratios))
    else:
        assert found.f1_macro == found.precision_macro == found.recall_macro == 0.0
    there = true.any(axis=0)
    if there.any():
        expected = metrics.average_precision_score(true[:, there], logits[:, there])
        assert found.average_precision == pytest.approx(expected)
    both = there & ~true.all(axis=0)
    if both.any():
        expected = metrics.roc_auc_score(true[:, both], logits[:, both])
        assert found.auc == pytest.approx(expected)
    else:
        assert found.auc is None
    probs = 1 / (1 + np.exp(-logits.astype(np.float64)))
    expected = metrics.log_loss(true.ravel(), probs.ravel(), labels=[False, True])
    assert found.log_loss == pytest.approx(expected)
    assert [one.support for one in found.classes] == true.sum(axis=0).tolist()


def test_rows_without_labels_do_not_count_and_agreement_is_with_what_the_teacher_says():
    logits = np.array([[1, -1, -1], [1, 1, 1], [-1, -1, 1]], np.float32)
    labels = np.array([[1, 0, 0], [np.nan] * 3, [0, 0, 0]], np.float32)
    said = np.array([[True, True, False], [False] * 3, [False, False, True]])
    found = score_labels(logits, labels, classes=CLASSES, bins=5, teacher_said=said)
    assert found.rows == 2
    assert found.accuracy == 0.5
    assert found.f1_micro == pytest.approx(2 / 3)
    assert found.agreement == pytest.approx(5 / 6)
    with pytest.raises(ValueError, match="no labelled row to score"):
        score_labels(logits, np.full((3, 3), np.nan, np.float32), classes=CLASSES, bins=5)


def test_a_calibrated_model_has_no_calibration_error():
    draw = np.random.default_rng(3)
    logits = draw.normal(0, 2, (40_000, 2)).astype(np.float32)
    labels = draw.random(logits.shape) < 1 / (1 + np.exp(-logits))
    sure = score_labels(3 * logits, labels.astype(np.float32), classes="ab", bins=10)
    found = score_labels(logits, labels.astype(np.float32), classes="ab", bins=10)
    assert found.calibration_error < 0.01 < 0.05 < sure.calibration_error


@settings(deadline=None, max_examples=80)
@given(rows=rows_of_labels)
def test_no_threshold_alone_could_be_better_than_the_tuned_ones(rows):
    logits = np.array([one for one, _ in rows], np.float32)
    labels = np.array([other for _, other in rows], np.float32)
    tuned = tuned_thresholds(logits, labels)

    def f1(thresholds):
        scores = score_labels(logits, labels, classes=CLASSES, bins=5, thresholds=thresholds)
        return scores.f1_micro

    best = f1(tuned)
    assert best >= f1([0.5] * 3) - 1e-9
    for place in range(3):
        for other in (0.05, 0.2, 0.4, 0.5, 0.53, 0.6, 0.99):
            assert best >= f1([*tuned[:place], other, *tuned[place + 1 :]]) - 1e-9
    assert all(0 < threshold <= 1 for threshold in tuned)


def test_a_class_that_cannot_be_told_is_not_said_of_every_row():
    draw = np.random.default_rng(5)
    labels = np.concatenate([draw.random((400, 4)) < 0.3, draw.random((400, 4)) < 0.03], axis=1)
    told = np.where(labels[:, :4], 3.0, -3.0) + draw.normal(0, 1, (400, 4))
    logits = np.concatenate([told, np.full((400, 4), -3.5)], axis=1).astype(np.float32)
    tuned = tuned_thresholds(logits, labels.astype(np.float32))
    assert min(tuned[4:]) > 0.03


def test_logits_that_leave_no_probability_are_scored():
    logits = np.full((4, 2), -1000.0, np.float32)
    labels = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.float32)
    tuned = tuned_thresholds(logits, labels)
    found = score_labels(logits, labels, classes="ab", bins=5, thresholds=tuned)
    assert found.f1_micro == 0.0
    assert np.isfinite(found.log_loss)


@settings(deadline=None, max_examples=80)
@given(
    pairs=st.lists(
        st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=3, max_size=30
    ).filter(lambda pairs: all(len(set(side)) > 1 for side in zip(*pairs, strict=True)))
)
def test_scores_of_numbers_are_those_of_scipy(pairs):
    stats = pytest.importorskip("scipy.stats")
    own, true = np.array(pairs, np.float64).T
    found = score_values(own.astype(np.float32), true.astype(np.float32), teacher=own)
    assert found.pearson == pytest.approx(stats.pearsonr(own, true)[0], abs=1e-9)
    assert found.spearman == pytest.approx(stats.spearmanr(own, true)[0], abs=1e-9)
    assert found.mean_absolute_error == pytest.approx(metrics.mean_absolute_error(true, own))
    squared = metrics.mean_squared_error(true, own)
    assert found.r2 == pytest.approx(metrics.r2_score(true, own), abs=1e-6)
    assert found.root_mean_squared_error == pytest.approx(np.sqrt(squared))
    assert found.figures["mean_squared_error"] == pytest.approx(squared)
    assert found.agreement == pytest.approx(1.0)


def test_a_constant_has_no_correlation_and_numbers_without_a_label_do_not_count():
    constant = np.ones(3, np.float32)
    found = score_values(constant, np.array([1, np.nan, 3], np.float32))
    assert (found.rows, found.pearson, found.spearman, found.agreement) == (2, 0.0, 0.0, None)
    assert found.mean_absolute_error == 1.0
    with pytest.raises(ValueError, match="no labelled row to score"):
        score_values(constant, np.full(3, np.nan, np.float32))

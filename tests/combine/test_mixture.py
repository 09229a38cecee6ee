"""Means of several teachers: equal to float64 oracles, and weights that are the likeliest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.combine.mixture import likeliest_weights, mean_of_logits, mean_of_probabilities


def softmax(logits):
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def some(teachers=3, lines=20, classes=5, seed=0):
    return np.random.default_rng(seed).normal(0, 4, (teachers, lines, classes)).astype(np.float32)


WEIGHTS = np.array([0.5, 0.3, 0.2])


def test_the_mean_of_probabilities_is_a_plain_average():
    found = softmax(mean_of_probabilities(some(), WEIGHTS))
    expected = (WEIGHTS[:, None, None] * softmax(some())).sum(axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


def test_the_mean_of_logits_is_a_plain_average():
    expected = (WEIGHTS[:, None, None] * some().astype(np.float64)).sum(axis=0)
    np.testing.assert_allclose(mean_of_logits(some(), WEIGHTS), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mean", [mean_of_probabilities, mean_of_logits])
def test_who_has_no_answer_does_not_count(mean):
    answers = some()
    answers[0, 3] = answers[1, 3] = np.nan
    answers[:, 7] = np.nan
    found = mean(answers, WEIGHTS)
    np.testing.assert_allclose(softmax(found[3]), softmax(answers[2, 3]), rtol=1e-5)
    assert np.isnan(found[7]).all()
    others = np.setdiff1d(np.arange(20), [3, 7])
    np.testing.assert_array_equal(found[others], mean(some(), WEIGHTS)[others])
    answers[2, 3] = np.nan
    answers[1, 3] = some()[1, 3]
    only_weightless = mean(answers, np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(softmax(only_weightless[3]), softmax(some()[1, 3]), rtol=1e-5)


@given(st.integers(0, 1000), st.floats(-50, 50))
def test_a_constant_added_to_a_teachers_logits_changes_no_probability(seed, constant):
    answers = some(seed=seed)
    shifted = answers.copy()
    shifted[1] += np.float32(constant)
    for mean in (mean_of_probabilities, mean_of_logits):
        np.testing.assert_allclose(
            softmax(mean(shifted, WEIGHTS)), softmax(mean(answers, WEIGHTS)), atol=1e-4
        )


def test_far_logits_stay_finite():
    answers = np.array([[[1e4, -1e4]], [[-1e4, 1e4]]], np.float32)
    assert np.isfinite(mean_of_probabilities(answers, np.array([0.5, 0.5]))).all()


@pytest.mark.parametrize("seed", range(4))
def test_no_other_weights_make_the_labels_likelier(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, 200)
    answers = some(lines=200, seed=seed)
    answers[0, np.arange(200), labels] += 3
    answers[1, np.arange(200), labels] += rng.choice([0, 5], 200)

    def likelihood(weights):
        own = softmax(answers)[:, np.arange(200), labels]
        return np.log((weights[:, None] * own).sum(axis=0)).mean()

    found = likeliest_weights(answers, labels)
    assert found.sum() == pytest.approx(1.0)
    others = rng.dirichlet(np.ones(3), 500)
    assert likelihood(found) >= max(map(likelihood, others)) - 1e-9


def test_a_teacher_that_is_always_right_gets_all_the_weight():
    labels = np.arange(50) % 5
    answers = some(teachers=2, lines=50) / 10
    answers[1, np.arange(50), labels] = 30.0
    assert likeliest_weights(answers, labels)[1] == pytest.approx(1.0, abs=1e-3)

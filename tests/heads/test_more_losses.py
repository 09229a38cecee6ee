"""Each other loss against its float64 definition: value, gradient, and what it promises."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from schemas.train_section import losses_of
from stages.heads.losses import find_loss
from stages.heads.losses.parts.decoupled import decoupled
from stages.heads.losses.parts.divergences import (
    jensen_shannon,
    kl_to_teacher,
    kl_with_tail_bucket,
    reverse_kl,
    soft_cross_entropy,
)
from stages.heads.losses.parts.hard import hard_label_cross_entropy, mean_over_valid
from stages.heads.losses.parts.logits import logit_mse, standardized
from stages.heads.losses.parts.relations import relation_between_classes, relation_within_classes
from tests import oracles

ROWS, CLASSES = 5, 4
KEPT = np.array(
    [[True, True, False, False], [True, False, False, False]] * 2 + [[True] * 3 + [False]]
)
TARGET = np.array([0, 3, 1, 2, 2])


def bucket(student, teacher, temperature):
    return kl_with_tail_bucket(student, teacher, KEPT, temperature=temperature)


def weighed(student, teacher, temperature):
    weights = {"target_weight": 0.7, "others_weight": 3.0}
    return decoupled(student, teacher, TARGET, temperature=temperature, **weights)


def of(function):
    return lambda student, teacher, temperature: function(student, teacher, temperature=temperature)


PAIRS = {
    "reverse_kl": (of(reverse_kl), oracles.reverse_kl),
    "jensen_shannon": (of(jensen_shannon), oracles.jensen_shannon),
    "soft_cross_entropy": (of(soft_cross_entropy), oracles.soft_cross_entropy),
    "tail bucket": (bucket, lambda s, t, T: oracles.kl_with_tail_bucket(s, t, KEPT, T)),
    "decoupled": (weighed, lambda s, t, T: oracles.decoupled(s, t, TARGET, T, 0.7, 3.0)),
    "between": (of(relation_between_classes), oracles.relation_between_classes),
    "within": (of(relation_within_classes), oracles.relation_within_classes),
    "mse": (lambda s, t, T: logit_mse(s, t), lambda s, t, T: oracles.logit_mse(s, t)),
    "mse, standardized": (
        lambda s, t, T: logit_mse(standardized(s), standardized(t)),
        lambda s, t, T: oracles.logit_mse(
            *((x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True) for x in (s, t))
        ),
    ),
}
VANISH_AT_THE_TEACHER = set(PAIRS) - {"soft_cross_entropy"}
logits = st.lists(st.floats(-8, 8, width=32), min_size=ROWS * CLASSES, max_size=ROWS * CLASSES)


def rows(values):
    return np.array(values, np.float32).reshape(ROWS, CLASSES)


def have_a_spread(*probs):
    """Return whether rows and columns differ enough for a correlation in float32."""
    return all(one.std(axis=axis).min() > 0.01 for one in probs for axis in (0, 1))


def slope_of(function, student):
    variable = tf.Variable(student)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(function(variable))
    return tape.gradient(value, variable).numpy()


def numeric_slope(function, student):
    student, step = student.astype(np.float64), 1e-5
    found = np.zeros_like(student)
    for place in np.ndindex(student.shape):
        sides = []
        for change in (step, -step):
            moved = student.copy()
            moved[place] += change
            sides.append(np.sum(function(moved)))
        found[place] = (sides[0] - sides[1]) / (2 * step)
    return found


@pytest.mark.parametrize("name", PAIRS)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.filter_too_much])
@given(student=logits, teacher=logits, temperature=st.sampled_from([0.5, 1.0, 4.0]))
def test_it_equals_its_definition(name, student, teacher, temperature):
    ours, oracle = PAIRS[name]
    student, teacher = rows(student), rows(teacher)
    assume(have_a_spread(*(oracles.softmax(one, temperature) for one in (student, teacher))))
    expected = oracle(student.astype(np.float64), teacher.astype(np.float64), temperature)
    value = ours(tf.constant(student), tf.constant(teacher), temperature)
    np.testing.assert_allclose(value, expected, rtol=1e-3, atol=2e-4 * temperature**2)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize("name", PAIRS)
def test_its_gradient_is_that_of_its_definition(name, temperature):
    ours, oracle = PAIRS[name]
    rng = np.random.default_rng(3)
    student, teacher = rng.normal(0, 2, (2, ROWS, CLASSES)).astype(np.float32)
    found = slope_of(lambda s: ours(s, tf.constant(teacher), temperature), student)
    exact = teacher.astype(np.float64)
    expected = numeric_slope(lambda s: oracle(s, exact, temperature), student)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", sorted(VANISH_AT_THE_TEACHER))
def test_it_is_zero_at_the_teacher_and_has_no_slope_there(name):
    ours, _ = PAIRS[name]
    teacher = np.random.default_rng(4).normal(0, 2, (ROWS, CLASSES)).astype(np.float32)
    np.testing.assert_allclose(ours(tf.constant(teacher), teacher, 2.0), 0.0, atol=1e-4)
    np.testing.assert_allclose(slope_of(lambda s: ours(s, teacher, 2.0), teacher), 0.0, atol=1e-3)


@pytest.mark.parametrize("name", PAIRS)
def test_it_is_not_differentiated_through_the_teacher(name):
    ours, _ = PAIRS[name]
    teacher = tf.Variable(np.random.default_rng(4).normal(0, 2, (ROWS, CLASSES)).astype(np.float32))
    student = tf.constant(np.random.default_rng(5).normal(size=(ROWS, CLASSES)).astype(np.float32))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(ours(student, teacher, 2.0))
    assert tape.gradient(value, teacher) is None


@pytest.mark.parametrize("name", PAIRS)
def test_a_shift_of_all_logits_of_a_row_changes_nothing(name):
    ours, _ = PAIRS[name]
    student, teacher = np.random.default_rng(6).normal(size=(2, ROWS, CLASSES)).astype(np.float32)
    before = ours(tf.constant(student), tf.constant(teacher), 2.0)
    after = ours(tf.constant(student + 5), tf.constant(teacher - 3), 2.0)
    np.testing.assert_allclose(before, after, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", sorted(set(PAIRS) - {"mse", "mse, standardized"}))
def test_it_stays_finite_at_extreme_logits(name):
    ours, _ = PAIRS[name]
    student = np.tile(np.array([40.0, -40.0, 0.0, 1.0], np.float32), (ROWS, 1))
    teacher = np.tile(np.array([-40.0, 40.0, 1.0, 0.0], np.float32), (ROWS, 1))
    assert np.isfinite(ours(tf.constant(student), tf.constant(teacher), 1.0)).all()
    assert np.isfinite(slope_of(lambda s: ours(s, teacher, 1.0), student)).all()


@pytest.mark.parametrize("temperature", [0.02, 1.0, 4.0])
@pytest.mark.parametrize("margin", [2.0, 100.0, 1000.0])
def test_a_target_far_above_all_others_has_a_gradient(margin, temperature):
    teacher = np.zeros((2, 4), np.float32)
    teacher[:, 1] = margin
    student = np.random.default_rng(5).normal(size=(2, 4)).astype(np.float32)
    targets = tf.constant([1, 2])

    def loss(logits):
        return decoupled(logits, teacher, targets, temperature=temperature)

    assert np.isfinite(loss(tf.constant(student))).all()
    assert np.isfinite(slope_of(loss, student)).all()


@pytest.mark.parametrize("name", ["soft_cross_entropy", "tail bucket", "decoupled"])
def test_its_gradient_does_not_vanish_at_a_margin_of_thirty(name):
    ours, _ = PAIRS[name]
    student = np.tile(np.array([30.0, 0.0, -5.0, -5.0], np.float32), (ROWS, 1))
    teacher = np.tile(np.array([0.0, 30.0, -5.0, -5.0], np.float32), (ROWS, 1))
    found = np.abs(slope_of(lambda s: ours(s, teacher, 4.0), student)).max(axis=1)
    assert (found[:2] > 0.1).all()


def test_the_gradient_of_the_soft_cross_entropy_is_that_of_the_kl():
    student, teacher = np.random.default_rng(8).normal(size=(2, 6, 5)).astype(np.float32)
    slopes = [
        slope_of(lambda s, loss=loss: loss(s, teacher, temperature=3.0), student)
        for loss in (soft_cross_entropy, kl_to_teacher)
    ]
    np.testing.assert_allclose(*slopes, atol=1e-5)


def test_decoupled_with_the_weights_of_the_kl_is_the_kl():
    student, teacher = np.random.default_rng(9).normal(size=(2, ROWS, CLASSES)).astype(np.float32)
    for row in range(ROWS):
        rest = 1 - oracles.softmax(teacher[row], 2.0)[TARGET[row]]
        found = decoupled(
            student[row],
            teacher[row],
            tf.constant(TARGET[row]),
            temperature=2.0,
            others_weight=rest,
        )
        expected = kl_to_teacher(student[row], teacher[row], temperature=2.0)
        np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_kl_tends_to_half_the_mse_of_centred_logits():
    student, teacher = np.random.default_rng(9).normal(size=(2, 6, 5)).astype(np.float32)
    hot = oracles.kl_to_teacher(student.astype(np.float64), teacher.astype(np.float64), 1000.0)
    np.testing.assert_allclose(logit_mse(student, teacher) / 2, hot, rtol=1e-2)


def test_standardized_logits_have_mean_zero_and_deviation_one_and_even_ones_stay():
    found = standardized(tf.constant([[3.0, 5.0, 10.0], [2.0, 2.0, 2.0]])).numpy()
    np.testing.assert_allclose([found[0].mean(), found[0].std()], [0, 1], atol=1e-6)
    np.testing.assert_array_equal(found[1], 0.0)
    slope = slope_of(standardized, np.full((1, 3), 2.0, np.float32))
    assert np.isfinite(slope).all()


def test_label_smoothing_equals_its_definition():
    student = np.random.default_rng(2).normal(0, 3, (4, 3)).astype(np.float32)
    labels = np.array([0, 2, 1, -1])
    found = hard_label_cross_entropy(student, tf.constant(labels), label_smoothing=0.1)
    expected = oracles.smoothed_cross_entropy(student[:3], labels[:3], 0.1)
    np.testing.assert_allclose(found, [*expected, 0.0], rtol=1e-5)


def test_a_weighted_mean_counts_the_weights_of_valid_entries():
    values, valid = tf.constant([1.0, 4.0, np.nan]), tf.constant([True, True, False])
    assert float(mean_over_valid(values, valid, tf.constant([3.0, 1.0, 9.0]))) == 1.75
    assert float(mean_over_valid(values, valid, tf.zeros(3))) == 0.0


@pytest.mark.parametrize("name", losses_of("softmax"))
def test_every_loss_teaches_a_student_without_hard_labels(name):
    rng = np.random.default_rng(11)
    inputs = rng.normal(size=(600, 20)).astype(np.float32)
    teacher = (inputs @ rng.normal(size=(20, 4))).astype(np.float32)
    unlabelled = tf.fill([400], -1)
    weights = tf.Variable(tf.zeros((20, 4)) + 0.01 * rng.normal(size=(20, 4)).astype(np.float32))
    optimizer = keras.optimizers.Adam(0.05)
    loss = find_loss(name, "softmax")
    for _ in range(150):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(inputs[:400] @ weights, teacher[:400], unlabelled, 2.0))
        optimizer.apply([tape.gradient(value, weights)], [weights])
    predicted = (inputs[400:] @ weights.numpy()).argmax(axis=1)
    assert (predicted == teacher[400:].argmax(axis=1)).mean() > 0.9

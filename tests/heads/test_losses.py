"""Every loss against a float64 definition: value, gradient, invariance, learning."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.heads.losses.parts.divergences import kl_to_teacher
from stages.heads.losses.parts.hard import hard_label_cross_entropy, mean_over_valid
from tests import oracles
from tests.heads.slopes import gradient

RELATIVE = 2e-5
ABSOLUTE = 2e-5

logit = st.floats(-40, 40, width=32)
logit_rows = st.integers(2, 7).flatmap(
    lambda classes: st.tuples(
        st.lists(logit, min_size=classes, max_size=classes),
        st.lists(logit, min_size=classes, max_size=classes),
    )
)


@settings(deadline=None, max_examples=150)
@given(rows=logit_rows, temperature=st.sampled_from([0.5, 1.0, 2.0, 4.0, 10.0]))
def test_kl_equals_its_definition_and_its_gradient(rows, temperature):
    student, teacher = np.array(rows, np.float32)
    value = kl_to_teacher(student, teacher, temperature=temperature)
    expected = oracles.kl_to_teacher(student, teacher, temperature)
    np.testing.assert_allclose(value, expected, rtol=RELATIVE, atol=ABSOLUTE * temperature**2)
    slope = gradient(lambda s: kl_to_teacher(s, teacher, temperature=temperature), student)
    expected_slope = oracles.kl_to_teacher_gradient(student, teacher, temperature)
    np.testing.assert_allclose(slope, expected_slope, rtol=RELATIVE, atol=ABSOLUTE * temperature)


def test_gradient_does_not_vanish_at_a_margin_of_thirty():
    student, teacher = [[30.0, 0.0]], [[0.0, 30.0]]
    slope = gradient(lambda s: kl_to_teacher(s, teacher, temperature=1.0), student)
    np.testing.assert_allclose(slope, [[1.0, -1.0]], rtol=1e-6)


def test_extreme_logits_stay_finite_and_exact():
    student, teacher = [[-40.0, 40.0]], [[40.0, -40.0]]
    value = kl_to_teacher(tf.constant(student), tf.constant(teacher), temperature=1.0)
    np.testing.assert_allclose(value, oracles.kl_to_teacher(student, teacher, 1.0), rtol=1e-6)
    np.testing.assert_allclose(value, [80.0], rtol=1e-6)


@settings(deadline=None, max_examples=50)
@given(rows=logit_rows, shift=st.floats(-20, 20, width=32))
def test_kl_ignores_a_shift_of_all_logits(rows, shift):
    student, teacher = np.array(rows, np.float32)
    before = kl_to_teacher(student, teacher, temperature=2.0)
    after = kl_to_teacher(student + np.float32(shift), teacher - np.float32(shift), temperature=2.0)
    np.testing.assert_allclose(before, after, rtol=1e-4, atol=1e-4)


def test_kl_is_zero_at_the_teacher_and_not_differentiated_through_it():
    teacher = tf.Variable([[1.0, 2.0, -3.0]])
    with tf.GradientTape() as tape:
        value = kl_to_teacher(tf.constant([[0.0, 1.0, 0.0]]), teacher, temperature=2.0)
    assert tape.gradient(value, teacher) is None
    same = kl_to_teacher(teacher, teacher, temperature=3.0)
    np.testing.assert_allclose(same, [0.0], atol=1e-6)


def test_cross_entropy_equals_its_definition_and_skips_unlabelled():
    logits = np.array([[2.0, -1.0, 40.0], [0.0, -40.0, 40.0], [5.0, 5.0, 5.0]], np.float32)
    value = hard_label_cross_entropy(logits, tf.constant([0, 1, -1]))
    np.testing.assert_allclose(value, [*oracles.cross_entropy(logits[:2], [0, 1]), 0.0], rtol=1e-6)
    slope = gradient(lambda s: hard_label_cross_entropy(s, tf.constant([0, 1, -1])), logits)
    expected = oracles.softmax(logits) - [[1, 0, 0], [0, 1, 0], oracles.softmax(logits)[2]]
    np.testing.assert_allclose(slope, expected, atol=1e-6)


def test_mean_counts_valid_entries_only():
    values = tf.constant([2.0, 4.0, float("nan")])
    mean = mean_over_valid(values, tf.constant([True, True, False]))
    assert float(mean) == 3.0
    assert float(mean_over_valid(values, tf.constant([False] * 3))) == 0.0


def test_equals_keras_with_an_explicit_kl_on_moderate_logits():
    rng = np.random.default_rng(7)
    student, teacher = rng.normal(size=(2, 8, 5)).astype(np.float32)
    stock = keras.distillation.LogitsDistillation(temperature=3.0, loss=keras.losses.KLDivergence())
    ours = tf.reduce_mean(kl_to_teacher(student, teacher, temperature=3.0))
    np.testing.assert_allclose(ours, stock.compute_loss(teacher, student), rtol=1e-4)


def test_documents_where_keras_clips_and_loses_the_gradient():
    student, teacher = [[30.0, 0.0]], [[0.0, 30.0]]
    stock = keras.distillation.LogitsDistillation(temperature=1.0, loss=keras.losses.KLDivergence())
    stock_value = float(stock.compute_loss(tf.constant(teacher), tf.constant(student)))
    slope = gradient(lambda s: stock.compute_loss(tf.constant(teacher), s), student)
    exact = oracles.kl_to_teacher(student, teacher, 1.0)[0]
    assert exact == pytest.approx(30.0, rel=1e-6)
    assert stock_value < 17.0
    assert np.abs(slope).max() < 1e-6


def test_documents_that_the_keras_default_is_no_kl_of_distributions():
    student = tf.constant([[1.0, 2.0, 0.5]])
    teacher = tf.constant([[0.2, 1.5, 3.0]])
    default = keras.distillation.LogitsDistillation(temperature=2.0)
    exact = oracles.kl_to_teacher(student, teacher, 2.0)[0]
    assert float(default.compute_loss(teacher, student)) != pytest.approx(exact, rel=0.05)

"""Total variation against its definition: value, gradient, bounds, and what it teaches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from schemas.train_section import losses_of
from stages.heads.losses import find_loss
from tests import oracles
from tests.heads.slopes import gradient

CLASSES = 5
NONE = tf.constant([-1])


def total_variation(student, teacher, temperature):
    return find_loss("total_variation", "softmax")(student, teacher, NONE, temperature)


def oracle(student, teacher, temperature):
    student, teacher = (one.astype(np.float64) for one in (student, teacher))
    sides = [oracles.softmax(one, temperature) for one in (student, teacher)]
    return temperature * np.abs(sides[0] - sides[1]).sum(axis=-1) / 2


def drawn(seed=3):
    return np.random.default_rng(seed).normal(0, 2, (2, 8, CLASSES)).astype(np.float32)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_it_equals_its_definition_and_its_gradient(temperature):
    student, teacher = drawn()
    value = total_variation(tf.constant(student), teacher, temperature)
    np.testing.assert_allclose(value, oracle(student, teacher, temperature), rtol=1e-5)
    found = gradient(lambda s: total_variation(s, teacher, temperature), student)
    probs = oracles.softmax(student.astype(np.float64), temperature)
    signs = np.sign(probs - oracles.softmax(teacher.astype(np.float64), temperature)) / 2
    expected = probs * (signs - (probs * signs).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_shift_of_the_logits_changes_nothing_and_it_is_bounded():
    student, teacher = drawn()
    moved = total_variation(student + 7.0, teacher - 3.0, 2.0)
    np.testing.assert_allclose(moved, total_variation(student, teacher, 2.0), atol=1e-5)
    far = total_variation(tf.constant([[60.0, 0.0]]), tf.constant([[0.0, 60.0]]), 3.0)
    np.testing.assert_allclose(far, [3.0], rtol=1e-6)


def test_it_is_for_classes_and_for_positions():
    kinds = ("softmax", "sigmoid", "regression", "pointer")
    assert ["total_variation" in losses_of(kind) for kind in kinds] == [True, False, False, True]


def test_it_teaches_a_student_without_hard_labels():
    draw = np.random.default_rng(11)
    inputs = draw.normal(size=(600, 20)).astype(np.float32)
    teacher = (inputs @ draw.normal(size=(20, 4))).astype(np.float32)
    weights = tf.Variable(0.01 * draw.normal(size=(20, 4)).astype(np.float32))
    optimizer = keras.optimizers.Adam(0.05)
    for _ in range(150):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(total_variation(inputs[:400] @ weights, teacher[:400], 2.0))
        optimizer.apply([tape.gradient(value, weights)], [weights])
    predicted = (inputs[400:] @ weights.numpy()).argmax(axis=1)
    assert (predicted == teacher[400:].argmax(axis=1)).mean() > 0.9

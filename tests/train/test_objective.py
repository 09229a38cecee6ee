"""The objective: both terms over their own rows, schedules, weights, and what a baseline sees."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from schemas.errors import RunFileError
from schemas.train_section import Schedule
from stages.train.objective import Objective, example_weights
from tests import oracles, tiny

RNG = np.random.default_rng(5)
STUDENT, TEACHER = RNG.normal(size=(2, 4, 3)).astype(np.float32)
LABELS = np.array([0, 2, -1, 1])
TARGETS = {"label": tf.constant(LABELS), "teacher_logits": tf.constant(TEACHER)}


def value(progress=0.0, targets=TARGETS, **changes):
    stated = {"temperature": 4.0, "hard_label_weight": 0.3, **changes}
    return Objective(**stated).value(tf.constant(STUDENT), targets, progress=progress)


def soft(temperature=4.0, weights=(1, 1, 1, 1)):
    return np.average(oracles.kl_to_teacher(STUDENT, TEACHER, temperature), weights=weights)


def hard():
    return oracles.cross_entropy(STUDENT[[0, 1, 3]], LABELS[[0, 1, 3]]).mean()


def test_it_weighs_both_terms_over_their_own_rows():
    np.testing.assert_allclose(value(), 0.7 * soft() + 0.3 * hard(), rtol=1e-5)


def test_a_baseline_does_not_touch_the_teacher():
    spoilt = {**TARGETS, "teacher_logits": tf.fill([4, 3], np.nan)}
    found = value(targets=spoilt, hard_label_weight=1.0)
    np.testing.assert_allclose(found, hard(), rtol=1e-6)


def test_without_any_hard_label_the_teacher_alone_counts():
    found = value(targets={**TARGETS, "label": tf.fill([4], -1)})
    np.testing.assert_allclose(found, 0.7 * soft(), rtol=1e-5)


def test_schedules_move_temperature_and_weight():
    changes = {
        "temperature": Schedule(start=4.0, end=2.0),
        "hard_label_weight": Schedule(start=0.0, end=1.0, shape="cosine"),
    }
    np.testing.assert_allclose(value(**changes), soft(), rtol=1e-5)
    np.testing.assert_allclose(value(1.0, **changes), hard(), rtol=1e-5)
    half = 0.5 * soft(3.0) + 0.5 * hard()
    np.testing.assert_allclose(value(0.5, **changes), half, rtol=1e-5)
    np.testing.assert_allclose(value(9.0, **changes), hard(), rtol=1e-5)


@pytest.mark.parametrize("loss", ["kl", "reverse_kl", "jensen_shannon", "decoupled", "dist"])
def test_each_loss_by_its_name_is_another_one(loss):
    found = float(value(loss=loss))
    same = found == pytest.approx(float(value()), rel=1e-4)
    assert same == (loss == "kl")


def test_decoupled_takes_the_teachers_class_where_there_is_no_label():
    found = value(loss="decoupled", hard_label_weight=0.0)
    target = np.where(LABELS >= 0, LABELS, TEACHER.argmax(axis=1))
    expected = oracles.decoupled(STUDENT, TEACHER, target, 4.0, 1.0, 8.0).mean()
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_dist_adds_both_relations():
    found = value(loss="dist", hard_label_weight=0.0)
    between = oracles.relation_between_classes(STUDENT, TEACHER, 4.0).mean()
    within = oracles.relation_within_classes(STUDENT, TEACHER, 4.0).mean()
    np.testing.assert_allclose(found, between + within, rtol=1e-4)


def test_standardized_logits_go_into_the_loss_on_both_sides():
    sides = [(x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True) for x in (STUDENT, TEACHER)]
    expected = oracles.kl_to_teacher(*sides, 4.0).mean()
    found = value(standardize_logits=True, hard_label_weight=0.0)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_bucket_is_used_where_the_table_has_a_tail():
    kept = np.array([[True, False, False], [True, True, False]] * 2)
    expected = oracles.kl_with_tail_bucket(STUDENT, TEACHER, kept, 4.0).mean()
    found = value(targets={**TARGETS, "teacher_kept": kept}, bucket=True, hard_label_weight=0.0)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(value(bucket=True), value(), rtol=1e-6)


def test_weights_of_examples():
    logits = tf.constant([[9.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    labels = tf.constant([1, -1])
    weights = {kind: example_weights(logits, labels, kind=kind) for kind in ("even", "agreement")}
    assert weights["even"] is None
    np.testing.assert_array_equal(weights["agreement"], [0, 1])
    confidence = example_weights(logits, labels, kind="confidence")
    np.testing.assert_allclose(confidence, [oracles.softmax(logits)[0, 0], 1 / 3], rtol=1e-5)
    certainty = example_weights(logits, labels, kind="certainty")
    probs = oracles.softmax(logits)[0]
    expected = 1 + (probs * np.log(probs)).sum() / np.log(3)
    np.testing.assert_allclose(certainty, [expected, 0.0], atol=1e-6)


def test_weights_go_into_the_mean_over_the_teachers_term():
    agrees = (TEACHER.argmax(axis=1) == LABELS) | (LABELS < 0)
    expected = 0.7 * soft(weights=agrees) + 0.3 * hard()
    np.testing.assert_allclose(value(example_weight="agreement"), expected, rtol=1e-5)


@pytest.mark.parametrize("hard_label_weight", [0.0, 0.3])
def test_learns_a_teacher_better_than_chance_and_than_few_hard_labels(hard_label_weight):
    rng = np.random.default_rng(11)
    inputs = rng.normal(size=(600, 20)).astype(np.float32)
    teacher = (inputs @ rng.normal(size=(20, 4)) * 2).astype(np.float32)
    labels = np.where(np.arange(600) < 24, teacher.argmax(axis=1), -1)

    def agreement(weight):
        weights = tf.Variable(tf.zeros((20, 4)))
        optimizer = keras.optimizers.Adam(0.05)
        objective = Objective(2.0, hard_label_weight=weight)
        targets = {"label": tf.constant(labels[:400]), "teacher_logits": teacher[:400]}
        for _ in range(150):
            with tf.GradientTape() as tape:
                loss = objective.value(inputs[:400] @ weights, targets)
            optimizer.apply([tape.gradient(loss, weights)], [weights])
        predicted = (inputs[400:] @ weights.numpy()).argmax(axis=1)
        return (predicted == teacher[400:].argmax(axis=1)).mean()

    assert agreement(hard_label_weight) > max(0.9, agreement(1.0) + 0.05)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.temperature={start=4.0, end=0.0}", "temperature must stay above 0"),
        (
            "train.hard_label_weight={start=0.0, end=2.0}",
            r"hard_label_weight must stay in \[0, 1\]",
        ),
        ("train.tail=bucket", "needs a table with label.top_k"),
        ("train.temperature=0", "found 0, expected a number above 0"),
    ],
)
def test_what_does_not_hold_is_said(override, message):
    with pytest.raises(RunFileError, match=message):
        tiny.run(override)
    with pytest.raises(RunFileError, match='goes with loss = "kl"'):
        tiny.run("label.top_k=1", "train.tail=bucket", "train.loss=reverse_kl")

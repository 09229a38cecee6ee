"""Pointers as classes: oracle, gradient, padding, and that the figures are the report's."""

import numpy as np
import pytest
import tensorflow as tf

from stages.heads.metrics.answers import overlap_f1 as exact_overlap
from stages.heads.scores.pointers import best_spans, first_of, overlap_f1
from stages.rows import pointers
from stages.train.objective import Objective
from tests.rows.test_pointers import drawn


def batch(seed=3, rows=4, words=6):
    """Return student logits and targets: `[SEP]` is at place 1, row 0 is shorter."""
    draw = np.random.default_rng(seed)
    student, teacher = draw.normal(0, 2, (2, rows, words, 2)).astype(np.float32)
    seen = np.ones((rows, words), bool)
    seen[:, 0] = False
    seen[0, 4:] = False
    label = np.zeros((rows, words, 2), np.float32)
    label[0, 2, 0] = label[0, 3, 1] = label[1, 1] = label[2, 5] = 1
    label[3] = np.nan
    return student, {"label": label, "teacher_logits": teacher, "seen": seen}


def softmax(logits):
    return np.exp(logits - np.logaddexp.reduce(logits))


def oracle(student, targets, *, weight, temperature):
    """Return the objective in float64, pointer by pointer."""
    soft, hard = [], []
    for row, seen in enumerate(targets["seen"]):
        for pointer in (0, 1):
            own, taught = (
                one[row, seen, pointer].astype(np.float64)
                for one in (student, targets["teacher_logits"])
            )
            p, q = softmax(taught / temperature), softmax(own / temperature)
            soft.append(temperature**2 * np.sum(p * (np.log(p) - np.log(q))))
            there = np.flatnonzero(targets["label"][row, seen, pointer] == 1)
            hard += [-np.log(softmax(own)[there[0]])] if len(there) else []
    return (1 - weight) * np.mean(soft) + weight * np.mean(hard)


def tensors(targets):
    return {name: tf.constant(value) for name, value in targets.items()}


@pytest.mark.parametrize(("weight", "temperature"), [(0.0, 1.0), (0.3, 3.0), (1.0, 1.0)])
def test_the_objective_is_that_of_the_oracle(weight, temperature):
    student, targets = batch()
    objective = Objective(temperature, hard_label_weight=weight, kind="pointer")
    found = objective.value(tf.constant(student), tensors(targets))
    expected = oracle(student, targets, weight=weight, temperature=temperature)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_the_gradient_is_that_of_the_oracle():
    student, targets = batch()
    objective = Objective(2.0, hard_label_weight=0.4, kind="pointer")
    with tf.GradientTape() as tape:
        logits = tf.constant(student)
        tape.watch(logits)
        value = objective.value(logits, tensors(targets))
    expected = np.zeros(student.shape)
    for place in np.ndindex(student.shape):
        ends = []
        for step in (1e-5, -1e-5):
            moved = student.astype(np.float64)
            moved[place] += step
            ends.append(oracle(moved, targets, weight=0.4, temperature=2.0))
        expected[place] = (ends[0] - ends[1]) / 2e-5
    np.testing.assert_allclose(tape.gradient(value, logits), expected, atol=1e-5)


@pytest.mark.parametrize("loss", ["kl", "reverse_kl", "jensen_shannon", "soft_cross_entropy"])
def test_what_is_not_seen_and_padding_change_nothing(loss):
    student, targets = batch()
    objective = Objective(2.0, hard_label_weight=0.4, kind="pointer", loss=loss)
    before = float(objective.value(tf.constant(student), tensors(targets)))
    assert np.isfinite(before)
    wider = [(0, 0), (0, 3), (0, 0)]
    student = np.pad(student, wider, constant_values=7)
    student[:, 0] = 50
    changed = {
        "label": np.pad(targets["label"], wider, constant_values=-1),
        "teacher_logits": np.pad(targets["teacher_logits"], wider),
        "seen": np.pad(targets["seen"], wider[:2]),
    }
    changed["teacher_logits"][:, 0] = 99
    after = float(objective.value(tf.constant(student), tensors(changed)))
    assert after == pytest.approx(before, rel=1e-5)


def test_an_answer_that_is_not_seen_has_no_hard_loss():
    student, targets = batch()
    targets["label"][:] = 0
    targets["label"][:, 0] = 1
    objective = Objective(1.0, hard_label_weight=1.0, kind="pointer")
    assert float(objective.value(tf.constant(student), tensors(targets))) == 0.0


def test_spans_in_the_graph_are_those_of_the_report():
    answers, separator = drawn(5, rows=60)
    counts = np.diff(answers.offsets)
    padded = np.zeros((60, counts.max(), 2), np.float32)
    padded[np.arange(counts.max()) < counts[:, None]] = np.nan_to_num(answers.values)
    places = np.arange(counts.max())
    seen = (places < counts[:, None]) & (places >= separator[:, None])
    found = best_spans(tf.constant(padded), tf.constant(seen)).numpy()
    expected = pointers.best_spans(answers, separator)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(first_of(tf.constant(seen)), separator)
    right = expected[::-1].copy()
    np.testing.assert_allclose(overlap_f1(found, right), exact_overlap(expected, right), rtol=1e-6)

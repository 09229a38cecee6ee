"""Losses and figures of heads of several labels and of numbers: definition, gradient, learning."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.head_kinds import head_kinds
from schemas.heads import Head
from schemas.train_section import losses_of
from stages.heads import head_kind
from stages.heads.losses import HardLoss, find_loss
from stages.heads.losses.parts.labels import bernoulli_kl_to_teacher, binary_cross_entropy
from stages.heads.losses.parts.values import squared_error
from stages.heads.metrics.labels import score_labels
from stages.heads.metrics.values import score_values
from stages.train.objective import Objective
from tests import oracles
from tests.heads.slopes import gradient

logit = st.floats(-40, 40, width=32)
pairs = st.integers(1, 6).flatmap(
    lambda classes: st.tuples(
        st.lists(logit, min_size=classes, max_size=classes),
        st.lists(logit, min_size=classes, max_size=classes),
    )
)
NAN = float("nan")


def test_every_loss_that_a_run_file_may_name_is_there():
    found = {kind: losses_of(kind) for kind in head_kinds()}
    assert found["softmax"][:2] == ("kl", "reverse_kl")
    assert found["sigmoid"] == ("kl", "squared_error")
    for kind, names in found.items():
        assert all(callable(find_loss(name, kind)) for name in names)
        assert isinstance(head_kind(kind).hard_loss(), HardLoss)


@settings(deadline=None, max_examples=150)
@given(rows=pairs, temperature=st.sampled_from([0.5, 1.0, 2.0, 4.0]))
def test_kl_of_yes_or_no_equals_its_definition_and_its_gradient(rows, temperature):
    student, teacher = np.array(rows, np.float32)
    value = bernoulli_kl_to_teacher(student, teacher, temperature=temperature)
    expected = oracles.bernoulli_kl_to_teacher(student, teacher, temperature)
    np.testing.assert_allclose(value, expected, rtol=2e-5, atol=2e-5 * temperature**2)
    slope = gradient(
        lambda s: bernoulli_kl_to_teacher(s, teacher, temperature=temperature), student
    )
    expected = oracles.bernoulli_kl_to_teacher_gradient(student, teacher, temperature)
    np.testing.assert_allclose(slope, expected, rtol=2e-5, atol=2e-5 * temperature)


def test_its_gradient_does_not_vanish_at_a_margin_of_thirty():
    slope = gradient(lambda s: bernoulli_kl_to_teacher(s, [[30.0]], temperature=1.0), [[-30.0]])
    np.testing.assert_allclose(slope, [[-1.0]], rtol=1e-6)


def test_one_class_is_a_softmax_of_two():
    student, teacher = np.array([[1.5], [-3.0]], np.float32), np.array([[0.5], [2.0]], np.float32)
    two = [np.concatenate([np.zeros_like(one), one], axis=1) for one in (student, teacher)]
    found = bernoulli_kl_to_teacher(student, teacher, temperature=3.0)
    np.testing.assert_allclose(found, oracles.kl_to_teacher(*two, 3.0), rtol=1e-5)


def test_hard_losses_equal_their_definitions_and_skip_what_has_no_label():
    student = np.array([[2.0, -40.0], [40.0, 0.0], [5.0, 5.0]], np.float32)
    labels = np.array([[1, 1], [0, 1], [NAN, NAN]], np.float32)
    expected = [*oracles.binary_cross_entropy(student[:2], labels[:2]), 0.0]
    np.testing.assert_allclose(binary_cross_entropy(student, labels), expected, rtol=1e-6)
    slope = gradient(lambda s: binary_cross_entropy(s, tf.constant(labels)), student)
    known = (oracles.sigmoid(student[:2]) - labels[:2]) / 2
    np.testing.assert_allclose(slope, [*known, [0, 0]], atol=1e-6)
    numbers = np.array([[1.5], [NAN]], np.float32)
    found = squared_error(tf.constant([[3.5], [7.0]]), numbers)
    np.testing.assert_allclose(found, [4.0, 0.0])
    slope = gradient(lambda s: squared_error(s, tf.constant(numbers)), [[3.5], [7.0]])
    np.testing.assert_allclose(slope, [[4.0], [0.0]])


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in ("sigmoid", "regression") for name in losses_of(kind)],
)
def test_every_loss_teaches_a_student_without_hard_labels(kind, name):
    draw = np.random.default_rng(11)
    inputs = draw.normal(size=(600, 20)).astype(np.float32)
    width = 3 if kind == "sigmoid" else 1
    teacher = (inputs @ draw.normal(size=(20, width))).astype(np.float32)
    weights = tf.Variable(tf.zeros((20, width)))
    optimizer = keras.optimizers.Adam(0.1)
    objective = Objective(2.0, hard_label_weight=0.3, loss=name, kind=kind)
    targets = {"label": tf.fill([400, width], NAN), "teacher_logits": teacher[:400]}
    for _ in range(250):
        with tf.GradientTape() as tape:
            value = objective.value(inputs[:400] @ weights, targets)
        optimizer.apply_gradients([(tape.gradient(value, weights), weights)])
    said = (inputs @ weights.numpy())[400:]
    assert np.corrcoef(said.ravel(), teacher[400:].ravel())[0, 1] > 0.98


@pytest.mark.parametrize("kind", ["sigmoid", "regression"])
def test_the_objective_weighs_both_means_and_a_baseline_ignores_the_teacher(kind):
    draw = np.random.default_rng(2)
    student, teacher = draw.normal(size=(2, 4, 1)).astype(np.float32)
    labels = np.array([[1], [0], [NAN], [1]], np.float32)
    targets = {"label": tf.constant(labels), "teacher_logits": tf.constant(teacher)}
    loss = "kl" if kind == "sigmoid" else "squared_error"
    found = Objective(2.0, hard_label_weight=0.25, loss=loss, kind=kind).value(student, targets)
    if kind == "sigmoid":
        soft = oracles.bernoulli_kl_to_teacher(student, teacher, 2.0).mean()
        hard = oracles.binary_cross_entropy(student, labels)[[0, 1, 3]].mean()
    else:
        soft = ((student - teacher) ** 2).mean()
        hard = ((student - labels)[[0, 1, 3]] ** 2).mean()
    assert float(found) == pytest.approx(0.75 * soft + 0.25 * hard, rel=1e-5)
    alone = Objective(1.0, hard_label_weight=1.0, kind=kind).value(student, targets)
    assert float(alone) == pytest.approx(hard, rel=1e-5)


def counted(head, labels, logits, teacher):
    """Return the figures of several batches."""
    figures = head_kind(head.kind).figures(head, kept_by="auc")
    for part in np.array_split(np.arange(len(labels)), 3):
        targets = {"label": tf.constant(labels[part]), "teacher_logits": tf.constant(teacher[part])}
        figures.count(targets, tf.constant(logits[part]), testing=True)
    found = {}
    for metric in figures.metrics:
        result = metric.result()
        found.update(result if isinstance(result, dict) else {metric.name: result})
    return {name: float(value) for name, value in found.items()}


ranked = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, NAN]), st.integers(-4000, 4000)), min_size=1, max_size=30
)


@given(ranked, ranked)
def test_the_area_under_the_curve_is_the_reports(one, other):
    rows = [(a, b) for a, b in zip(one, other, strict=False) if np.isnan(a[0]) == np.isnan(b[0])]
    if not rows:
        return
    labels = np.array([[label for label, _ in row] for row in rows], np.float32)
    logits = np.array([[place / 256 for _, place in row] for row in rows], np.float32)
    head = Head(name="x", kind="sigmoid", classes=("a", "b"))
    found = counted(head, labels, logits, logits)["auc"]
    expected = None
    if not np.isnan(labels).all():
        expected = score_labels(logits, labels, classes=head.classes, bins=5).auc
    assert found == pytest.approx(0.0 if expected is None else expected, abs=1e-6)


@pytest.mark.parametrize(
    ("logits", "area"),
    [([-1e30, 1e30], 1.0), ([1e30, -1e30], 0.0), ([80.0, 90.0], 0.5), ([NAN, 0.0], 1.0)],
)
def test_logits_beyond_the_limit_are_alike(logits, area):
    head = Head(name="x", kind="sigmoid", classes=("a",))
    column = np.array(logits, np.float32)[:, None]
    assert counted(head, np.array([[0.0], [1.0]], np.float32), column, column)["auc"] == area


def test_the_figures_of_training_are_those_of_the_report():
    draw = np.random.default_rng(4)
    logits, teacher = draw.normal(size=(2, 50, 3)).astype(np.float32)
    labels = (draw.random((50, 3)) < 0.4).astype(np.float32)
    labels[[3, 40]] = NAN
    head = Head(name="x", kind="sigmoid", classes=("a", "b", "c"))
    expected = score_labels(logits, labels, classes=head.classes, bins=5).figures
    found = counted(head, labels, logits, teacher)
    assert found.pop("agreement") == pytest.approx(((logits >= 0) == (teacher >= 0)).mean())
    assert found["auc"] == pytest.approx(expected["auc"], abs=2e-3)  # near logits count as equal
    expected["auc"] = found["auc"]
    assert found == pytest.approx({name: expected[name] for name in found}, abs=1e-6)
    numbers = labels[:, :1] + 1000
    head = Head(name="x", kind="regression")
    found = counted(head, numbers, logits[:, :1] + 1000, teacher[:, :1])
    expected = score_values(logits[:, 0], numbers[:, 0], teacher=teacher[:, 0])
    assert found["pearson"] == pytest.approx(expected.pearson, abs=1e-4)
    near = counted(head, numbers, numbers + logits[:, :1] / 9, teacher[:, :1])
    own = score_values((numbers + logits[:, :1] / 9)[:, 0], numbers[:, 0])
    assert 0 < near["r2"] == pytest.approx(own.r2, abs=1e-3)
    every = score_values(logits[:, 0], teacher[:, 0])
    assert found["agreement"] == pytest.approx(every.pearson, abs=1e-4)

"""What is masked changes neither a loss nor a figure: whatever stands there, and wherever it is."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.heads import Head
from stages.heads import head_kind
from stages.heads.metrics.classes import Tagged, score
from stages.heads.metrics.spans import span_scores
from stages.train.objective import Objective

TAGS = ("O", "B-A", "I-A", "B-B", "I-B")
CLASSES = len(TAGS)
OF_TOKENS = ["kl", "reverse_kl", "jensen_shannon", "soft_cross_entropy", "logit_mse", "decoupled"]


@st.composite
def batches(draw):
    """Logits of both models, labels, what is seen, and garbage for what is not."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 7)))
    student, teacher = rng.normal(0, 3, (2, *shape, CLASSES)).astype(np.float32)
    labels = rng.integers(-1, CLASSES, shape)
    seen = rng.random(shape) < draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    garbage = rng.choice([-1e4, -7.0, 0.0, 7.0, 1e4], (2, *shape, CLASSES)).astype(np.float32)
    return student, teacher, labels, seen, garbage


def with_padding(values, fill):
    """Return [rows, positions, …] with two positions more."""
    padding = np.full((values.shape[0], 2, *values.shape[2:]), fill, values.dtype)
    return np.concatenate([values, padding], axis=1)


@given(batches(), st.sampled_from(OF_TOKENS), st.sampled_from([0.0, 0.4, 1.0]))
@settings(deadline=None, max_examples=60)
def test_a_loss_and_its_gradient(batch, loss, weight):
    student, teacher, labels, seen, garbage = batch
    objective = Objective(2.0, hard_label_weight=weight, loss=loss)

    def asked(student, teacher, labels, seen):
        logits = tf.Variable(student)
        targets = {"label": np.where(seen, labels, -1), "teacher_logits": teacher, "seen": seen}
        with tf.GradientTape() as tape:
            value = objective.value(logits, {k: tf.constant(v) for k, v in targets.items()})
        return float(value), tf.convert_to_tensor(tape.gradient(value, logits)).numpy()

    value, gradient = asked(student, teacher, labels, seen)
    assert np.isfinite(value) and not gradient[~seen].any()
    there = seen[..., None]
    others = (np.where(there, student, garbage[0]), np.where(there, teacher, garbage[1]))
    assert asked(*others, labels, seen)[0] == pytest.approx(value, rel=1e-5, abs=1e-6)
    longer, own = asked(
        *(with_padding(one, 50) for one in (student, teacher)),
        with_padding(labels, 2),
        with_padding(seen, False),
    )
    assert longer == pytest.approx(value, rel=1e-5, abs=1e-6)
    np.testing.assert_allclose(own[:, :-2], gradient, rtol=1e-4, atol=1e-6)


@given(batches())
@settings(deadline=None, max_examples=60)
def test_the_figures_of_training(batch):
    student, teacher, labels, seen, garbage = batch

    def counted(student, teacher, labels, seen):
        figures = head_kind("softmax").figures(
            Head(name="t", per="token", classes=TAGS), kept_by=None
        )
        targets = {"label": labels, "teacher_logits": teacher, "teacher_seen": seen}
        targets |= {"all_labels": labels, "asked": np.ones_like(seen)}
        tensors = {name: tf.constant(value) for name, value in targets.items()}
        figures.count(tensors, tf.constant(student), testing=True)
        results = [metric.result() for metric in figures.metrics]
        flat = [list(one.values()) if isinstance(one, dict) else [one] for one in results]
        return [float(value) for values in flat for value in values]

    labels = np.where(seen, labels, -1)
    expected = counted(student, teacher, labels, seen)
    there = seen[..., None]
    others = (np.where(there, student, garbage[0]), np.where(there, teacher, garbage[1]))
    assert counted(*others, labels, seen) == pytest.approx(expected, abs=1e-6)
    longer = (*(with_padding(one, 50) for one in (student, teacher)), with_padding(labels, -1))
    assert counted(*longer, with_padding(seen, False)) == pytest.approx(expected, abs=1e-6)


@given(batches())
@settings(deadline=None, max_examples=60)
def test_the_figures_of_a_report(batch):
    student, teacher, labels, _, garbage = batch
    if not (labels >= 0).any():
        return
    owners = np.repeat(np.arange(len(labels)), labels.shape[1])
    flat = labels.ravel()

    def scored(student, teacher):
        lines = (one.reshape(-1, CLASSES) for one in (student, teacher))
        own, teachers = lines
        tagged = Tagged(TAGS, owners)
        return score(own, flat, bins=5, teacher_logits=teachers, by_position=True, tagged=tagged)

    unlabelled = (labels < 0)[..., None]
    others = (np.where(unlabelled, garbage[0], student), np.where(unlabelled, garbage[1], teacher))
    assert scored(*others) == scored(student, teacher)
    said = student.argmax(-1).ravel()
    elsewhere = np.where(flat < 0, garbage[0].argmax(-1).ravel(), said)
    assert span_scores(TAGS, flat, elsewhere, owners) == span_scores(TAGS, flat, said, owners)

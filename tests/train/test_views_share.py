"""Views beside their originals: marked in the stream, with a share of the loss of their own."""

import numpy as np
import pytest
import tensorflow as tf

from stages.train.objective import Objective
from stages.train.stream.stream import SoftLabelStream
from tests import tiny

VIEWS = 'label.views={seed=1, augmenters=[{kind="swap"}, {kind="crossover"}]}'
RNG = np.random.default_rng(3)
STUDENT, TEACHER = RNG.normal(size=(2, 9, 4)).astype(np.float32)
IS_VIEW = np.array([0, 1, 1, 0, 1, 1, 0, 1, 1], bool)
TARGETS = {"label": np.full(9, -1), "teacher_logits": TEACHER, "is_view": IS_VIEW}


def softmax(logits):
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def kl():
    teacher, student = softmax(TEACHER), softmax(STUDENT)
    return (teacher * np.log(teacher / student)).sum(axis=-1)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_loss_is_the_weighed_mean_of_two_means(share):
    objective = Objective(1.0, hard_label_weight=0.0, view_share=share)
    expected = (1 - share) * kl()[~IS_VIEW].mean() + share * kl()[IS_VIEW].mean()
    assert float(objective.value(STUDENT, TARGETS)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", [IS_VIEW, ~IS_VIEW])
def test_a_batch_of_one_kind_only_counts_whole(kind):
    objective = Objective(1.0, hard_label_weight=0.0, view_share=0.3)
    some = {key: value[kind] for key, value in TARGETS.items()}
    found = float(objective.value(STUDENT[kind], some))
    assert found == pytest.approx(kl()[kind].mean(), rel=1e-5)


def test_without_a_share_every_row_counts_the_same():
    objective = Objective(1.0, hard_label_weight=0.0)
    assert float(objective.value(STUDENT, TARGETS)) == pytest.approx(kl().mean(), rel=1e-5)


def test_a_share_of_nothing_gives_views_no_gradient():
    objective = Objective(1.0, hard_label_weight=0.0, view_share=0.0)
    logits = tf.Variable(STUDENT)
    with tf.GradientTape() as tape:
        loss = objective.value(logits, TARGETS)
    gradient = tape.gradient(loss, logits).numpy()
    assert np.abs(gradient[IS_VIEW]).max() == 0 < np.abs(gradient[~IS_VIEW]).min(axis=1).max()


def test_the_stream_says_which_rows_are_views(labelled):
    table = tiny.label(labelled, labelled / "viewed", VIEWS)
    rows = {row["text"]: row["view"] > 0 for row in tiny.rows_of(table) if row["split"] == "train"}
    stream = SoftLabelStream(table, "train", batch_size=32, seed=1, once=False)
    found = [
        (text.decode(), bool(is_view))
        for batch in stream.one_pass()
        for text, is_view in zip(batch["text"].numpy(), batch["is_view"].numpy(), strict=True)
    ]
    assert len(found) == stream.rows
    originals = {row["text"] for row in tiny.rows_of(table) if row["view"] == 0}
    assert sum(is_view for _, is_view in found) == table.card.counts.views
    assert all(text in originals for text, is_view in found if not is_view)
    assert set(rows) == {text for text, _ in found}


def test_a_table_without_views_has_no_such_column(table):
    stream = SoftLabelStream(table, "train", batch_size=32, seed=1, once=False)
    assert "is_view" not in next(iter(stream.one_pass()))


def passes(stream, count):
    """Return the texts and marks of each of some passes."""
    found, batches = [], iter(stream.dataset())
    for number in range(count):
        rows = []
        while len(rows) < stream._rows_of_pass(number):
            batch = next(batches)
            texts = [text.decode() for text in batch["text"].numpy()]
            rows += list(zip(texts, batch["is_view"].numpy().tolist(), strict=True))
        assert len(rows) == stream._rows_of_pass(number)
        found.append(rows)
    return found


@pytest.mark.parametrize("views", [0, 1, 3])
def test_a_pass_has_every_original_and_so_many_views_of_each_drawn_anew(labelled, views):
    how = 'label.views={seed=1, augmenters=[{kind="swap", count=2}, {kind="crossover", count=2}]}'
    table = tiny.label(labelled, labelled / "viewed", how)
    rows = [row for row in tiny.rows_of(table) if row["split"] == "train"]
    originals = sorted(row["text"] for row in rows if row["view"] == 0)
    by_view = {
        number: sorted(row["text"] for row in rows if row["view"] == number)
        for number in range(1, 5)
    }
    stream = SoftLabelStream(
        table, "train", batch_size=16, seed=1, once=False, views_per_pass=views
    )
    drawn = []
    for number, part in enumerate(passes(stream, 6)):
        assert sorted(text for text, is_view in part if not is_view) == originals
        chosen = stream._views_of(number).tolist()
        assert len(chosen) == views
        expected = sorted(text for view in chosen for text in by_view[view])
        assert sorted(text for text, is_view in part if is_view) == expected
        drawn.append(tuple(chosen))
    assert views == 0 or len(set(drawn)) > 1


def test_any_step_is_reached_where_views_are_drawn(labelled):
    table = tiny.label(labelled, labelled / "viewed", VIEWS)

    def stream():
        return SoftLabelStream(table, "train", batch_size=16, seed=1, once=False, views_per_pass=1)

    whole = [batch["text"].numpy().tolist() for batch in stream().dataset().take(40)]
    for step in (1, 7, 13, 31):
        again = stream().dataset(first_step=step).take(40 - step)
        assert [batch["text"].numpy().tolist() for batch in again] == whole[step:]

"""Checkpoints are whole or absent; a damaged one is passed over; a resumed training is the same."""

import signal

import numpy as np
import pytest

from stages.networks.checkpoint import Checkpoint, Checkpoints, TrainingState
from stages.train.pipeline import read_student_card, train
from stages.train.plan import plan_students
from tests import tiny
from tests.train.interrupted import Stop, heard_at, interrupted_at


def checkpoint(step, **state):
    rng = np.random.default_rng(step)
    variables = [rng.normal(size=(3, 2)).astype(np.float32), np.int64(step)]
    return Checkpoint(TrainingState(step=step, **state), variables, [np.ones(2, np.float32) * step])


def same(one, other):
    for mine, theirs in zip(one.variables + one.best, other.variables + other.best, strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert np.asarray(mine).dtype == theirs.dtype
    return one.state == other.state


def test_the_newest_is_read_as_it_was_written(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest() is None
    for step in (9, 10, 11):
        made = checkpoint(step, epochs=({"loss": 0.1 + step},), best_value=0.5)
        checkpoints.save(made)
        assert same(made, checkpoints.newest())
    assert len(list(tmp_path.iterdir())) == 2
    checkpoints.remove()
    assert checkpoints.newest() is None


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_one_is_passed_over_and_named(damage, tmp_path, capsys):
    checkpoints = Checkpoints(tmp_path)
    first = checkpoint(1)
    checkpoints.save(first)
    path = checkpoints.save(checkpoint(2))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    kept = {"flip": bytes(data), "cut": bytes(data[:-7]), "empty": b""}[damage]
    path.write_bytes(kept)
    assert same(first, checkpoints.newest())
    assert f"checkpoint is damaged and passed over: {path}: " in capsys.readouterr().err
    assert not path.exists()


RUN = (
    "train.epochs=3",
    "train.hard_label_epochs=2",
    "train.temperature={start=4.0, end=2.0, shape='cosine'}",
    "train.baseline=false",
)


def weights(plan):
    import keras

    return keras.saving.load_model(plan.path / "student.keras", compile=False).get_weights()


def figures(plan):
    """Return what was written for TensorBoard: the validation loss by epoch."""
    import tensorflow as tf

    found = {}
    for path in sorted((plan.path / "tensorboard" / plan.fingerprint).iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                if value.tag == "val_loss":
                    found[event.step] = float(tf.make_ndarray(value.tensor))
    return found


@pytest.fixture(scope="module")
def whole(_labelled, tmp_path_factory):
    """A training that was left alone: weights and figures, with dropout."""
    from stages.table.opening import open_table

    out = tmp_path_factory.mktemp("whole")
    (plan,) = train(tiny.run(*RUN), open_table(_labelled / "labels"), out=out)
    return weights(plan), read_student_card(plan.path)


@pytest.mark.parametrize("steps", [(1,), (5,), (7, 2, 1), (14,), (16,), (18, 3)])
def test_interrupted_anywhere_it_ends_in_the_same_weights(
    steps, whole, table, tmp_path, monkeypatch
):
    for step in steps:
        with monkeypatch.context() as patched:
            interrupted_at(step, patched)
            with pytest.raises(Stop):
                train(tiny.run(*RUN), table, out=tmp_path, checkpoint_seconds=0)
    (plan,) = train(tiny.run(*RUN), table, out=tmp_path, checkpoint_seconds=0)
    expected, card = whole
    for mine, theirs in zip(weights(plan), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert read_student_card(plan.path).epochs == card.epochs
    assert not (plan.path / "_checkpoints").exists()
    assert figures(plan) == {
        number: pytest.approx(epoch["val_loss"]) for number, epoch in enumerate(card.epochs)
    }


@pytest.mark.parametrize(
    ("step", "saved"), [(2, (0, 0, 2)), (5, (0, 1, 0)), (16, (0, 3, 0)), (18, (1, 0, 3))]
)
def test_ctrl_c_saves_the_step_it_came_in_whenever_the_last_checkpoint_was(
    step, saved, whole, table, tmp_path, monkeypatch
):
    with monkeypatch.context() as patched:
        heard_at(step, patched)
        with pytest.raises(KeyboardInterrupt):
            train(tiny.run(*RUN), table, out=tmp_path, checkpoint_seconds=1e9)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    (plan,) = plan_students(tiny.run(*RUN), table, out=tmp_path)
    state = Checkpoints(plan.path / "_checkpoints" / plan.fingerprint).newest().state
    assert (state.phase, state.epoch, state.step) == saved
    (plan,) = train(tiny.run(*RUN), table, out=tmp_path, checkpoint_seconds=1e9)
    for mine, theirs in zip(weights(plan), whole[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert read_student_card(plan.path).epochs == whole[1].epochs


def test_a_resumed_training_does_not_begin_anew(table, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patched:
        interrupted_at(8, patched)
        with pytest.raises(Stop):
            train(tiny.run(*RUN), table, out=tmp_path, checkpoint_seconds=0)
    (plan,) = plan_students(tiny.run(*RUN), table, out=tmp_path)
    kept = Checkpoints(plan.path / "_checkpoints" / plan.fingerprint).newest()
    assert (kept.state.epoch, kept.state.step) == (1, 2)
    assert len(kept.state.epochs) == 1


def test_interrupted_where_a_phase_begins_it_does_not_take_up_the_phase_before(
    whole, table, tmp_path, monkeypatch
):
    with monkeypatch.context() as patched:
        interrupted_at(17, patched)
        with pytest.raises(Stop):
            train(tiny.run(*RUN), table, out=tmp_path, checkpoint_seconds=1e9)
    (plan,) = train(tiny.run(*RUN), table, out=tmp_path, checkpoint_seconds=1e9)
    for mine, theirs in zip(weights(plan), whole[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_checkpoint_of_another_model_is_said_and_passed_over(table, tmp_path, capsys):
    (plan,) = plan_students(tiny.run(*RUN), table, out=tmp_path)
    Checkpoints(plan.path / "_checkpoints" / plan.fingerprint).save(checkpoint(2))
    train(tiny.run(*RUN), table, out=tmp_path)
    assert "its checkpoint is of another model; begun anew" in capsys.readouterr().err


def test_another_run_does_not_take_up_its_checkpoint(table, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        interrupted_at(8, patched)
        with pytest.raises(Stop):
            train(tiny.run(*RUN), table, out=tmp_path, checkpoint_seconds=0)
    other = tiny.run(*RUN, "train.learning_rate=0.5")
    (plan,) = train(other, table, out=tmp_path / "fresh")
    (again,) = train(other, table, out=tmp_path)
    for mine, theirs in zip(weights(again), weights(plan), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_with_views_a_resumed_training_takes_up_the_stream_where_it_was(
    experiment, tmp_path, monkeypatch
):
    views = 'label.views={seed=1, augmenters=[{kind="swap", count=2}]}'
    run = tiny.run(views, "train.epochs=4", "train.baseline=false")
    table = tiny.label(experiment, experiment / "labels", views)
    with monkeypatch.context() as patched:
        interrupted_at(13, patched)
        with pytest.raises(Stop):
            train(run, table, out=tmp_path / "one", checkpoint_seconds=0)
    (resumed,) = train(run, table, out=tmp_path / "one", checkpoint_seconds=0)
    (whole,) = train(run, table, out=tmp_path / "two")
    for mine, theirs in zip(weights(resumed), weights(whole), strict=True):
        np.testing.assert_array_equal(mine, theirs)

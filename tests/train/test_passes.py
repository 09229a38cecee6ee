"""What is said of an epoch is what a training asks."""

import numpy as np
import pytest

from stages.train.pipeline import train
from stages.train.stream.passes import passes_text
from stages.train.stream.stream import SoftLabelStream
from tests import tiny

EIGHT_VIEWS = 'label.views={seed=1, augmenters=[{kind="swap", count=8}]}'


@pytest.fixture
def viewed(labelled):
    return tiny.label(labelled, labelled / "viewed", EIGHT_VIEWS)


def stream(table, batch_size=16, **how):
    return SoftLabelStream(table, "train", batch_size=batch_size, seed=3, once=False, **how)


@pytest.mark.parametrize("views_per_pass", [None, 2, 8])
@pytest.mark.parametrize("epochs", [1, 5, 20])
def test_rows_and_views_are_asked_as_often_as_is_said(viewed, views_per_pass, epochs):
    found = stream(viewed, views_per_pass=views_per_pass)
    steps = epochs * found.steps_per_epoch
    is_view = np.concatenate([b["is_view"].numpy() for b in found.dataset().take(steps)])
    of_rows, of_views = found.times_asked(steps)
    assert found.views > 3 * found.originals
    whole = abs((~is_view).sum() / found.originals - of_rows)
    assert whole < 0.35  # of a pass that is not whole the order is random
    assert is_view.sum() / found.views == pytest.approx(of_views, abs=0.1)


def test_with_eight_views_twenty_epochs_are_few_passes(viewed):
    found = stream(viewed)
    rows, steps = found.originals, found.steps_per_epoch
    share = found.originals / (found.originals + found.views)
    assert found.times_asked(20 * steps)[0] == pytest.approx(20 * share, rel=0.2)
    said = passes_text(found, epochs=20, steps_per_epoch=steps)
    passes = f"{found.times_asked(20 * steps)[0]:.1f}"
    assert said == (
        f"{rows} rows and {found.views} views of them; {steps} steps of 16 an epoch, so 20 epochs "
        f"are {passes} passes: each row {passes} times, each view {passes} times"
    )


def test_without_views_an_epoch_is_a_pass(table):
    found = stream(table, batch_size=8)
    said = passes_text(found, epochs=4, steps_per_epoch=found.steps_per_epoch)
    steps = -(-found.rows // 8)
    expected = f"{found.rows} rows; {steps} steps of 8 an epoch, so 4 epochs are 4.0 passes"
    assert said == expected


def test_train_says_it_of_each_student_and_of_its_baseline(viewed, tmp_path, capsys):
    run = tiny.run("train.epochs=1", "train.hard_label_epochs=1", EIGHT_VIEWS)
    train(run, viewed, out=tmp_path)
    lines = capsys.readouterr().err.splitlines()
    student = [line for line in lines if line.startswith("train bag student seed 1: ")]
    baseline = [line for line in lines if line.startswith("train bag baseline seed 1: ")]
    rows, views = stream(viewed).originals, stream(viewed).views
    assert f"{rows} rows and {views} views of them; " in student[0]
    assert "so 1 epoch is 0.2" in student[0]
    assert any(f": {rows} rows; " in line and "1.0 passes" in line for line in student)
    assert sum(f": {rows} rows; " in line for line in baseline) == 2

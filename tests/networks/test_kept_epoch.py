"""Which epoch is kept, as the trainings keep it, and what is said where that is the last."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.networks.kept_epoch import kept_epoch, short_budget
from stages.run.inspect import inspect_folder
from stages.teach.pipeline import plan_teach, teach
from stages.train.callbacks import KeepBest
from stages.train.pipeline import read_student_card, train
from tests import tiny
from tests.tiny_berts import write_hugging_face

figures = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=8)


@given(values=figures)
def test_the_epoch_is_the_one_whose_weights_a_training_keeps(values):
    at = iter(range(len(values)))
    student = SimpleNamespace(now=-1, get_weights=lambda: student.now)
    keep = KeepBest(student, "val_accuracy")
    for value in values:
        student.now = next(at)
        keep.on_epoch_end(student.now, {"val_accuracy": value})
    epochs = [{"val_accuracy": value} for value in values]
    assert kept_epoch(epochs, "val_accuracy") == keep.weights


def test_of_a_loss_the_smallest_is_best_also_where_it_is_zero():
    epochs = [{"val_loss": value} for value in (0.5, 0.0, 0.2, 0.0)]
    assert kept_epoch(epochs, "val_loss", smallest=True) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.1, 0.2, 0.3], "the last of 3 epochs was the best (a 0.3000): more may do better; "),
        ([0.1, 0.3, 0.3], None),
        ([0.1, 0.3, 0.2, 0.25], None),
        ([0.1, 0.2, 0.3, 0.3], "raise train.epochs"),
        ([0.1, 0.2, 0.1, 0.3], "its one epoch is the best (a 0.3000): more may do better; raise h"),
    ],
)
def test_the_last_epoch_of_a_part_says_that_its_budget_is_short(values, said):
    epochs = [{"a": value} for value in values]
    budgets = {"train.epochs": 3, "hard": 1}
    found = short_budget(epochs, "a", budgets=budgets)
    assert found is None if said is None else said in found


def test_train_says_that_the_last_epoch_was_the_best_only_where_it_was(table, tmp_path, capsys):
    run = tiny.run("train.epochs=6", "train.seeds=[1, 2, 3]", "train.learning_rate=2e-2")
    plans = train(run, table, out=tmp_path)
    lines = capsys.readouterr().err.splitlines()
    for plan in plans:
        card = read_student_card(plan.path)
        last = kept_epoch(card.epochs, card.kept_by) == 5
        found = [line for line in lines if line.startswith(f"train {plan.name}: the last of 6 ")]
        assert len(found) == last
        text = inspect_folder(plan.path, as_json=False)
        assert ("of 6 (the last: more may do better)" in text) == last
        assert f"best epoch                {kept_epoch(card.epochs, card.kept_by) + 1} of 6" in text


def test_teach_says_that_the_last_epoch_was_the_best(experiment, capsys):
    write_hugging_face(experiment / "bert")
    run = tiny.run(
        'teacher={encoder={path="bert"}, max_length=16, '
        "fit={seed=1, epochs=1, learning_rate=5e-3, batch_size=8}}"
    )
    teach(plan_teach(run, base=experiment), out=experiment / "made")
    said = "teach: its one epoch is the best (val_accuracy 0."
    assert said in capsys.readouterr().err

"""A stated budget holds where views are there: those that may be others count as calls."""

import sys

import pytest

from schemas.errors import TeacherError
from stages.label.pipeline import label
from stages.label.planning import plan as plans
from stages.label.planning.forecast import forecast
from stages.label.planning.plan import plan_label
from stages.table.opening import open_table
from stages.teachers.folder import open_teacher
from tests import tiny

CROSSED = 'label.views={seed=1, augmenters=[{kind="crossover", count=2}]}'
DROPPED = 'label.views={seed=1, augmenters=[{kind="word_dropout", count=2, rate=0.3}]}'
MIXED = 'label.views={seed=1, augmenters=[{kind="swap"}, {kind="swap+replace"}]}'
OWN = 'label.views={seed=1, augmenters=[{kind="own_augmenter:f"}]}'
TRAIN = 34  # inputs of it
NEW = [{"text": f"a brand new question {number}", "thing": "tool"} for number in range(6)]


def planned(folder, *overrides):
    run = tiny.run(*overrides)
    teacher = open_teacher(folder / "teacher", classes=run.head.classes)
    return plan_label(run, base=folder, teacher=teacher)


def made(folder, *overrides):
    return label(planned(folder, *overrides), labels=folder / "labels").card.counts


def foreseen(folder, *overrides):
    return forecast(planned(folder, *overrides), labels=folder / "labels", inputs=0).teacher_calls


@pytest.fixture(autouse=True)
def _own_augmenter():
    yield
    sys.modules.pop("own_augmenter", None)


def train_inputs(folder):
    rows = tiny.rows_of(open_table(folder / "labels"))
    return len({row["input_digest"] for row in rows if row["split"] == "train" and not row["view"]})


def grow(folder, new=NEW):
    tiny.write_corpus(folder / "corpus.jsonl", [*tiny.examples(), *new])


def refused_then_made(folder, calls, *overrides):
    """Hold a forecast, a budget that is too small and one that is enough to a number of calls."""
    before = open_table(folder / "labels").version
    assert foreseen(folder, *overrides) == calls
    with pytest.raises(TeacherError, match=f"{calls} inputs without an answer.* Nobody was asked"):
        made(folder, *overrides, f"label.max_teacher_calls={calls - 1}")
    assert open_table(folder / "labels").version == before
    counts = made(folder, *overrides, f"label.max_teacher_calls={calls}")
    assert counts.teacher_calls <= calls
    return counts.teacher_calls


def test_views_of_a_changed_augmenter_of_ones_own_count_as_calls(experiment, monkeypatch):
    monkeypatch.chdir(experiment)
    monkeypatch.setattr(sys, "path", list(sys.path))
    code = experiment / "own_augmenter.py"
    code.write_text("def f(words, draw, around):\n    return [*words, 'one']\n")
    made(experiment, OWN)
    monkeypatch.delitem(sys.modules, "own_augmenter")
    code.write_text("def f(words, draw, around):\n    return [*words, 'one', 'my']\n")
    assert refused_then_made(experiment, TRAIN, OWN) == TRAIN


def test_views_of_other_inputs_count_where_shards_or_the_corpus_changed(experiment):
    made(experiment, CROSSED)
    shards = "label.num_shards=7"
    assert 0 < refused_then_made(experiment, 2 * TRAIN, CROSSED, shards) <= 2 * TRAIN
    grow(experiment)
    found = foreseen(experiment, CROSSED, shards)
    assert found > 2 * TRAIN
    assert refused_then_made(experiment, found, CROSSED, shards) <= found
    assert found == 2 * train_inputs(experiment) + len(NEW)


def test_views_of_a_parent_alone_stay_known_where_shards_and_the_corpus_change(experiment):
    made(experiment, DROPPED)
    grow(experiment)
    shards = "label.num_shards=7"
    found = foreseen(experiment, DROPPED, shards)
    assert len(NEW) < found == len(NEW) + 2 * (train_after(experiment, DROPPED, shards) - TRAIN)


def train_after(folder, *overrides):
    made(folder, *overrides)
    return train_inputs(folder)


def test_of_several_augmenters_those_count_that_look_at_others(experiment):
    made(experiment, MIXED)
    refused_then_made(experiment, TRAIN, MIXED, "label.num_shards=7")


def test_views_of_another_version_of_the_augmenters_count_as_calls(experiment, monkeypatch):
    made(experiment, DROPPED)
    monkeypatch.setattr(plans, "AUGMENTERS_VERSION", 2)
    refused_then_made(experiment, 2 * TRAIN, DROPPED)


def test_what_moves_into_train_has_no_views_yet(experiment):
    made(experiment, DROPPED)
    moved = "corpus.split={validation=0.0, test=0.2}"
    found = foreseen(experiment, DROPPED, moved)
    asked = refused_then_made(experiment, found, DROPPED, moved)
    assert found == 2 * (train_inputs(experiment) - TRAIN) >= asked > 0

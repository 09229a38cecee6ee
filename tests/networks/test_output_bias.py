"""A model of numbers starts at their mean, where that is what its last layer would say."""

import keras
import numpy as np
import pytest

from schemas.train_section import Student
from stages.networks.output_bias import start_at_mean
from stages.train.building import built
from stages.train.plan import plan_students
from stages.train.students import build_student
from tests import tiny, tiny_kinds

NUMBERS = np.array([[4.0], [np.nan], [8.0]], np.float32)[:, 0]
SIZES = {"bert": {"layers": 1, "hidden_width": 8, "inner_width": 8}}


class Hidden(keras.Model):
    def __init__(self):
        super().__init__()
        self.last, self.first = keras.layers.Dense(1), keras.layers.Dense(8)

    def call(self, inputs):
        return self.last(self.first(inputs))


@pytest.mark.parametrize("kind", ["bag", "cnn", "lstm", "bert"])
def test_shipped_students_start_there(kind):
    student = Student(name="x", kind=kind, options=SIZES.get(kind, {}))
    model = build_student(student, vocabulary_size=9, classes=1)
    start_at_mean(model, NUMBERS)
    assert model.layers[-1].bias.numpy() == [6.0]


def test_what_is_no_plain_last_layer_is_left_as_it_is():
    inputs = keras.Input((3,))
    squashed = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(inputs))
    scaled = keras.Model(inputs, keras.layers.Dense(1)(inputs) * 5)
    own = Hidden()
    own(np.zeros((1, 3), np.float32))
    for model in (squashed, scaled, own):
        before = [weight.copy() for weight in model.get_weights()]
        start_at_mean(model, NUMBERS)
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_without_numbers_it_starts_as_it_is():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    start_at_mean(model, np.full(3, np.nan, np.float32))
    assert model.layers[-1].bias.numpy() == [0.0]


def test_a_baseline_starts_at_the_hard_labels_and_knows_no_teacher(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = tiny_kinds.examples()
    for number, row in enumerate(rows):
        row["score"] = row["score"] + 100 if number % 3 else None
    tiny_kinds.write(tmp_path, rows)
    run = tiny_kinds.run(tiny_kinds.OF_VALUES)
    table = tiny.label_run(tmp_path, run)
    train = [row for row in tiny.rows_of(table) if row["split"] == "train"]
    labels = [row["label_score"] for row in train if row["label_score"] is not None]
    means = {
        "student": np.mean([row["teacher_score"][0] for row in train]),
        "baseline": np.mean(labels),
    }
    assert means["baseline"] > means["student"] + 50
    for plan in plan_students(run, table, out=tmp_path):
        model = built(plan, table, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "cat"])
        assert model.layers[-1].bias.numpy() == pytest.approx([means[plan.role]], rel=1e-5)

"""A model of numbers starts at their mean, where that is what its last layer would say."""

import keras
import numpy as np
import pytest

from schemas.train_section import Student
from stages.output_bias import start_at_mean
from stages.train.students import build_student

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

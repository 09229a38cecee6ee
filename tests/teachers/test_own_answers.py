"""What a user's own teacher answers: real numbers, or it is stated."""

from decimal import Decimal

import numpy as np
import pytest

from schemas.errors import UserCodeError
from stages.teachers.module import FunctionTeacher, OwnInputs, OwnTeacher, array_of

ROWS = np.arange(1)


class Answering:
    """Answers every question alike, as a teacher of a user's own and as its encoded inputs."""

    def __init__(self, answer):
        self.answer = answer

    def logits(self, encoded, rows):
        return self.answer

    def take(self, rows):
        return ["text"]


def function(answer):
    teacher = FunctionTeacher(("a", "b"), lambda texts: answer)
    return teacher.logits(Answering(answer), ROWS)


def whole(answer):
    inputs = OwnInputs(ROWS, ROWS, None)
    return OwnTeacher(Answering(answer), "own:f").logits(inputs, ROWS)


def of_words(answer):
    teacher = FunctionTeacher(("a", "b"), lambda texts: [answer], by_position=True)
    return teacher.logits(Answering(answer), ROWS)


ASKED = pytest.mark.parametrize("ask", [function, whole, of_words])


@ASKED
@pytest.mark.parametrize(
    "answer",
    [
        np.array([[1 + 2j, 3]]),
        np.array([[True, False]]),
        [[True, False]],
        np.array([["1.0", "2.0"]]),
        [["1.0", "2.0"]],
        np.array([[b"1", b"2"]]),
        np.array([["2020-01-01", "2020-01-02"]], "datetime64[D]"),
        np.array([[1.0, None]], object),
        np.array([[1.0, "2.0"]], object),
        np.array([[1.0, True]], object),
        None,
    ],
    ids=lambda answer: repr(answer)[:30],
)
def test_what_is_no_real_number_is_no_answer(ask, answer):
    with pytest.raises(UserCodeError, match=r"found .*, expected an array of numbers\. Mend it"):
        ask(answer)


@ASKED
@pytest.mark.parametrize(
    "answer",
    [
        [[1, 2]],
        [[1.0, 2]],
        np.array([[1, 2]], np.uint8),
        np.array([[1, 2]], np.float64),
        np.array([[Decimal(1), 2.0]], object),
    ],
    ids=lambda answer: repr(answer)[:30],
)
def test_floats_and_integers_are_answers(ask, answer):
    found = ask(answer)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.reshape(-1), [1.0, 2.0])


def test_floats_of_16_bits_of_other_libraries_are_answers():
    import tensorflow as tf

    found = array_of(tf.constant([[1.5, -2.0]], tf.bfloat16))
    np.testing.assert_array_equal(found, np.array([[1.5, -2.0]], np.float32))


@ASKED
def test_a_number_too_large_is_infinite_without_a_warning(ask):
    assert ask(np.array([[1e300, -1e300]])).reshape(-1).tolist() == [np.inf, -np.inf]

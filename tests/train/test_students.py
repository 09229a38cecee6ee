"""Students: shipped kinds, own functions, and errors that name what is wrong."""

import keras
import numpy as np
import pytest

from schemas.errors import StudentError
from schemas.student_options import student_kinds
from schemas.train_section import Student
from stages.train.students import build_student


def student(kind, **options):
    return Student(name="mine", kind=kind, options=options)


def own(*, vocabulary_size, classes, width=4):
    """A student of a user's own."""
    token_ids = keras.Input((None,), dtype="int32")
    hidden = keras.layers.Embedding(vocabulary_size, width)(token_ids)
    hidden = keras.layers.GlobalMaxPooling1D()(hidden)
    return keras.Model(token_ids, keras.layers.Dense(classes)(hidden))


def wrong_shape(*, vocabulary_size, classes):
    return own(vocabulary_size=vocabulary_size, classes=classes + 1)


SMALL = {"mobilebert": {"layers": 2, "max_length": 16}, "bert": {"max_length": 16}}


@pytest.mark.parametrize("kind", [*student_kinds(), "tests.train.test_students:own"])
def test_gives_logits_for_any_length(kind):
    model = build_student(student(kind, **SMALL.get(kind, {})), vocabulary_size=20, classes=3)
    for length in (2, 9):
        ids = np.random.default_rng(1).integers(1, 20, (4, length))
        assert model(ids).shape == (4, 3)


@pytest.mark.parametrize("kind", student_kinds())
def test_padding_does_not_count(kind):
    model = build_student(student(kind, **SMALL.get(kind, {})), vocabulary_size=20, classes=3)
    ids = np.array([[5, 6, 7]])
    padded = np.array([[5, 6, 7, 0, 0]])
    np.testing.assert_allclose(model(ids), model(padded), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", student_kinds())
def test_it_is_saved_and_loaded_in_safe_mode(kind, tmp_path):
    model = build_student(student(kind, **SMALL.get(kind, {})), vocabulary_size=20, classes=3)
    model.save(tmp_path / "student.keras")
    again = keras.saving.load_model(tmp_path / "student.keras", compile=False, safe_mode=True)
    ids = np.random.default_rng(1).integers(1, 20, (4, 7))
    np.testing.assert_allclose(model(ids), again(ids), rtol=1e-6, atol=1e-7)


def test_options_reach_the_function():
    model = build_student(student("bag", embedding_width=5), vocabulary_size=20, classes=3)
    assert model.layers[1].output_dim == 5


def of_size_alone(size):
    return size


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("lstm", {"unit": 3}, "unexpected keyword argument 'unit'.*It takes .*units"),
        (
            "tests.train.test_students:of_size_alone",
            {},
            "It takes size; expected vocabulary_size, classes and its options",
        ),
        (
            "transformer",
            {},
            "expected one of bag, bert, cnn, gru, lstm, mobilebert, or module:function",
        ),
        ("no.such.module:build", {}, "No module named 'no'"),
        ("tests.train.test_students:nothing", {}, "nothing"),
        ("tests.train.test_students:wrong_shape", {}, r"expected a Keras model with output"),
    ],
)
def test_says_what_cannot_be_built(kind, options, message):
    with pytest.raises(StudentError, match=message):
        build_student(student(kind, **options), vocabulary_size=20, classes=3)

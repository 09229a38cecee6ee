"""A student of one's own that answers with probabilities is refused before its first step."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from schemas.errors import StudentError
from schemas.heads import Head
from schemas.student_options import student_kinds
from stages.networks.layers import last_activation
from stages.train.pipeline import train
from stages.train.students import build_student
from stages.train.students.answers import check_answers
from tests import tiny
from tests.train.test_students import SMALL, student

HEADS = {
    "softmax": Head(name="h", classes=("a", "b", "c")),
    "sigmoid": Head(name="h", kind="sigmoid", classes=("a", "b", "c")),
    "regression": Head(name="h", kind="regression"),
}


@keras.saving.register_keras_serializable("tests")
class Squashed(keras.layers.Layer):
    """A layer of one's own, of which a graph does not say what it does."""

    def __init__(self, how="softmax", **options):
        super().__init__(**options)
        self.how = how

    def call(self, numbers):
        """Return what `how` makes of them."""
        return keras.activations.get(self.how)(numbers)


def hidden(vocabulary_size):
    token_ids = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(vocabulary_size, 4)(token_ids)
    return token_ids, keras.layers.GlobalAveragePooling1D()(embedded)


def own(*, vocabulary_size, classes, ending="linear"):
    """A student that ends in some way."""
    token_ids, vectors = hidden(vocabulary_size)
    if ending.startswith("dense_"):
        answers = keras.layers.Dense(classes, activation=ending.removeprefix("dense_"))(vectors)
        return keras.Model(token_ids, answers)
    return keras.Model(token_ids, ENDINGS[ending](keras.layers.Dense(classes)(vectors)))


ENDINGS = {
    "linear": lambda logits: logits,
    "layer": lambda logits: keras.layers.Softmax()(logits),
    "activation": lambda logits: keras.layers.Activation("sigmoid")(logits),
    "operation": lambda logits: keras.ops.softmax(logits),
    "reshaped": lambda logits: keras.layers.Reshape((-1,))(keras.ops.softmax(logits)),
    "nested": lambda logits: keras.Sequential([keras.Input((3,)), keras.layers.Softmax()])(logits),
    "divided": lambda logits: (exp := keras.ops.exp(logits)) / keras.ops.sum(exp, -1, True),
    "softmax_of_ones_own": lambda logits: Squashed("softmax")(logits),
    "sigmoid_of_ones_own": lambda logits: Squashed("sigmoid")(logits),
    "tanh_of_ones_own": lambda logits: Squashed("tanh")(logits),
    "logs": lambda logits: keras.layers.Activation("log_softmax")(logits),
}


def check(ending, kind="softmax"):
    head = HEADS[kind]
    model = own(vocabulary_size=20, classes=len(head.classes), ending=ending)
    before = model.get_weights()
    try:
        check_answers(model, head, name="mine", vocabulary_size=20)
    finally:
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("dense_softmax", "it ends with a softmax"),
        ("dense_sigmoid", "it ends with a sigmoid"),
        ("layer", "it ends with a softmax"),
        ("activation", "it ends with a sigmoid"),
        ("operation", "it ends with a softmax"),
        ("reshaped", "it ends with a softmax"),
        ("nested", "it ends with a softmax"),
        ("divided", r"its answers stay in \[0, 1\], whatever its weights"),
        ("softmax_of_ones_own", r"its answers stay in \[0, 1\], whatever its weights"),
        ("sigmoid_of_ones_own", r"its answers stay in \[0, 1\], whatever its weights"),
    ],
)
@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_probabilities_are_refused_however_they_are_made(ending, said, kind):
    with pytest.raises(StudentError, match=f"with probabilities: 'mine': {said}.*expected logits"):
        check(ending, kind)


@pytest.mark.parametrize("ending", ["linear", "dense_linear", "dense_relu", "tanh_of_ones_own"])
@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_logits_are_taken(ending, kind):
    check(ending, kind)


def test_logs_of_probabilities_are_logits_of_one_class_of_several_and_of_none_else():
    check("logs")
    with pytest.raises(StudentError, match="it ends with a log_softmax"):
        check("logs", "sigmoid")


def test_a_number_may_be_in_its_range():
    check("dense_sigmoid", "regression")


@pytest.mark.parametrize("kind", student_kinds())
def test_shipped_kinds_end_with_logits(kind):
    model = build_student(student(kind, **SMALL.get(kind, {})), vocabulary_size=20, classes=3)
    assert last_activation(model) is None
    check_answers(model, HEADS["softmax"], name=kind, vocabulary_size=20)


@pytest.mark.parametrize("saved", [False, True])
def test_it_is_said_before_a_step_is_made(saved, table):
    kind, options = "tests.train.test_own_students:own", {"ending": "dense_softmax"}
    vocabulary = "train"
    if saved:
        Path("vocab.txt").write_text("\n".join(tiny.VOCABULARY))
        model = own(vocabulary_size=len(tiny.VOCABULARY), classes=3, **options)
        model.save("mine.keras")
        kind, options, vocabulary = "mine.keras", {}, "vocab.txt"
    said = ", ".join(f"{name}={json.dumps(value)}" for name, value in options.items())
    stated = f'{{name="s", kind="{kind}", vocabulary="{vocabulary}", options={{{said}}}}}'
    run = tiny.run(f"train.students=[{stated}]", "train.epochs=1")
    with pytest.raises(StudentError, match="student answers with probabilities: 's': it ends"):
        train(run, table, out=Path("out"))
    assert not list(Path("out").rglob("student.keras"))

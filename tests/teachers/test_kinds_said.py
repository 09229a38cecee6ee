"""A model that says what kind of answers it gives is asked for just these."""

import json

import pytest

from schemas.errors import TeacherError
from stages.teachers.load import load_teacher
from stages.teachers.places import find_teacher
from tests import tiny, tiny_berts
from tests.teachers.kinds import keras_hub

HUGGING = 'kind="transformers", path="hugging", max_length=16'
LOSSES = {"softmax": "kl", "sigmoid": "kl", "regression": "squared_error"}
SINGLE, MULTI = "single_label_classification", "multi_label_classification"


def load(folder, kind, stated, classes=tiny.CLASSES):
    names = "" if kind == "regression" else f", classes={json.dumps(classes)}"
    head = f'heads=[{{name="thing", kind="{kind}"{names}}}]'
    run = tiny.run(head, f"teacher={{{stated}}}", f"train.loss={LOSSES[kind]}")
    return load_teacher(find_teacher(run, base=folder, fitted=folder))


@pytest.fixture
def hugging(experiment):
    """Write a classifier of so many labels whose configuration says a type of problem."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")

    def write(problem, labels):
        place = tiny_berts.write_transformers(experiment / "hugging")
        config = transformers.AutoConfig.from_pretrained(place)
        config.problem_type = problem
        config.id2label = dict(enumerate(labels))
        transformers.BertForSequenceClassification(config).save_pretrained(place)
        return experiment

    return write


@pytest.mark.parametrize(
    ("problem", "labels", "kind", "remedy"),
    [
        (MULTI, tiny.CLASSES, "softmax", 'State kind = "sigmoid" for the head'),
        ("regression", ["thing"], "softmax", 'State kind = "regression" for the head'),
        (SINGLE, tiny.CLASSES, "sigmoid", 'State kind = "softmax" for the head'),
        ("regression", ["thing"], "sigmoid", 'State kind = "regression" for the head'),
        (MULTI, ["thing"], "regression", 'State kind = "sigmoid" for the head'),
    ],
)
def test_what_the_configuration_says_is_held_to(problem, labels, kind, remedy, hugging):
    folder = hugging(problem, labels)
    message = f"of another kind: .*says problem_type '{problem}', expected one for a {kind} head. "
    with pytest.raises(TeacherError, match=message + remedy):
        load(folder, kind, HUGGING)


@pytest.mark.parametrize(
    ("problem", "labels", "kind"),
    [
        (None, tiny.CLASSES, "softmax"),
        (None, tiny.CLASSES, "sigmoid"),
        (None, ["thing"], "regression"),
        (SINGLE, tiny.CLASSES, "softmax"),
        (MULTI, tiny.CLASSES, "sigmoid"),
        ("regression", ["thing"], "regression"),
    ],
)
def test_what_it_says_or_does_not_say_is_taken(problem, labels, kind, hugging):
    assert load(hugging(problem, labels), kind, HUGGING).parameters > 0


@pytest.mark.parametrize(
    ("problem", "answers", "fits"),
    [
        (None, "one_logit", True),
        (MULTI, "one_logit", True),
        ("regression", "one_logit", False),
        ("regression", "one_probability", True),
    ],
)
def test_one_label_of_two_classes_is_no_regression(problem, answers, fits, hugging):
    folder = hugging(problem, ["good"])
    stated = f'{HUGGING}, answers="{answers}", speaks_of="good"'
    if fits:
        assert load(folder, "softmax", stated, ("bad", "good")).parameters > 0
        return
    with pytest.raises(TeacherError, match='State kind = "regression" for the head'):
        load(folder, "softmax", stated, ("bad", "good"))


def test_a_model_of_one_label_of_unsaid_kind_has_two_remedies(hugging):
    folder = hugging(None, ["LABEL_0"])
    message = r'found 1 .*"one_logit" .*; where it is a value, kind = "regression" for the head'
    with pytest.raises(TeacherError, match=message):
        load(folder, "softmax", HUGGING, ("bad", "good"))


@pytest.mark.parametrize(
    ("ending", "kind", "answers", "message"),
    [
        ("sigmoid", "softmax", None, 'a sigmoid, expected one for a softmax .* kind = "sigmoid"'),
        ("sigmoid", "softmax", "probabilities", 'kind: .* State kind = "sigmoid"'),
        ("softmax", "sigmoid", "probabilities", 'kind: .* State kind = "softmax"'),
        ("softmax", "softmax", None, 'ends with a softmax. State teacher.answers = "prob'),
        ("softmax", "softmax", "logits", 'ends with a softmax. State teacher.answers = "prob'),
        ("sigmoid", "sigmoid", None, 'ends with a sigmoid. State teacher.answers = "prob'),
        ("softmax", "softmax", "probabilities", None),
        ("sigmoid", "sigmoid", "probabilities", None),
        ("linear", "softmax", None, None),
        ("linear", "sigmoid", None, None),
    ],
)
def test_the_last_layer_of_a_keras_model_is_held_to(ending, kind, answers, message, experiment):
    import keras

    path = experiment / "teacher" / "teacher.keras"
    model = keras.saving.load_model(path, compile=False)
    keras.Model(model.inputs, keras.layers.Activation(ending)(model.outputs[0])).save(path)
    stated = 'path="teacher"' + ("" if answers is None else f', answers="{answers}"')
    if message is None:
        assert load(experiment, kind, stated).parameters > 0
        return
    with pytest.raises(TeacherError, match=message):
        load(experiment, kind, stated)


def test_one_logit_is_no_sigmoid(experiment):
    import keras

    ids = keras.Input((None,), dtype="int32", name="token_ids")
    rows = keras.layers.Embedding(len(tiny.VOCABULARY), 2)(ids)
    answer = keras.layers.Dense(1, "sigmoid")(keras.layers.GlobalMaxPooling1D()(rows))
    keras.Model({"token_ids": ids}, answer).save(experiment / "teacher" / "teacher.keras")
    card = {"classes": ["bad", "good"], "max_length": 16, "lowercase": True}
    (experiment / "teacher" / "teacher.json").write_text(json.dumps(card))
    stated = 'path="teacher", speaks_of="good", answers='
    message = 'it ends with a sigmoid. State teacher.answers = "one_probability"'
    with pytest.raises(TeacherError, match=message):
        load(experiment, "softmax", stated + '"one_logit"', ("bad", "good"))
    assert load(experiment, "softmax", stated + '"one_probability"', ("bad", "good")).parameters


def test_the_activation_of_a_preset_is_held_to(experiment):
    [stated] = keras_hub(experiment)
    place = experiment / "preset" / "task.json"
    task = json.loads(place.read_text())
    task["config"]["activation"] = "sigmoid"
    place.write_text(json.dumps(task))
    with pytest.raises(TeacherError, match='a sigmoid, expected one for a softmax .* "sigmoid"'):
        load(experiment, "softmax", stated.removeprefix("teacher={").removesuffix("}"))

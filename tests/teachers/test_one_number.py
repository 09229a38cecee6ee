"""A teacher that answers for two classes with one number, of every kind, against float64."""

import json

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import CorpusError, RunFileError, TeacherError
from stages.asking.ask import soft_labels
from stages.rows.probabilities import ENOUGH
from stages.teachers.load import load_teacher
from stages.teachers.module import FunctionTeacher
from stages.teachers.parts.answers import FromOne
from stages.teachers.parts.protocol import TeacherAround
from stages.teachers.parts.source import TeacherSource
from stages.teachers.parts.texts import TextInputs
from stages.teachers.places import find_teacher
from tests import tiny, tiny_berts, tiny_words

pytestmark = pytest.mark.usefixtures("own_modules_and_cache")

NAMES = ("bad", "good")
TWO = f"heads=[{{name='thing', classes={json.dumps(NAMES)}}}]"
WORDS = {"cat": 3.0, "dog": 1.5, "saw": -2.0, "axe": -4.0}
TEXTS = ["the cat", "dog saw", "axe axe", "old"]
OWN = """
import numpy as np

WORDS = {words!r}


def number(text):
    return sum(WORDS.get(word, 0.25) for word in text.split())


def make(squash=False, flat=False):
    def answer(texts):
        found = np.array([[number(text)] for text in texts])
        found = 1 / (1 + np.exp(-found)) if squash else found
        return found[:, 0] if flat else found

    return answer
"""


def number(text):
    return sum(WORDS.get(word, 0.25) for word in text.split())


def logistic(numbers):
    return 1 / (1 + np.exp(-np.asarray(numbers, np.float64)))


def table():
    return np.array([[WORDS.get(word, 0.25)] for word in tiny.VOCABULARY], np.float32)


def keras(folder, *, probabilities):
    import keras

    ids = keras.Input((None,), dtype="int32", name="token_ids")
    weights = table()
    weights[: tiny.VOCABULARY.index("[MASK]")] = 0.0
    looked_up = keras.layers.Embedding(len(weights), 1, weights=[weights])(ids)
    logit = keras.ops.sum(looked_up, axis=1)
    if probabilities:
        logit = keras.layers.Activation("sigmoid")(logit)
    keras.Model({"token_ids": ids}, logit).save(folder / "teacher" / "teacher.keras")
    card = {"classes": NAMES, "max_length": 16, "lowercase": True}
    (folder / "teacher" / "teacher.json").write_text(json.dumps(card))
    return 'path="teacher"'


def saved_model(folder, *, probabilities):
    import tensorflow as tf

    keys = tf.lookup.KeyValueTensorInitializer(tiny.VOCABULARY, tf.range(len(tiny.VOCABULARY)))
    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(keys, 1)
    module.weights = tf.Variable(table()[:, 0])

    def call(text):
        ids = module.table.lookup(tf.strings.split(text))
        logit = tf.reduce_sum(tf.gather(module.weights, ids), axis=1)
        return {"answer": tf.sigmoid(logit) if probabilities else logit}

    module.call = tf.function(call, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, folder / "saved", {"serving_default": module.call})
    return 'kind="saved_model", path="saved"'


def module(folder, *, probabilities):
    (folder / "own_teacher.py").write_text(OWN.format(words=WORDS))
    how = f"options={{squash={str(probabilities).lower()}}}"
    return f'kind="module", callable="own_teacher:make", {how}'


def column(folder, *, probabilities):
    rows = [{"text": text, "thing": "good", "answer": number(text)} for text in TEXTS * 10]
    for row in rows:
        row["answer"] = float(logistic(row["answer"])) if probabilities else row["answer"]
    tiny.write_corpus(folder / "corpus.jsonl", rows)
    return 'kind="column", column="answer"'


def teacher_of(folder, stated):
    run = tiny.run(TWO, f"teacher={{{stated}}}")
    return run, load_teacher(find_teacher(run, base=folder, fitted=folder))


def asked(folder, stated):
    run, teacher = teacher_of(folder, stated)
    digests = [bytes([number]) * 16 for number in range(len(TEXTS))]
    rows = pa.table({"text": TEXTS, "input_digest": digests})
    return soft_labels(teacher, rows, features=("text",), how=run.label, head=run.head).logits


@pytest.mark.parametrize("make", [keras, saved_model, module])
@pytest.mark.parametrize("answers", ["one_logit", "one_probability"])
@pytest.mark.parametrize("speaks_of", NAMES)
def test_one_number_is_logits_of_two_classes(make, answers, speaks_of, experiment):
    made = make(experiment, probabilities=answers == "one_probability")
    found = asked(experiment, f'{made}, answers="{answers}", speaks_of="{speaks_of}"')
    place, expected = NAMES.index(speaks_of), [number(text) for text in TEXTS]
    assert (found[:, 1 - place] == 0).all()
    np.testing.assert_allclose(found[:, place], expected, rtol=1e-5, atol=1e-5)
    shares = np.exp(found.astype(np.float64))
    shares /= shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares[:, place], logistic(expected), rtol=1e-5)


@pytest.mark.parametrize("answers", ["one_logit", "one_probability"])
def test_a_column_of_one_number_a_row_becomes_a_table(answers, experiment):
    made = column(experiment, probabilities=answers == "one_probability")
    run = tiny.run(TWO, f'teacher={{{made}, answers="{answers}", speaks_of="good"}}')
    for row in tiny.rows_of(tiny.label_run(experiment, run)):
        expected = [0.0, number(row["text"])]
        np.testing.assert_allclose(row["teacher_thing"], expected, rtol=2**-10, atol=1e-5)


def test_certain_probabilities_are_finite_logits_that_give_them_back():
    answers = np.array([0.0, 1.0, 1e-30, 0.5], np.float32)
    found = one(answers, answers_are="one_probability")
    assert np.isfinite(found).all()
    assert found[:, 0].tolist() == [0.0] * 4
    np.testing.assert_allclose(logistic(found[:, 1]), answers, atol=1e-7)
    assert found[3, 1] == 0.0


def one(answers, *, answers_are, per="example"):
    how = tiny.run(
        TWO, f'teacher={{kind="module", callable="m:f", answers="{answers_are}", speaks_of="good"}}'
    ).teacher
    source = TeacherSource(how, "", NAMES, "", 8, True, per=per)
    inner = FunctionTeacher(NAMES, lambda texts: answers, by_position=per == "token")
    inputs = pa.table({"text": ["a"] * len(answers)})
    teacher = FromOne(inner, source)
    assert isinstance(teacher, TeacherAround)
    return teacher.logits(TextInputs.of(inputs), np.arange(len(answers)))


@pytest.mark.parametrize("answers_are", ["one_logit", "one_probability"])
def test_each_word_may_have_its_one_number_and_unseen_ones_stay_unseen(answers_are):
    numbers = [[[0.25], [0.75]], [[0.5]]]
    found = one(numbers, answers_are=answers_are, per="token")
    assert found.shape == (2, 2, 2)
    assert np.isnan(found[1, 1]).all()
    one_logit = answers_are == "one_logit"
    expected = [0.25, 0.75, 0.5] if one_logit else np.log([1 / 3, 3.0, 1.0])
    seen = np.array([found[0, 0], found[0, 1], found[1, 0]])
    np.testing.assert_allclose(seen[:, 1], expected, rtol=1e-6)
    assert (seen[:, 0] == 0).all()


def test_probabilities_that_are_stated_to_be_logits_are_refused():
    few = np.full(ENOUGH - 1, 0.5, np.float32)
    assert one(few, answers_are="one_logit").shape == (ENOUGH - 1, 2)
    message = 'all within .0, 1. in each of 32 answers. State teacher.answers = "one_probability"'
    with pytest.raises(TeacherError, match=message):
        one(np.full(ENOUGH, 0.5, np.float32), answers_are="one_logit")


def test_logits_that_are_stated_to_be_probabilities_are_refused():
    message = r'no probabilities: found 1.5, expected numbers in .* = "one_logit"'
    with pytest.raises(TeacherError, match=message):
        one(np.array([0.5, 1.5], np.float32), answers_are="one_probability")


def test_more_numbers_than_one_are_refused():
    message = r'another shape: found \[2, 2\], expected one number for each, as .* = "one_logit"'
    with pytest.raises(TeacherError, match=message):
        one(np.zeros((2, 2), np.float32), answers_are="one_logit")


@pytest.mark.parametrize("make", [keras, saved_model, module])
def test_one_number_unsaid_is_refused_with_what_to_state(make, experiment):
    made = make(experiment, probabilities=False)
    message = 'state teacher.answers = "one_logit" or "one_probability", and that class as'
    with pytest.raises(TeacherError, match=message):
        asked(experiment, made)


def test_a_column_of_one_number_unsaid_is_refused_with_what_to_state(experiment):
    made = column(experiment, probabilities=False)
    message = "found 1 numbers, expected 2. Mend the row. .*teacher.speaks_of"
    with pytest.raises(CorpusError, match=message):
        teacher_of(experiment, made)


def test_a_column_of_probabilities_that_are_stated_to_be_logits_is_refused(experiment):
    column(experiment, probabilities=True)
    rows = [
        {"text": f"{text} {number}", "thing": "good", "answer": 0.5}
        for number in range(20)
        for text in TEXTS
    ]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    stated = 'kind="column", column="answer", answers="one_logit", speaks_of="good"'
    with pytest.raises(TeacherError, match="80 rows looked at are all in .0, 1.. State"):
        teacher_of(experiment, stated)


@pytest.mark.parametrize("name", ["LABEL_0", "good"])
def test_a_model_of_one_label_of_transformers(name, experiment):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    folder = one_label(experiment, name)
    stated = 'kind="transformers", path="hugging", max_length=16'
    _, teacher = teacher_of(experiment, f'{stated}, answers="one_logit", speaks_of="good"')
    found = teacher.logits(teacher.encode(pa.table({"text": TEXTS})), np.arange(len(TEXTS)))
    head = 'heads=[{name="good", kind="regression", column="thing"}]'
    run = tiny.run(head, f"teacher={{{stated}}}", "train.loss=squared_error")
    alone = load_teacher(find_teacher(run, base=experiment, fitted=experiment))
    numbers = alone.logits(alone.encode(pa.table({"text": TEXTS})), np.arange(len(TEXTS)))
    np.testing.assert_array_equal(found, np.concatenate([0 * numbers, numbers], axis=1))
    assert len(set(found[:, 1].tolist())) > 1
    with pytest.raises(TeacherError, match=r"found 1 .*, expected 2 \(bad, good\).*speaks_of"):
        teacher_of(experiment, stated)
    assert folder.is_dir()


def test_a_model_whose_one_label_is_the_other_class_is_refused(experiment):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    one_label(experiment, "bad")
    stated = 'kind="transformers", path="hugging", answers="one_logit", speaks_of="good"'
    with pytest.raises(TeacherError, match=r"found 1 \(bad\), expected 1 \(good\)"):
        teacher_of(experiment, stated)


def one_label(folder, name):
    """Write a classifier of one label."""
    import torch
    import transformers

    place = tiny_berts.write_transformers(folder / "hugging")
    torch.manual_seed(4)
    config = transformers.AutoConfig.from_pretrained(place)
    config.id2label, config.label2id = {0: name}, {name: 0}
    transformers.BertForSequenceClassification(config).save_pretrained(place)
    return place


def test_a_fingerprint_follows_what_is_stated_and_only_that(experiment):
    made = module(experiment, probabilities=False)
    plain = tiny.run(TWO, f"teacher={{{made}}}")
    found = [
        find_teacher(run, base=experiment, fitted=experiment).fingerprint
        for run in (
            plain,
            *(
                tiny.run(TWO, f'teacher={{{made}, answers="{answers}", speaks_of="{name}"}}')
                for answers in ("one_logit", "one_probability")
                for name in NAMES
            ),
        )
    ]
    assert len(set(found)) == 5


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (['teacher.answers="one_logit"'], "state both or neither"),
        (['teacher.speaks_of="good"'], "state both or neither"),
        (['teacher.answers="one_logit"', 'teacher.speaks_of="none"'], "is one of bad, good"),
    ],
)
def test_half_of_what_is_needed_is_refused(overrides, message):
    with pytest.raises(RunFileError, match=message):
        tiny.run(TWO, *overrides)


def test_one_number_for_three_classes_or_other_heads_is_refused():
    stated = ['teacher.answers="one_logit"', 'teacher.speaks_of="fruit"']
    with pytest.raises(RunFileError, match="is for softmax heads of two classes"):
        tiny.run(*stated)
    with pytest.raises(RunFileError, match="is for softmax heads of two classes"):
        tiny.run('heads=[{name="thing", kind="sigmoid", classes=["a", "fruit"]}]', *stated)


def test_a_tagger_of_two_classes_may_give_one_number_a_word(experiment):
    head = "heads=[{name='thing', per='token', column='tags', classes=['other', 'animal']}]"
    (experiment / "own_teacher.py").write_text(
        "def make():\n"
        "    return lambda lists: [[[len(word) - 3.5] for word in words] for words in lists]\n"
    )
    stated = 'kind="module", callable="own_teacher:make", answers="one_logit", speaks_of="animal"'
    run = tiny_words.run(head, f"teacher={{{stated}}}")
    teacher = load_teacher(find_teacher(run, base=experiment, fitted=experiment))
    column = pa.array([["the", "horse"], ["cat"]], pa.list_(pa.string()))
    rows = pa.table({"words": column, "input_digest": [b"0" * 16, b"1" * 16]})
    found = soft_labels(teacher, rows, features=("words",), how=run.label, head=run.head)
    assert found.logits.tolist() == [[0.0, -0.5], [0.0, 1.5], [0.0, -0.5]]

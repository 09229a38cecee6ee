"""One contract for every kind of teacher: the same words, the same class, whatever runs them."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import CorpusError, PipelineError, TeacherError
from stages.label.ask import soft_labels
from stages.label.pipeline import label
from stages.label.plan import plan_label
from stages.label.teachers import load_teacher
from stages.teacher_places import find_teacher
from tests import tiny

MODULE = """
import numpy as np

WORDS = {words!r}


def make(scale=8.0):
    def answer(texts):
        found = np.zeros((len(texts), 3), np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                if word in WORDS:
                    found[row, WORDS[word]] += scale
        return found

    return answer


def not_a_teacher():
    return 3
"""


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("own_teacher", None)


def embeddings(folder):
    import keras

    return keras.saving.load_model(folder / "teacher" / "teacher.keras").get_weights()[0]


def saved_model(folder):
    import tensorflow as tf

    words = tiny.VOCABULARY
    keys = tf.lookup.KeyValueTensorInitializer(words, tf.range(len(words)))
    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(keys, 1)
    module.weights = tf.Variable(embeddings(folder))

    def call(text):
        ids = module.table.lookup(tf.strings.split(text))
        logits = tf.reduce_sum(tf.gather(module.weights, ids), axis=1)
        return {"scores": tf.nn.softmax(logits), "logits": logits}

    spec = tf.TensorSpec([None], tf.string, name="text")
    module.call = tf.function(call, input_signature=[spec])
    place = folder / "saved"
    tf.saved_model.save(module, place, {"serving_default": module.call})
    return ['teacher={kind="saved_model", path="saved", output="logits"}']


def probabilities(folder):
    saved_model(folder)
    how = 'output="scores", answers="probabilities"'
    return ["teacher={kind='saved_model', path='saved', " + how + "}"]


def onnx(folder):
    pytest.importorskip("onnxruntime")
    tokenizers = pytest.importorskip("tokenizers")
    helper = pytest.importorskip("onnx").helper
    import onnx as library

    place = folder / "onnx"
    place.mkdir(exist_ok=True)
    tensors = [
        library.numpy_helper.from_array(embeddings(folder), "table"),
        library.numpy_helper.from_array(np.array([1], np.int64), "one"),
        library.numpy_helper.from_array(np.array([2], np.int64), "two"),
    ]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["embedded"]),
        helper.make_node("Cast", ["attention_mask"], ["real"], to=library.TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["real", "two"], ["valid"]),
        helper.make_node("Mul", ["embedded", "valid"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "one"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["valid", "one"], ["count"], keepdims=0),
        helper.make_node("Div", ["sum", "count"], ["logits"]),
    ]
    shape, floats, ints = ["batch", "length"], library.TensorProto.FLOAT, library.TensorProto.INT64
    names = ("input_ids", "attention_mask")
    inputs = [helper.make_tensor_value_info(name, ints, shape) for name in names]
    outputs = [helper.make_tensor_value_info("logits", floats, ["batch", 3])]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, tensors)
    opset = [helper.make_opsetid("", 17)]
    library.save(helper.make_model(graph, opset_imports=opset, ir_version=8), place / "model.onnx")
    words = {word: number for number, word in enumerate(tiny.VOCABULARY)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(place / "tokenizer.json"))
    return ['teacher={kind="onnx", path="onnx", max_length=16}']


def module(folder):
    words = {word: number for number, name in enumerate(tiny.CLASSES) for word in tiny._WORDS[name]}
    (folder / "own_teacher.py").write_text(MODULE.format(words=words))
    return ['teacher={kind="module", callable="own_teacher:make", options={scale=4.0}}']


def keras(folder):
    return []


def column(folder, answers=lambda logits: logits):
    rows = tiny.examples()
    for row in rows:
        logits = np.where(np.array(tiny.CLASSES) == row["thing"], 4.0, -1.0)
        row["answer"] = answers(logits).tolist()
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "corpus.jsonl").write_text(lines)
    return ['teacher={kind="column", column="answer"}']


ASKED = [keras, saved_model, probabilities, onnx, module]


def source_of(folder, overrides):
    return find_teacher(tiny.run(*overrides), base=folder, fitted=folder / "none")


def labelled_by(folder, overrides):
    run = tiny.run(*overrides)
    plan = plan_label(run, base=folder, teacher=source_of(folder, overrides))
    return label(plan, labels=folder / "labels")


@pytest.mark.parametrize("make", ASKED)
def test_answers_are_the_same_alone_and_in_a_batch(make, experiment):
    teacher = load_teacher(source_of(experiment, make(experiment)))
    assert tuple(teacher.classes) == tiny.CLASSES
    texts = ["the old cat", "fig", "one red saw and my new dear good small", "horse"]
    encoded = teacher.encode(pa.table({"text": texts}))
    assert encoded.lengths.shape == encoded.overlong.shape == (4,)
    together = teacher.logits(encoded, np.arange(4))
    assert together.dtype == np.float32
    assert together.argmax(axis=1).tolist() == [0, 1, 2, 0]
    for row in (3, 0):
        alone = teacher.logits(encoded, np.array([row]))
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("make", [*ASKED[1:], column])
def test_a_table_of_every_kind(make, experiment):
    table = labelled_by(experiment, make(experiment))
    rows = tiny.rows_of(table)
    said = [tiny.CLASSES[int(np.argmax(row["teacher_thing"]))] for row in rows]
    assert said == [row["label_thing"] for row in rows]
    pieces = (table.artefacts_path / "vocab.txt").read_text().split("\n")
    assert {"[PAD]", "[CLS]", "cat", "##c"} <= set(pieces) or make is keras


def test_an_onnx_teacher_says_what_its_keras_twin_says(experiment):
    twin = load_teacher(source_of(experiment, onnx(experiment)))
    first = load_teacher(source_of(experiment, []))
    texts = pa.table({"text": [row["text"] for row in tiny.examples(20)]})
    answers = [teacher.logits(teacher.encode(texts), np.arange(20)) for teacher in (twin, first)]
    np.testing.assert_allclose(*answers, rtol=1e-4, atol=1e-5)
    long = twin.encode(pa.table({"text": ["cat " * 40, "cat"]}))
    assert long.overlong.tolist() == [True, False]
    assert long.lengths.tolist() == [16, 3]


@pytest.mark.parametrize("make", [saved_model, onnx, module, column])
def test_a_fingerprint_covers_files_and_options(make, experiment):
    overrides = make(experiment)
    first = source_of(experiment, overrides).fingerprint
    assert source_of(experiment, overrides).fingerprint == first
    longer = [overrides[0].replace("}", ", max_length=9}", 1), "teacher.max_length=9"][1]
    assert source_of(experiment, [*overrides, longer]).fingerprint != first
    for path in _files(experiment, make):
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([*lines, lines[-1]]))
    assert source_of(experiment, overrides).fingerprint != first


def _files(folder: Path, make) -> list[Path]:
    places = {
        saved_model: "saved/variables/variables.index",
        onnx: "onnx/tokenizer.json",
        module: "own_teacher.py",
        column: "corpus.jsonl",
    }
    return [folder / places[make]]


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum()


def test_a_column_of_probabilities_is_seen_and_never_softmaxed_again(experiment, capsys):
    table = labelled_by(experiment, column(experiment, softmax))
    assert "column 'answer' holds probabilities" in capsys.readouterr().err
    logits = np.array([row["teacher_thing"] for row in tiny.rows_of(table)])
    kept = np.sort(np.exp(logits), axis=1)
    expected = np.sort(softmax(np.array([4.0, -1.0, -1.0])))
    np.testing.assert_allclose(kept, np.tile(expected, (len(kept), 1)), rtol=5e-3)
    assert table.card.counts.teacher_calls == 0


def test_probabilities_stated_to_be_logits_are_refused(experiment):
    overrides = [*column(experiment, softmax), "teacher.answers=logits"]
    with pytest.raises(TeacherError, match="answers are probabilities: column 'answer'"):
        source_of(experiment, overrides)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([1.0, 2.0], "wrong number of answers: corpus.jsonl row 1 column 'answer': found 2"),
        ([1.0, 2.0, float("inf")], "answer is not finite"),
        ("four", "no list of numbers"),
        (None, "no list of numbers"),
    ],
)
def test_a_row_without_a_usable_answer_is_named(answer, message, experiment):
    overrides = column(experiment)
    lines = (experiment / "corpus.jsonl").read_text().splitlines()
    first = {**json.loads(lines[0]), "answer": answer}
    (experiment / "corpus.jsonl").write_text("\n".join([json.dumps(first), *lines[1:]]))
    with pytest.raises(CorpusError, match=message):
        source_of(experiment, overrides)
    tolerant = [*overrides, "label.max_quarantined=1"]
    assert labelled_by(experiment, tolerant).card.counts.quarantined == 1


def test_a_column_of_probabilities_refuses_rows_that_are_none(experiment):
    overrides = [*column(experiment), "teacher.answers=probabilities"]
    with pytest.raises(CorpusError, match="no probabilities: corpus.jsonl row 1"):
        labelled_by(experiment, overrides)


def test_a_teacher_that_answers_with_probabilities_unsaid_is_refused(experiment):
    saved_model(experiment)
    overrides = ['teacher={kind="saved_model", path="saved", output="scores"}']
    with pytest.raises(TeacherError, match="teacher answers with probabilities"):
        labelled_by(experiment, overrides)
    logits = [*overrides, "teacher.output=logits", "teacher.answers=probabilities"]
    with pytest.raises(TeacherError, match="teacher's answers are no probabilities"):
        labelled_by(experiment, logits)


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (saved_model, "teacher.signature=other", "no such signature: 'other'"),
        (saved_model, "teacher.output=other", "no such output: 'other'"),
        (onnx, "teacher.output=other", "no such output: 'other'"),
        (module, "teacher.callable=own_teacher:not_a_teacher", "teacher cannot be made"),
        (module, "teacher.callable=own_teacher:none", "teacher cannot be imported"),
        (saved_model, "teacher.path=none", "no such file or folder: none"),
    ],
)
def test_what_is_wrong_is_said(make, change, message, experiment):
    overrides = [*make(experiment), change, *(["teacher.options={}"] if make is module else [])]
    with pytest.raises(PipelineError, match=message):
        load_teacher(source_of(experiment, overrides))


@pytest.mark.parametrize("kind", ["saved_model", "onnx"])
def test_a_folder_that_holds_no_model_is_stated(kind, experiment):
    (experiment / "junk").mkdir()
    (experiment / "junk" / "saved_model.pb").write_bytes(b"junk")
    (experiment / "junk" / "model.onnx").write_bytes(b"junk")
    source = source_of(experiment, [f'teacher={{kind="{kind}", path="junk"}}'])
    with pytest.raises(TeacherError, match="teacher cannot be loaded"):
        load_teacher(source)


def test_a_column_cannot_be_asked(experiment):
    teacher = load_teacher(source_of(experiment, column(experiment)))
    rows = pa.table({"text": ["a"], "input_digest": [b"0" * 16]})
    with pytest.raises(TeacherError, match="teacher is a column and cannot be asked: 'a'"):
        soft_labels(teacher, rows, features=("text",), how=tiny.run().label)

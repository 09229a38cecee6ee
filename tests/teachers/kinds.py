"""A small teacher of every kind that knows the tiny corpus; each maker returns its overrides."""

import json

import numpy as np
import pytest

from stages.label.pipeline import label
from stages.label.planning.plan import plan_label
from stages.teachers.places import find_teacher
from tests import tiny, tiny_berts

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


def saved_model_of_tokens(folder):
    import tensorflow as tf

    module = tf.Module()
    module.weights = tf.Variable(embeddings(folder))

    def call(input_ids, attention_mask):
        real = tf.cast(attention_mask, tf.float32)[:, :, None]
        return {"logits": tf.reduce_sum(tf.gather(module.weights, input_ids) * real, axis=1)}

    shape = [None, None]
    ids = tf.TensorSpec(shape, tf.int64, name="input_ids")
    mask = tf.TensorSpec(shape, tf.int32, name="attention_mask")
    module.call = tf.function(call, input_signature=[ids, mask])
    place = folder / "saved"
    tf.saved_model.save(module, place, {"serving_default": module.call})
    (place / "vocab.txt").write_text("\n".join(tiny.VOCABULARY))
    return ['teacher={kind="saved_model", path="saved", max_length=16}']


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


def keras_hub(folder):
    tiny_berts.write_keras_hub(folder / "preset")
    return ['teacher={kind="keras_hub", path="preset", max_length=16}']


def transformers(folder):
    pytest.importorskip("transformers")
    pytest.importorskip("torch")
    tiny_berts.write_transformers(folder / "hugging", tiny.CLASSES[::-1])
    return ['teacher={kind="transformers", path="hugging", max_length=16}']


def in_bfloat16(make):
    def of(folder):
        return [*make(folder), "teacher.compute_dtype=bfloat16"]

    of.__name__ = f"{make.__name__}_in_bfloat16"
    return of


def on_onnx_runtime(folder):
    pytest.importorskip("tf2onnx")
    return ["teacher.runtime=onnx"]


WITHOUT_A_VOCABULARY = [saved_model, probabilities, onnx, module, column]
ENCODERS = [keras_hub, transformers]
ROUNDED = [in_bfloat16(keras), in_bfloat16(keras_hub), in_bfloat16(transformers)]
ASKED = [keras, saved_model, saved_model_of_tokens, probabilities, onnx, module, on_onnx_runtime]
ASKED += [*ENCODERS, *ROUNDED]


def source_of(folder, overrides):
    return find_teacher(tiny.run(*overrides), base=folder, fitted=folder / "none")


def labelled_by(folder, overrides):
    run = tiny.run(*overrides)
    plan = plan_label(run, base=folder, teacher=source_of(folder, overrides))
    return label(plan, labels=folder / "labels")

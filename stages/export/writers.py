"""Write a student in a format that is served elsewhere; the weights become constants."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from schemas.export_formats import ExportFormat
from stages.evaluate.predict import StudentPredictor
from stages.heads import head_kind
from stages.machine.atomic import write_whole
from stages.networks.onnx_export import to_onnx

TFLITE_FILE, ONNX_FILE, KERAS_FILE = "student.tflite", "student.onnx", "student.keras"
Served = dict[str, tf.Tensor]


def write_saved_model(student: StudentPredictor, folder: Path) -> None:
    """Write a SavedModel from strings to logits and probabilities.

    Texts are strings [batch], pairs [batch, 2], logits [batch, classes]. Words are strings
    [batch, words] that "" pads, logits [batch, words, classes], NaN where there is none, and of a
    pointer before `[SEP]`. Of a `sigmoid` head each class has a probability of its own, of a
    `pointer` each word; of a `regression` the logits are the numbers, and there is nothing else. A
    process that loads it imports `tensorflow_text` first, for its tokenizer's operations.
    """
    module = tf.Module()
    module.model, module.tokenizer = student.model, student.wordpiece.resources
    name, shape = "text", [None, 2] if student.pairs else [None]
    serve: Callable[[StudentPredictor, tf.Tensor], Served] = _serve_texts
    if student.by_position:
        name, shape, serve = "words", [None, None], _serve_words
    spec = tf.TensorSpec(shape, tf.string, name=name)
    module.serve = tf.function(partial(serve, student), input_signature=[spec])
    tf.saved_model.save(module, str(folder), {"serving_default": module.serve})


def _serve_texts(student: StudentPredictor, text: tf.Tensor) -> Served:
    logits = student.of_texts(text)
    return _served(student, logits)


def _serve_words(student: StudentPredictor, words: tf.Tensor) -> Served:
    logits = student.of_words(tf.RaggedTensor.from_tensor(words, padding=""))
    beyond = tf.shape(words)[1] - tf.shape(logits)[1]
    logits = tf.pad(logits, [[0, 0], [0, beyond], [0, 0]], constant_values=float("nan"))
    return _served(student, logits)


def _served(student: StudentPredictor, logits: tf.Tensor) -> Served:
    found = head_kind(student.kind).probabilities(logits)
    return {"logits": logits} if found is None else {"logits": logits, "probabilities": found}


def write_keras(student: StudentPredictor, folder: Path) -> None:
    """Write the Keras model itself, from token ids [batch, tokens]."""
    student.model.save(folder / KERAS_FILE)


def write_tflite(student: StudentPredictor, folder: Path) -> None:
    """Write a float TFLite model from token ids [1, max_length]."""
    write_whole(folder / TFLITE_FILE, _tflite(student, optimizations=[]))


def write_tflite_int8(student: StudentPredictor, folder: Path) -> None:
    """Write a TFLite model whose weights have 8 bits, scaled by the range they have."""
    write_whole(folder / TFLITE_FILE, _tflite(student, optimizations=[tf.lite.Optimize.DEFAULT]))


def write_onnx(student: StudentPredictor, folder: Path) -> None:
    """Write an ONNX model from token ids [batch, tokens].

    Raises:
      ImportError: the `onnx` extra is not installed.
    """
    write_whole(folder / ONNX_FILE, to_onnx(_graph(student, shape=[None, None])))


def _tflite(student: StudentPredictor, *, optimizations: list[tf.lite.Optimize]) -> bytes:
    graph = _graph(student, shape=[1, student.max_length]).get_concrete_function()
    frozen = convert_variables_to_constants_v2(graph, lower_control_flow=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = optimizations
    data: bytes = converter.convert()
    return data


def _graph(
    student: StudentPredictor, *, shape: list[int | None]
) -> tf.types.experimental.PolymorphicFunction:
    spec = tf.TensorSpec(shape, tf.int32, name="token_ids")
    return tf.function(lambda ids: student.model(ids, training=False), input_signature=[spec])


WRITERS: dict[ExportFormat, Callable[[StudentPredictor, Path], None]] = {
    "saved_model": write_saved_model,
    "keras": write_keras,
    "tflite": write_tflite,
    "tflite_int8": write_tflite_int8,
    "onnx": write_onnx,
}

"""Write a student in a format that is served elsewhere; the weights become constants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from schemas.export_card import ExportFormat
from stages.atomic import write_whole
from stages.evaluate.predict import StudentPredictor
from stages.onnx_export import to_onnx

_PROBABILITIES = {"softmax": tf.nn.softmax, "sigmoid": tf.sigmoid}
TFLITE_FILE, ONNX_FILE, KERAS_FILE = "student.tflite", "student.onnx", "student.keras"


def write_saved_model(student: StudentPredictor, folder: Path) -> None:
    """Write a SavedModel from strings [batch] to logits and probabilities [batch, classes].

    Pairs are strings [batch, 2]. Of a `sigmoid` head each class has a probability of its own; of a
    `regression` the logits are the numbers, and there is nothing else. A process that loads it
    imports `tensorflow_text` first, for its tokenizer's operations.
    """

    def serve(text: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = student.model(student.wordpiece.token_ids(text), training=False)
        probabilities = _PROBABILITIES.get(student.kind)
        return {
            "logits": logits,
            **({"probabilities": probabilities(logits)} if probabilities else {}),
        }

    module = tf.Module()
    module.model, module.tokenizer = student.model, student.wordpiece.resources
    spec = tf.TensorSpec([None, 2] if student.pairs else [None], tf.string, name="text")
    module.serve = tf.function(serve, input_signature=[spec])
    tf.saved_model.save(module, str(folder), {"serving_default": module.serve})


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

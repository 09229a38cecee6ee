"""Load an exported student as somebody else would, and ask it; run in a process of its own.

Nothing of the student's own code is imported here, but for a Keras model: only what the format
needs.
"""

from __future__ import annotations

import functools
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Answer = Callable[[Any], npt.NDArray[np.float32]]


def answers(kind: str, folder: str, inputs: Any) -> npt.NDArray[np.float32]:
    """Return what a model says of a batch, float32 [inputs, classes] or [inputs, places, classes].

    Args:
      kind: an export format.
      folder: of the model.
      inputs: strings, or int32 [texts or windows, max_length] for one that takes these; 0 is
        padding. Places are those of words, or of tokens.
    """
    return _reader(kind, folder)(inputs).astype(np.float32)


def seconds(kind: str, folder: str, inputs: Any) -> float:
    """Return the median seconds for one input at a time, without the first, which traces."""
    answer, found = _reader(kind, folder), []
    for place in range(len(inputs)):
        started = time.perf_counter()
        answer(inputs[place : place + 1])
        found.append(time.perf_counter() - started)
    return statistics.median(found[1:] or found)


@functools.cache
def _reader(kind: str, folder: str) -> Answer:
    return READERS[kind](Path(folder))


def read_saved_model(folder: Path) -> Answer:
    """Return a SavedModel as a function from strings to logits of a batch."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  (registers the tokenizer's operations)

    model = tf.saved_model.load(str(folder))
    serve = model.signatures["serving_default"]
    [name] = serve.structured_input_signature[1]
    return lambda texts: np.asarray(
        serve(**{name: tf.constant(texts, tf.string)})["logits"].numpy()
    )


def read_keras(folder: Path) -> Answer:
    """Return a Keras model, in safe mode, as a function from rows of token ids to logits.

    Its builder is looked up first: that imports what registers layers of its own.
    """
    import keras
    import tensorflow as tf

    from stages.train.student_cards import read_student_card
    from stages.train.students import find_builder

    find_builder(read_student_card(folder.parents[1]).student.kind)
    model = keras.saving.load_model(folder / "student.keras", compile=False, safe_mode=True)
    graph = tf.function(lambda ids: model(ids, training=False), reduce_retracing=True)
    return lambda rows: np.asarray(graph(tf.constant(rows)).numpy())


def read_tflite(folder: Path) -> Answer:
    """Return a TFLite model as a function from rows of token ids to logits, each asked alone."""
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a successor in another package
        model = tf.lite.Interpreter(str(folder / "student.tflite"))
    model.allocate_tensors()
    (source,), (target,) = model.get_input_details(), model.get_output_details()

    def of_one(row: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        model.set_tensor(source["index"], row[None])
        model.invoke()
        return np.array(model.get_tensor(target["index"]))

    return lambda rows: np.concatenate([of_one(row) for row in rows])


def read_onnx(folder: Path) -> Answer:
    """Return an ONNX model as a function from rows of token ids to logits."""
    import onnxruntime

    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(folder / "student.onnx"), providers=providers)
    name = session.get_inputs()[0].name
    return lambda rows: np.asarray(session.run(None, {name: rows})[0])


READERS: dict[str, Callable[[Path], Answer]] = {
    "saved_model": read_saved_model,
    "keras": read_keras,
    "tflite": read_tflite,
    "tflite_int8": read_tflite,
    "onnx": read_onnx,
}

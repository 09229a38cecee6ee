"""Load an exported student as somebody else would, and ask it; run in a process of its own.

Nothing of the student's own code is imported here, but for a Keras model: only what the format
needs.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.export_card import FROM_STRINGS

Answer = Callable[[Any], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Said:
    """Logits float32 of each input, and the median seconds for one.

    Of a text they are [classes]; of words [words, classes], or [tokens, classes] from token ids.
    """

    logits: list[npt.NDArray[np.float32]]
    seconds: float


def ask(kind: str, folder: str, texts: list[Any], token_ids: npt.NDArray[np.int32]) -> Said:
    """Return what a model says of each text, or list of words, one at a time.

    Args:
      kind: an export format.
      folder: of the model.
      texts: for one that takes strings.
      token_ids: int32 [texts or windows, max_length], for one that takes these; 0 is padding.
    """
    answer = READERS[kind](Path(folder))
    inputs: list[Any] = [[text] for text in texts] if kind in FROM_STRINGS else list(token_ids)
    logits, seconds = [], []
    for one in inputs:
        started = time.perf_counter()
        logits.append(answer(one)[0].astype(np.float32))
        seconds.append(time.perf_counter() - started)
    return Said(logits, statistics.median(seconds[1:] or [0.0]))  # the first traces


def read_saved_model(folder: Path) -> Answer:
    """Return a SavedModel as a function from strings to logits, a batch of one."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  (registers the tokenizer's operations)

    model = tf.saved_model.load(str(folder))
    serve = model.signatures["serving_default"]
    [name] = serve.structured_input_signature[1]
    return lambda texts: np.asarray(serve(**{name: tf.constant(texts)})["logits"].numpy())


def read_keras(folder: Path) -> Answer:
    """Return a Keras model, in safe mode, as a function from a row of token ids to logits.

    Its builder is looked up first: that imports what registers layers of its own.
    """
    import keras
    import tensorflow as tf

    from stages.train.pipeline import read_student_card
    from stages.train.students import find_builder

    find_builder(read_student_card(folder.parents[1]).student.kind)
    model = keras.saving.load_model(folder / "student.keras", compile=False, safe_mode=True)
    graph = tf.function(lambda ids: model(ids, training=False), reduce_retracing=True)
    return lambda row: np.asarray(graph(tf.constant(row[None])).numpy())


def read_tflite(folder: Path) -> Answer:
    """Return a TFLite model as a function from a row of token ids to logits."""
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a successor in another package
        model = tf.lite.Interpreter(str(folder / "student.tflite"))
    model.allocate_tensors()
    (source,), (target,) = model.get_input_details(), model.get_output_details()

    def answer(row: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        model.set_tensor(source["index"], row[None])
        model.invoke()
        return np.array(model.get_tensor(target["index"]))

    return answer


def read_onnx(folder: Path) -> Answer:
    """Return an ONNX model as a function from a row of token ids to logits."""
    import onnxruntime

    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(folder / "student.onnx"), providers=providers)
    name = session.get_inputs()[0].name
    return lambda row: np.asarray(session.run(None, {name: row[None]})[0])


READERS: dict[str, Callable[[Path], Answer]] = {
    "saved_model": read_saved_model,
    "keras": read_keras,
    "tflite": read_tflite,
    "tflite_int8": read_tflite,
    "onnx": read_onnx,
}

"""A TensorFlow graph as an ONNX model."""

from __future__ import annotations

import logging
from typing import Any

OPSET = 18


def to_onnx(graph: Any) -> bytes:
    """Return a traced function, with the input signature that it has, as an ONNX model.

    Raises:
      ImportError: tf2onnx is not installed.
      Exception: whatever the converter raises on an operation that it does not know.
    """
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    model, _ = tf2onnx.convert.from_function(
        graph, input_signature=graph.input_signature, opset=OPSET
    )
    found: bytes = model.SerializeToString()
    return found

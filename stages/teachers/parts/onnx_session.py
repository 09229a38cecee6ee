"""A session of ONNX Runtime, made to be asked from one thread a core."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def session_of(model: bytes | str) -> InferenceSession:
    """Return a session whose calls compute in one thread each.

    Args:
      model: the model itself, or the path of its file.

    Raises:
      ImportError: ONNX Runtime is not installed.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

"""A TensorFlow graph run by ONNX Runtime: converted once, and kept in the user's cache."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schemas.errors import TeacherError, first_line
from stages.machine.atomic import remove_strays, write_whole
from stages.machine.progress import say
from stages.networks.onnx_export import OPSET, to_onnx
from stages.places.assets import cache_folder
from stages.teachers.parts.onnx_session import session_of
from stages.teachers.parts.processors import usable_cores

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_GRAPH = 2  # of `logits_graph`: 2 has segments


class OnnxGraph:
    """Token ids in, logits out; each call computes in one thread, and there is one per core."""

    def __init__(self, graph: tf.types.experimental.PolymorphicFunction, *, name: str) -> None:
        """Take the converted graph from the cache, or convert it.

        Args:
          graph: a traced function with one input and one output.
          name: decides the graph: a fingerprint.

        Raises:
          TeacherError: the `onnx` extra is not installed, or the graph cannot be converted.
        """
        self.parallel_calls = usable_cores()
        try:
            self._session = _cached_session(graph, name)
        except ImportError as error:
            raise TeacherError(
                f"teacher cannot be run by ONNX Runtime: {error}. Install softshards[onnx]."
            ) from error
        except Exception as error:  # whatever the converter and the runtime raise
            said = first_line(error)
            raise TeacherError(
                f"teacher cannot be run by ONNX Runtime: {said}. State teacher.runtime = "
                '"tensorflow".'
            ) from error
        self._input = self._session.get_inputs()[0].name

    def answer(self, token_ids: tf.Tensor) -> npt.NDArray[np.float32]:
        """Return float32 [batch, classes] for int32 [batch, tokens]."""
        return np.asarray(self._session.run(None, {self._input: token_ids.numpy()})[0], np.float32)


def _cached_session(graph: Any, name: str) -> InferenceSession:
    place = cache_folder() / "onnx" / f"{name}-{version('tf2onnx')}-{OPSET}-{_GRAPH}.onnx"
    if place.is_file():
        try:
            return session_of(str(place))
        except Exception as error:  # whatever the runtime raises
            say(f"teacher: {place} cannot be used and is made again: {str(error)[:80]}")
    say("teacher: converting it for ONNX Runtime")
    remove_strays(place.parent)
    model = to_onnx(graph)
    write_whole(place, model)
    return session_of(model)

"""An ONNX teacher: `model.onnx` and `tokenizer.json` in one folder, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import TeacherError
from stages.teachers.parts.onnx_session import session_of
from stages.teachers.parts.processors import usable_cores
from stages.teachers.parts.source import TeacherSource
from stages.teachers.parts.tokens import TokenInputs

MODEL, TOKENIZER = "model.onnx", "tokenizer.json"
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


class OnnxTeacher:
    """A model over `input_ids`, and `attention_mask` and `token_type_ids` if it wants them."""

    def __init__(self, source: TeacherSource) -> None:
        """Load model and tokenizer.

        Raises:
          TeacherError: the `onnx` extra is not installed, or a file is missing or cannot be used.
        """
        self.classes = source.classes
        self.parameters = 0
        self.parallel_calls = usable_cores()
        self._place = Path(source.location)
        try:
            self._session, self._tokenizer = _loaded(self._place)
        except ImportError as error:
            raise TeacherError(
                f"teacher cannot be loaded: {self._place}: {error}. Install softshards[onnx]."
            ) from error
        except Exception as error:  # whatever the two libraries raise
            said = (str(error).splitlines() or [type(error).__name__])[0]
            raise TeacherError(
                f"teacher cannot be loaded: {self._place}: {said}. Expected {MODEL} and "
                f"{TOKENIZER} in one folder."
            ) from error
        self._tokenizer.no_padding()
        unknown = getattr(self._tokenizer.model, "unk_token", None)
        self.unknown_piece = None if unknown is None else self._tokenizer.token_to_id(unknown)
        self._tokenizer.enable_truncation(source.max_length)
        self._wanted = {tensor.name for tensor in self._session.get_inputs()}
        if "input_ids" not in self._wanted or self._wanted - _INPUTS:
            raise TeacherError(
                f"teacher has other inputs: {self._place}: found {', '.join(sorted(self._wanted))}"
                f", expected input_ids and some of {', '.join(sorted(_INPUTS))}."
            )
        self._output = self._named(source.how.output)

    def encode(self, inputs: pa.Table) -> TokenInputs:
        """Return the token ids of the one text column."""
        found = self._tokenizer.encode_batch(inputs.column(0).to_pylist())
        lengths = np.array([len(one.ids) for one in found], np.int32)
        overlong = np.array([bool(one.overflowing) for one in found], np.bool_)
        return TokenInputs([one.ids for one in found], lengths, overlong)

    def logits(self, encoded: TokenInputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return float32 [len(rows), classes]; padding is masked."""
        token_ids, mask = encoded.padded(rows)
        features = {
            "input_ids": token_ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(token_ids),
        }
        fed = {name: features[name] for name in self._wanted}
        return np.asarray(self._session.run([self._output], fed)[0], np.float32)

    def _named(self, stated: str | None) -> str:
        outputs = [tensor.name for tensor in self._session.get_outputs()]
        name = outputs[0] if stated is None and len(outputs) == 1 else stated
        if name not in outputs:
            raise TeacherError(
                f"no such output: {name!r} in {self._place}: found {', '.join(outputs)}. State "
                "teacher.output."
            )
        return str(name)


def _loaded(folder: Path) -> tuple[Any, Any]:
    import tokenizers

    return session_of(str(folder / MODEL)), tokenizers.Tokenizer.from_file(str(folder / TOKENIZER))


def load(source: TeacherSource) -> OnnxTeacher:
    """Return the teacher in a folder.

    Raises:
      TeacherError: it cannot be loaded.
    """
    return OnnxTeacher(source)

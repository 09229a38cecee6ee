"""Which formats can be written here: ONNX takes an extra."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from schemas.errors import StudentError
from schemas.export_formats import FORMATS, ExportFormat
from stages.machine.progress import say

_NEEDS: dict[ExportFormat, tuple[str, str]] = {"onnx": ("tf2onnx", "softshards[onnx]")}


def formats_here(stated: Sequence[ExportFormat]) -> tuple[ExportFormat, ...]:
    """Return the formats that are stated, or all that can be written, saying what is left out.

    Raises:
      StudentError: a stated one needs what is not installed.
    """
    missing = {kind for kind, (module, _) in _NEEDS.items() if find_spec(module) is None}
    for kind in missing.intersection(stated or FORMATS):
        module, extra = _NEEDS[kind]
        if stated:
            raise StudentError(
                f"format cannot be written: {kind}: {module} is not installed. Install {extra}, "
                "or leave this format out."
            )
        say(f"export: {kind} is left out: it needs {extra}")
    return tuple(kind for kind in stated or FORMATS if kind not in missing)

"""The formats that students are exported in."""

from __future__ import annotations

from typing import Literal

ExportFormat = Literal["saved_model", "keras", "tflite", "tflite_int8", "onnx"]
FORMATS: tuple[ExportFormat, ...] = ("saved_model", "keras", "tflite", "tflite_int8", "onnx")
FROM_STRINGS: tuple[ExportFormat, ...] = ("saved_model",)  # the others take token ids

"""The teacher as a Beam `ModelHandler`: one "example" is a whole bucket's table of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from stages.allocator import keep_freed_memory
from stages.label.teacher import Teacher, soft_labels
from stages.teacher_folder import TeacherFolder


class TeacherHandler(ModelHandler[pa.Table, PredictionResult, Teacher]):
    """Loads the teacher once per worker process and labels whole buckets with it."""

    def __init__(
        self, folder: TeacherFolder, *, features: tuple[str, ...], batch_tokens: int
    ) -> None:
        super().__init__()
        self._folder = folder
        self._features = features
        self._batch_tokens = batch_tokens

    def load_model(self) -> Teacher:
        """Load the teacher; TensorFlow is imported here and not before."""
        from stages.label.teachers.keras import KerasTeacher

        keep_freed_memory()
        return KerasTeacher(self._folder)

    def run_inference(
        self,
        batch: Sequence[pa.Table],
        model: Teacher,
        inference_args: dict[str, Any] | None = None,
    ) -> Iterator[PredictionResult]:
        """Yield each table with its `SoftLabels`.

        Raises:
          TeacherError: the teacher's answer cannot be used.
        """
        del inference_args
        for rows in batch:
            answer = soft_labels(
                model, rows, features=self._features, batch_tokens=self._batch_tokens
            )
            yield PredictionResult(rows, answer, self._folder.fingerprint)

    def batch_elements_kwargs(self) -> Mapping[str, Any]:
        """A bucket is batch enough: the handler cuts its own batches inside."""
        return {"min_batch_size": 1, "max_batch_size": 1}

    def get_metrics_namespace(self) -> str:
        """Name the metrics."""
        return "softshards"

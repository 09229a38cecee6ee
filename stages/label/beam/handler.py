"""The teacher as a Beam `ModelHandler`: one "example" is a whole bucket's table of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from schemas.heads import Head
from schemas.label_section import Label
from stages.asking.ask import soft_labels
from stages.machine.allocator import keep_freed_memory
from stages.table.writing.asked import Note
from stages.teachers.loaded import teacher_at_hand
from stages.teachers.parts.protocol import Teacher
from stages.teachers.parts.source import TeacherSource


class TeacherHandler(ModelHandler[pa.Table, PredictionResult, Teacher]):
    """Loads the teacher once per worker process and labels whole buckets with it."""

    def __init__(
        self,
        source: TeacherSource,
        *,
        features: tuple[str, ...],
        how: Label,
        head: Head,
        note: Note,
    ) -> None:
        super().__init__()
        self._source = source
        self._features = features
        self._how = how
        self._head = head
        self._note = note

    def load_model(self) -> Teacher:
        """Load the teacher, or take the one at hand; its framework is imported here, not before."""
        keep_freed_memory()
        return teacher_at_hand(self._source)

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
                model,
                rows,
                features=self._features,
                how=self._how,
                head=self._head,
                note=self._note,
            )
            yield PredictionResult(rows, answer, self._source.fingerprint)

    def batch_elements_kwargs(self) -> Mapping[str, Any]:
        """A bucket is batch enough: the handler cuts its own batches inside."""
        return {"min_batch_size": 1, "max_batch_size": 1}

    def get_metrics_namespace(self) -> str:
        """Name the metrics."""
        return "softshards"

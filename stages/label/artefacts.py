"""What the teacher leaves beside its table, so that nobody need load it again.

`_artefacts/<teacher fingerprint>/` holds its vocabulary and its measures: parameters, file
size and speed. Delta readers ignore folders whose name starts with an underscore.
"""

from __future__ import annotations

from schemas.teacher_card import VOCABULARY_FILE, TeacherMeasures
from stages.atomic import write_whole
from stages.progress import say
from stages.table import MEASURES_FILE, SoftLabelTable
from stages.teacher_folder import TeacherFolder

_SPEED_CALLS = 50


def artefacts_exist(table: SoftLabelTable) -> bool:
    """Return whether this table's teacher has left its artefacts."""
    return (table.artefacts_path / MEASURES_FILE).is_file()


def export_artefacts(table: SoftLabelTable, folder: TeacherFolder) -> None:
    """Copy the vocabulary and measure the teacher; the measures are written last."""
    import numpy as np
    import pyarrow as pa

    from stages.evaluate.speed import measure_speed, sample_texts
    from stages.label.teachers.keras import KerasTeacher

    say("label: measuring the teacher's speed")
    write_whole(table.artefacts_path / VOCABULARY_FILE, folder.vocabulary_path.read_bytes())
    teacher = KerasTeacher(folder)

    def predict(texts: list[str]) -> object:
        encoded = teacher.encode(pa.table({"text": texts}))
        return teacher.logits(encoded, np.arange(len(texts)))

    measures = TeacherMeasures(
        fingerprint=folder.fingerprint,
        lowercase=folder.card.lowercase,
        parameters=teacher.parameters,
        file_bytes=folder.model_path.stat().st_size,
        speed=measure_speed(predict, sample_texts(table), calls=_SPEED_CALLS),
    )
    path = table.artefacts_path / MEASURES_FILE
    write_whole(path, measures.model_dump_json(indent=2).encode())

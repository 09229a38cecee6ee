"""What the teacher leaves beside its table, so that nobody need load it again.

`_artefacts/<teacher fingerprint>/` holds its vocabulary and its measures: parameters, file
size and speed. Delta readers ignore folders whose name starts with an underscore.
"""

from __future__ import annotations

from schemas.teacher_card import VOCABULARY_FILE, TeacherMeasures
from stages.atomic import write_whole
from stages.label.wordlist import made_vocabulary
from stages.progress import say
from stages.table import MEASURES_FILE, SoftLabelTable, read_shard
from stages.teacher_source import TeacherSource

_SPEED_CALLS = 50


def artefacts_exist(table: SoftLabelTable) -> bool:
    """Return whether this table's teacher has left its artefacts."""
    return (table.artefacts_path / MEASURES_FILE).is_file()


def export_artefacts(table: SoftLabelTable, source: TeacherSource) -> None:
    """Copy the vocabulary and measure the teacher; the measures are written last."""
    import numpy as np
    import pyarrow as pa

    from stages.evaluate.speed import measure_speed, sample_texts
    from stages.label.teachers import load_teacher

    say("label: measuring the teacher's speed")
    write_whole(table.artefacts_path / VOCABULARY_FILE, vocabulary_bytes(source, table))
    teacher = load_teacher(source)
    feature = table.card.features[0]

    def predict(texts: list[str]) -> object:
        encoded = teacher.encode(pa.table({feature: texts}))
        return teacher.logits(encoded, np.arange(len(texts)))

    asked = source.how.kind != "column"
    speed = measure_speed(predict, sample_texts(table), calls=_SPEED_CALLS) if asked else None
    measures = TeacherMeasures(
        fingerprint=source.fingerprint,
        lowercase=source.lowercase,
        parameters=teacher.parameters,
        file_bytes=source.file_bytes,
        speed=speed,
    )
    path = table.artefacts_path / MEASURES_FILE
    write_whole(path, measures.model_dump_json(indent=2).encode())


def vocabulary_bytes(source: TeacherSource, table: SoftLabelTable) -> bytes:
    """Return the teacher's vocab.txt, or one made from the train split where it has none."""
    if source.vocabulary is not None:
        return source.vocabulary.read_bytes()
    feature = table.card.features[0]
    texts = (
        read_shard(shard, [feature])[feature].to_pylist() for shard in table.shards_of("train")
    )
    return "\n".join(made_vocabulary(texts, lowercase=source.lowercase)).encode()

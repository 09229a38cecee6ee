"""Export what the teacher leaves beside its table: see `stages/table/artefacts.py`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from schemas.provenance import digest_bytes, digest_file
from schemas.teacher_card import (
    MEASURES_VERSION,
    VOCABULARY_FILE,
    TeacherMeasures,
    WordEmbeddings,
)
from stages.inputs.wordlist import made_vocabulary
from stages.machine.atomic import write_whole
from stages.machine.progress import say
from stages.table.artefacts import (
    EMBEDDINGS_FILE,
    MEASURES_FILE,
    are_of_version,
    are_whole,
    stored_measures,
)
from stages.table.opening import SoftLabelTable
from stages.teachers.loaded import teacher_at_hand
from stages.teachers.parts.source import TeacherSource

if TYPE_CHECKING:
    from schemas.report import Speed
    from stages.teachers.parts.protocol import Teacher


def artefacts_exist(table: SoftLabelTable) -> bool:
    """Return whether this table's teacher has left its artefacts, as this release writes them.

    A vocabulary that was made from another corpus is none of this table's. What is missing beside
    the measures, or is damaged, is to be written again.
    """
    if not (table.artefacts_path / MEASURES_FILE).is_file():
        return False
    found = stored_measures(table)
    of_this = found.format_version == MEASURES_VERSION and are_of_version(found, table)
    return of_this and are_whole(found, table)


def export_artefacts(table: SoftLabelTable, source: TeacherSource, *, speed: Speed | None) -> None:
    """Copy the vocabulary and the embeddings; the teacher's measures come last. It is not asked.

    Args:
      table: the visible version.
      source: its teacher, loaded for the embeddings and the number of its weights.
      speed: as it was seen while it labelled; where it was not, that of an earlier version stays.
    """
    say("label: writing the teacher's vocabulary, embeddings and measures")
    before = _measures_before(table)
    vocabulary = vocabulary_bytes(source, table)
    write_whole(table.artefacts_path / VOCABULARY_FILE, vocabulary)
    teacher = teacher_at_hand(source)
    own = source.vocabulary is not None
    measures = TeacherMeasures(
        format_version=MEASURES_VERSION,
        vocabulary_made_for=None if own else table.card.plan_fingerprint,
        vocabulary_digest=digest_bytes(vocabulary),
        fingerprint=source.fingerprint,
        lowercase=source.lowercase,
        parameters=teacher.parameters,
        file_bytes=source.file_bytes,
        speed=speed or (before.speed if before else None),
        embeddings=export_embeddings(teacher, vocabulary, table) if own else None,
    )
    path = table.artefacts_path / MEASURES_FILE
    write_whole(path, measures.model_dump_json(indent=2).encode())


def export_embeddings(
    teacher: Teacher, vocabulary: bytes, table: SoftLabelTable
) -> WordEmbeddings | None:
    """Write the teacher's word embeddings, a row a line of its vocabulary; None if it has none.

    A model may have more rows than its vocabulary has pieces: those beyond are not written.
    """
    import numpy as np

    asked = getattr(teacher, "word_embeddings", None)
    found = asked() if asked is not None else None
    pieces = len(vocabulary.decode().removesuffix("\n").split("\n"))
    if found is None or len(found) < pieces:
        return None
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(found[:pieces], np.float32), allow_pickle=False)
    path = table.artefacts_path / EMBEDDINGS_FILE
    write_whole(path, stream.getvalue())
    return WordEmbeddings(pieces=pieces, width=found.shape[1], digest=digest_file(path))


def _measures_before(table: SoftLabelTable) -> TeacherMeasures | None:
    """Return what an earlier version of the table said of the same teacher."""
    there = (table.artefacts_path / MEASURES_FILE).is_file()
    return stored_measures(table) if there else None


def vocabulary_bytes(source: TeacherSource, table: SoftLabelTable) -> bytes:
    """Return the teacher's vocab.txt, or one made from the train split where it has none."""
    if source.vocabulary is not None:
        return source.vocabulary.read_bytes()
    pieces = made_vocabulary(table.texts("train"), lowercase=source.lowercase)
    return "\n".join(pieces).encode()

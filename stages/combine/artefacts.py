"""What the teachers of a combined table leave: the words of the first, the cost of all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from schemas.report import Speed
from schemas.teacher_card import VOCABULARY_FILE, TeacherMeasures
from stages.machine.atomic import whole_file, write_whole
from stages.table.artefacts import (
    EMBEDDINGS_FILE,
    MEASURES_FILE,
    are_whole,
    read_embeddings,
    read_measures,
    stored_measures,
    vocabulary_path,
)
from stages.table.opening import SoftLabelTable


def combine_artefacts(table: SoftLabelTable, tables: Sequence[SoftLabelTable]) -> None:
    """Copy the first teacher's vocabulary and embeddings, and add up what the teachers cost.

    Raises:
      TableError: a table's artefacts are missing, or damaged.
    """
    place = table.artefacts_path
    found = [read_measures(one) for one in tables]
    first, source = found[0], tables[0].artefacts_path
    made_for = None if first.vocabulary_made_for is None else tables[0].card.plan_fingerprint
    there = (place / MEASURES_FILE).is_file()
    if there and _are_current(table, made_for):
        return
    place.mkdir(parents=True, exist_ok=True)
    write_whole(place / VOCABULARY_FILE, vocabulary_path(tables[0]).read_bytes())
    if read_embeddings(tables[0]) is not None:
        with whole_file(place / EMBEDDINGS_FILE) as part:
            shutil.copyfile(source / EMBEDDINGS_FILE, part)
    measures = first.model_copy(
        update={
            "fingerprint": table.card.teacher_fingerprint,
            "vocabulary_made_for": made_for,
            "parameters": sum(one.parameters for one in found),
            "file_bytes": sum(one.file_bytes for one in found),
            "speed": _one_after_the_other(found),
        }
    )
    write_whole(place / MEASURES_FILE, measures.model_dump_json(indent=2).encode())


def _are_current(table: SoftLabelTable, made_for: str | None) -> bool:
    stored = stored_measures(table)
    return stored.vocabulary_made_for == made_for and are_whole(stored, table)


def _one_after_the_other(found: Sequence[TeacherMeasures]) -> Speed | None:
    speeds = [one.speed for one in found]
    if any(speed is None for speed in speeds):
        return None
    known = [speed for speed in speeds if speed is not None]
    return Speed(
        latency_ms_batch_1=sum(speed.latency_ms_batch_1 for speed in known),
        examples_per_second_batch_64=1.0
        / sum(1.0 / speed.examples_per_second_batch_64 for speed in known),
        calls=min(speed.calls for speed in known),
    )

"""What a teacher left beside its table, read so that the teacher need not be loaded.

`_artefacts/<teacher fingerprint>/` holds its vocabulary, its measures and, where it has them, its
word embeddings. The measures are written last: without them the folder is unfinished.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from schemas.errors import DamagedTableError, TableError, first_line
from schemas.provenance import digest_file
from schemas.teacher_card import VOCABULARY_FILE, TeacherMeasures
from stages.machine.cards import card_in
from stages.table.opening import SoftLabelTable
from stages.table.shard import RUN_AGAIN

MEASURES_FILE = "teacher_measures.json"
EMBEDDINGS_FILE = "embeddings.npy"


def read_measures(table: SoftLabelTable) -> TeacherMeasures:
    """Return what the label stage measured of this version's teacher.

    Raises:
      TableError: the artefacts are not there, or are of another version.
    """
    found = stored_measures(table)
    if not are_of_version(found, table):
        raise TableError(
            f"artefacts are of another version: {table.artefacts_path}: found a vocabulary of "
            f"{found.vocabulary_made_for}, expected {_vocabulary_plan(table)}. The table is whole: "
            f"{RUN_AGAIN}"
        )
    return found


def are_of_version(measures: TeacherMeasures, table: SoftLabelTable) -> bool:
    """Return whether the vocabulary beside them is the teacher's own, or of this version's rows."""
    return measures.vocabulary_made_for in (None, _vocabulary_plan(table))


def _vocabulary_plan(table: SoftLabelTable) -> str:
    """Return the plan of the rows that a vocabulary is made of: of a mean its first table's."""
    card = table.card
    return card.teachers[0].plan_fingerprint if card.teachers else card.plan_fingerprint


def stored_measures(table: SoftLabelTable) -> TeacherMeasures:
    """Return what some version's label stage measured of the teacher.

    Raises:
      TableError: the artefacts are not there.
      DamagedTableError: what they say does not hold.
    """
    path = table.artefacts_path / MEASURES_FILE
    try:
        return card_in(path, TeacherMeasures)
    except OSError as error:
        raise TableError(
            f"artefacts are missing: {path}: {error.strerror or first_line(error)}. The table is "
            f"whole: {RUN_AGAIN}"
        ) from error
    except ValueError as error:
        raise DamagedTableError(
            f"artefacts are damaged: {path}: {error}. The table is whole: remove {path.parent} and "
            f"{RUN_AGAIN}"
        ) from error


def vocabulary_path(table: SoftLabelTable) -> Path:
    """Return the vocabulary that the teacher left, once its bytes were compared.

    Raises:
      TableError: the artefacts are not there.
      DamagedTableError: it is not the one that was written.
    """
    path = table.artefacts_path / VOCABULARY_FILE
    if not path.is_file():
        raise TableError(f"artefacts are missing: {path}. The table is whole: {RUN_AGAIN}")
    stated = stored_measures(table).vocabulary_digest
    if stated is not None:
        _check_digest(path, stated, "vocabulary is")
    return path


def are_whole(measures: TeacherMeasures, table: SoftLabelTable) -> bool:
    """Return whether the files beside the measures are there, and those that were written."""
    stated = {VOCABULARY_FILE: measures.vocabulary_digest}
    if measures.embeddings is not None:
        stated[EMBEDDINGS_FILE] = measures.embeddings.digest
    return all(_holds(table.artefacts_path / name, digest) for name, digest in stated.items())


def _holds(path: Path, digest: str | None) -> bool:
    try:
        return path.is_file() and digest in (None, digest_file(path))
    except OSError:  # it cannot be read
        return False


def _check_digest(path: Path, stated: str, what: str) -> None:
    found = digest_file(path) if path.is_file() else "no file"
    if found != stated:
        raise DamagedTableError(
            f"{what} damaged: {path}: found {found}, expected digest {stated}. Remove "
            f"{path.parent} and {RUN_AGAIN}"
        )


def read_embeddings(table: SoftLabelTable) -> npt.NDArray[np.float32] | None:
    """Return the teacher's word embeddings, or None where it has none.

    Returns:
      float32 [pieces, width]: a row for each line of the exported vocabulary.

    Raises:
      TableError: the artefacts are not there.
      DamagedTableError: the file is missing, or is not the one that was written.
    """
    stated = read_measures(table).embeddings
    if stated is None:
        return None
    path = table.artefacts_path / EMBEDDINGS_FILE
    _check_digest(path, stated.digest, "embeddings are")
    embeddings: npt.NDArray[np.float32] = np.load(path, allow_pickle=False)
    return embeddings

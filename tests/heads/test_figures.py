"""Figures of a training: a place that cannot hold them is stated."""

from pathlib import Path

import pytest

from schemas.errors import StorageError
from stages.train.pipeline import train
from tests import tiny


def test_a_file_in_the_place_of_a_students_figures_is_stated(table):
    place = Path("out") / "students" / "bag" / "seed-1" / "student"
    place.parent.mkdir(parents=True)
    place.write_text("")
    with pytest.raises(StorageError, match=r"folder cannot be made: .*seed-1/student.*: Not a dir"):
        train(tiny.run("train.epochs=1"), table, out=Path("out"))
    assert place.read_text() == ""

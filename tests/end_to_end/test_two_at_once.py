"""Two commands on one folder: the second says who is at work; when that one is dead, nobody is."""

import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from stages.table.opening import open_table
from tests.end_to_end.test_commands import command, failed
from tests.processes import stopped_at

LABEL = ("label", "run.toml", "--labels", "out/labels")
RUN = ("run", "run.toml", "--out", "out")
TRAIN = ("train", "run.toml", "--labels", "out/labels", "--out", "out")
COMBINE = (
    *("combine", "run.toml", "--from", "out/labels", "--from", "other"),
    *("--labels", "mean"),
)
EXPORT = ("export", "run.toml", "--labels", "out/labels", "--out", "out", "--format", "keras")
ENGINE = ("stages.label.pipeline", "_run_engine")
STUDENT = "out/students/bag/seed-1/student"
TRAINING = ("stages.train.pipeline", "train_student")


def is_busy(done, process, folder):
    line = failed(done, code=75)
    assert line.startswith(f"error: folder is in use: {folder}: process {process.pid} on ")
    assert f" on {socket.gethostname()} is at work there since 20" in line
    assert line.endswith(f", expected nobody. Wait for its end, or end it: kill {process.pid}.")


@pytest.fixture
def tables(labelled):
    """The tiny experiment's table in `out/labels` and in `other`."""
    shutil.copytree(labelled / "labels", labelled / "out" / "labels")
    shutil.move(labelled / "labels", labelled / "other")


@pytest.mark.parametrize(
    ("first", "second", "folder"),
    [(LABEL, LABEL, "out/labels"), (RUN, RUN, "out"), (RUN, LABEL, "out/labels")],
)
def test_of_two_that_label_the_second_says_who_is_at_work(first, second, folder, experiment):
    with stopped_at(*ENGINE, *first) as process:
        is_busy(command(*second), process, folder)
    done = command(*second)
    assert done.exit_code == 0, done.stderr
    assert open_table(Path("out/labels")).card.counts.rows == 120


@pytest.mark.parametrize(
    ("first", "at", "second", "folder"),
    [
        (RUN, TRAINING, RUN, "out"),
        (TRAIN, TRAINING, TRAIN, STUDENT),
        (RUN, TRAINING, TRAIN, STUDENT),
        (COMBINE, ("stages.combine.pipeline", "_Combination.make"), COMBINE, "mean"),
    ],
)
def test_the_second_says_who_is_at_work_and_after_a_kill_it_works(
    first, at, second, folder, tables
):
    with stopped_at(*at, *first) as process:
        is_busy(command(*second), process, folder)
    done = command(*second)
    assert done.exit_code == 0, done.stderr


def test_of_two_exports_too(tables):
    assert command(*TRAIN).exit_code == 0
    with stopped_at("stages.export.pipeline", "compared", *EXPORT) as process:
        is_busy(command(*EXPORT), process, f"{STUDENT}/exported/keras")
        assert Path(STUDENT, "exported", "keras", "student.keras").is_file()
        assert command(*EXPORT[:-1], "tflite").exit_code == 0
        assert Path(STUDENT, "exported", "keras", "student.keras").is_file()
    assert command(*EXPORT[:-1], "tflite").exit_code == 0
    assert not Path(STUDENT, "exported", "keras").exists()
    assert command(*EXPORT).exit_code == 0


def test_what_only_reads_works_meanwhile(labelled):
    assert command(*RUN).exit_code == 0
    with (labelled / "corpus.jsonl").open("a") as stream:
        stream.write(json.dumps({"text": "a new saw", "thing": "tool"}) + "\n")
    with stopped_at(*ENGINE, *LABEL):
        for reader in (
            ("inspect", "out/labels"),
            ("history", "out/labels"),
            ("verify", "out/labels"),
            ("plan", "run.toml", "--labels", "out/labels"),
            ("evaluate", "run.toml", "--labels", "out/labels", "--out", "out"),
            TRAIN,
            ("label", "run.toml", "--labels", "elsewhere", "--out", "out"),
        ):
            done = command(*reader)
            assert done.exit_code == 0, done.stderr


def test_students_of_other_seeds_are_trained_beside(labelled):
    shutil.copytree(labelled / "labels", labelled / "out" / "labels")
    with stopped_at(*TRAINING, *TRAIN):
        done = command(*TRAIN, "--set", "train.seeds=[2]")
        assert done.exit_code == 0, done.stderr


def test_a_table_that_is_up_to_date_is_labelled_without_a_lock_where_none_can_be(
    labelled, monkeypatch
):
    real = os.open

    def refuse(path, flags, *mode, **how):
        if str(path).endswith("_lock"):
            raise OSError(30, "Read-only file system")
        return real(path, flags, *mode, **how)

    monkeypatch.setattr(os, "open", refuse)
    done = command("label", "run.toml", "--labels", "labels")
    assert done.exit_code == 0
    assert "label: nothing to do, labels is up to date" in done.stderr
    assert "no lock can be held: labels/_lock: Read-only file system" in done.stderr


def test_help_says_the_exit_codes():
    assert "75 others are at work there" in command("label", "--help").stdout


def test_a_lock_is_no_part_of_the_table(labelled):
    assert command("label", "run.toml", "--labels", "labels").exit_code == 0
    assert (labelled / "labels" / "_lock").read_text() == ""
    assert command("verify", "labels").exit_code == 0
    assert command("vacuum", "labels", "--keep-days", "0").stdout == ""
    assert open_table(labelled / "labels").version == 0

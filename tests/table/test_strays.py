"""What a kill leaves: nothing half-written stays, and nothing that somebody is at work on goes."""

import os
import signal
import time
from pathlib import Path

import pytest

from schemas.errors import StorageError
from stages.machine.atomic import own_folder, own_name, remove_strays, whole_file, write_whole
from tests.end_to_end.test_commands import command
from tests.processes import started, stopped_at
from tests.teach.test_pipeline import FIT
from tests.tiny_berts import write_hugging_face

LABEL = ("label", "run.toml", "--labels", "labels")
TRAIN = ("train", "run.toml", "--labels", "labels", "--out", "out")
EVALUATE = ("evaluate", "run.toml", "--labels", "labels", "--out", "out")
WRITE = """
import sys, time
from pathlib import Path
from stages.machine.atomic import whole_file

with whole_file(Path(sys.argv[1])) as part:
    part.write_bytes(b"half")
    (part.parent / "beside").write_bytes(b"of a library")
    print("written", flush=True)
    time.sleep(600)
"""


def parts(folder):
    return sorted(path.name for path in Path(folder).rglob(".*.part"))


@pytest.fixture
def writer(tmp_path):
    """A process that has written `model.keras` and not put it in its place."""
    process = started(WRITE, str(tmp_path / "model.keras"))
    assert process.stdout.readline() == "written\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()


def test_what_a_live_process_writes_stays_and_what_a_killed_one_wrote_goes(
    writer, tmp_path, capsys
):
    [part] = parts(tmp_path)
    remove_strays(tmp_path)
    assert parts(tmp_path) == [part]
    os.kill(writer.pid, signal.SIGSTOP)
    remove_strays(tmp_path)
    assert parts(tmp_path) == [part]
    os.kill(writer.pid, signal.SIGKILL)
    while Path(f"/proc/{writer.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
        time.sleep(0.01)  # dead, and not yet waited for
    remove_strays(tmp_path)
    assert list(tmp_path.iterdir()) == []
    said = f"removed what an ended process left: {tmp_path}/{part}\n"
    assert capsys.readouterr().err == said


def test_a_process_that_has_the_number_of_a_dead_one_keeps_nothing(tmp_path):
    name = own_name("model.keras")
    process, started_at = name.split("-")[1:3]
    write_whole(tmp_path / name.replace(f"-{started_at}-", f"-{int(started_at) - 1}-"), b"half")
    write_whole(tmp_path / name, b"mine")
    assert process == str(os.getpid())
    remove_strays(tmp_path)
    assert parts(tmp_path) == [name]


@pytest.mark.parametrize(
    "name", [".a.keras.0a1b2c3d-1-2-0a1b2c3d.part", f".a.keras.{'0' * 32}.part.keras"]
)
def test_what_another_machine_or_an_earlier_release_left_goes_after_a_day(name, tmp_path):
    (tmp_path / "within").mkdir()
    stray = write_whole(tmp_path / "within" / name, b"half") or tmp_path / "within" / name
    remove_strays(tmp_path)
    assert stray.exists()
    long_ago = time.time() - 25 * 3600
    os.utime(stray, (long_ago, long_ago))
    remove_strays(tmp_path)
    assert not stray.exists()


def test_what_is_like_a_stray_and_is_none_stays(tmp_path):
    names = ("a.part", ".hidden", ".a.part", "_lock", "student.keras", ".b.x-1-2-y.part")
    for name in names:
        write_whole(tmp_path / name, b"mine")
    remove_strays(tmp_path, tmp_path / "absent")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_a_file_that_fails_leaves_what_was_there_and_nothing_else(tmp_path):
    write_whole(tmp_path / "a", b"before")
    said = "file cannot be written: .*/a: No space"
    with pytest.raises(StorageError, match=said), whole_file(tmp_path / "a") as part:
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")
    with pytest.raises(ZeroDivisionError), own_folder(tmp_path, "b") as folder:
        (folder / "c").write_bytes(b"half")
        raise ZeroDivisionError
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"before"}


@pytest.mark.parametrize(
    ("first", "what", "place", "again"),
    [
        (TRAIN, "student.keras", "out/students", TRAIN),
        (TRAIN, ".npz", "out/students", TRAIN),
        (TRAIN, "student.json", "out/students", (*TRAIN, "--set", "train.seeds=[2]")),
        (LABEL, "bucket-", "labels", LABEL),
        (LABEL, "embeddings.npy", "labels", LABEL),
        (EVALUATE, "report.html", "out", EVALUATE),
    ],
)
def test_after_a_kill_between_write_and_rename_the_next_run_removes_it(
    first, what, place, again, experiment
):
    if first != LABEL:
        assert command(*LABEL).exit_code == 0
    if first == EVALUATE:
        assert command(*TRAIN).exit_code == 0
    with stopped_at("stages.machine.atomic", "_put", *first, when=what) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    [left] = parts(place)
    assert what in left
    done = command(*again)
    assert done.exit_code == 0, done.stderr
    assert f"{left}\n" in done.stderr
    assert parts(place) == []


def test_a_kill_while_a_teacher_is_saved_leaves_nothing_either(experiment):
    write_hugging_face(experiment / "bert")
    teach = ("teach", "run.toml", "--out", "out", "--set", FIT)
    with stopped_at("stages.machine.atomic", "_put", *teach, when="teacher.keras"):
        [left] = parts("out")
        assert command(*teach).exit_code == 75
        assert parts("out") == [left]
    done = command(*teach)
    assert done.exit_code == 0, done.stderr
    assert f"{left}\n" in done.stderr
    assert parts("out") == []
    assert sorted(path.name for path in Path("out/teacher").iterdir()) == [
        "teacher.json",
        "teacher.keras",
        "vocab.txt",
    ]


def test_what_is_left_of_a_training_that_is_done_goes(labelled):
    assert command(*TRAIN).exit_code == 0
    card = Path("out/students/bag/seed-1/student/student.json").read_text()
    fingerprint = card.split('"fingerprint": "')[1].split('"')[0]
    checkpoints = Path("out/students/bag/seed-1/student/_checkpoints")
    for name in (fingerprint, "another"):
        write_whole(checkpoints / name / "00-000001-000000001-0123456789abcdef.npz", b"large")
    assert command(*TRAIN).exit_code == 0
    assert [path.name for path in checkpoints.iterdir()] == ["another"]

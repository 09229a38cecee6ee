"""Ctrl-C: one line says what is kept, workers end, and the same command goes on."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages.table.opening import open_table
from tests import tiny

TEACHER = """
import os, pathlib, time

def make():
    def answer(texts):
        with pathlib.Path("asked", str(os.getpid())).open("a") as log:
            log.write(f"{len(texts)}\\n")
        if pathlib.Path("slow").exists() and len(texts) > 1:
            pathlib.Path("busy", str(os.getpid())).touch()
            time.sleep(60)
        return [[1.0, 2.0, -3.0]] * len(texts)
    return answer
"""
TWO = ("--", "--direct_running_mode=multi_processing", "--direct_num_workers=2")
KEPT = (
    "interrupted: label: shards that are finished are kept, and nothing half-made is visible. The "
    "same command goes on from there."
)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    tiny.write_corpus(tmp_path / "corpus.jsonl", tiny.examples())
    (tmp_path / "run.toml").write_text(tiny.RUN_TEXT)
    (tmp_path / "own_teacher.py").write_text(TEACHER)
    (tmp_path / "slow").touch()
    for name in ("asked", "busy"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begun(*arguments):
    """Start the command in a session of its own, as a terminal does."""
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("softshards")), *arguments],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(condition, process):
    """Return once a condition holds, while the process lives."""
    while not condition():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)


def lives(pid):
    """Return whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux which processes live")
@pytest.mark.parametrize("beam", [(), TWO], ids=["one process", "two processes"])
def test_ctrl_c_says_what_is_kept_ends_the_workers_and_the_command_goes_on(folder, beam):
    own = 'teacher={kind="module", callable="own_teacher:make"}'
    command = ("label", "run.toml", "--labels", "labels", "--set", own, *beam)
    process = begun(*command)
    busy = folder / "busy"
    wait_for(lambda: any(busy.iterdir()), process)
    workers = [int(path.name) for path in busy.iterdir()]
    assert (process.pid in workers) == (not beam)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 130, said
    assert said.splitlines()[-1] == KEPT
    assert "Traceback" not in said
    assert not any(map(lives, workers))
    (folder / "slow").unlink()
    again = begun(*command)
    _, said = again.communicate(timeout=200)
    assert again.returncode == 0, said
    counts = open_table(folder / "labels").card.counts
    assert counts.rows == 120
    logged = sum(sum(map(int, path.read_text().split())) for path in (folder / "asked").iterdir())
    begun_at_most = 0 if not beam else 60  # by a worker that was ended between its note and its log
    assert logged <= counts.teacher_calls <= logged + begun_at_most

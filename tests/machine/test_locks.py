"""Locks: held by one process, ended with it, and said."""

import errno
import fcntl
import json
import os
import socket
import subprocess

import pytest

from schemas.errors import BusyError, StorageError
from stages.machine import locks
from stages.machine.locks import alone, lock
from tests.processes import started

HOLD = """
import os, sys, time
from pathlib import Path
from stages.machine.locks import alone

with alone(Path(sys.argv[1]), folder=Path("x")):
    {meanwhile}
    print("held", flush=True)
    time.sleep(600)
"""
FORKED = "os.fork() or time.sleep(600)"
STARTED = "import subprocess; subprocess.Popen(['sleep', '600'])"


@pytest.fixture
def holder():
    """Starts a process that holds a lock; all are killed in the end."""
    processes = []

    def hold(path, meanwhile="pass"):
        process = started(HOLD.format(meanwhile=meanwhile), str(path))
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in processes:
        end(process)
        process.stdout.close()
        process.stderr.close()


def end(process):
    process.kill()
    process.wait()


def test_a_second_process_is_told_who_is_at_work_since_when_and_how_to_end_it(holder, tmp_path):
    path = tmp_path / "a.lock"
    process = holder(path)
    since = json.loads(path.read_text())["since"]
    with pytest.raises(BusyError) as raised, alone(path, folder=tmp_path / "a"):
        pass
    host = socket.gethostname()
    assert str(raised.value) == (
        f"folder is in use: {tmp_path}/a: process {process.pid} on {host} is at work there since "
        f"{since}, expected nobody. Wait for its end, or end it: kill {process.pid}."
    )
    assert raised.value.exit_code == 75


@pytest.mark.parametrize("meanwhile", ["pass", FORKED, STARTED])
def test_a_dead_holder_stops_nobody_even_if_its_children_live(meanwhile, holder, tmp_path):
    path = tmp_path / "a.lock"
    process = holder(path, meanwhile)
    with pytest.raises(BusyError), alone(path, folder=tmp_path):
        pass
    children = subprocess.run(
        ["ps", "--ppid", str(process.pid), "-o", "pid="], capture_output=True, text=True
    ).stdout.split()
    assert bool(children) == (meanwhile != "pass")
    end(process)
    try:
        with alone(path, folder=tmp_path):
            assert json.loads(path.read_text())["process"] == os.getpid()
    finally:
        for child in children:
            os.kill(int(child), 9)


def test_who_waits_goes_on_when_the_holder_ends(holder, tmp_path, monkeypatch, capsys):
    path = tmp_path / "a.lock"
    process, real = holder(path), locks._holder
    monkeypatch.setattr(locks, "_holder", lambda place: (real(place), end(process))[0])
    with alone(path, folder=tmp_path, wait=True):
        pass
    assert f"waiting for {tmp_path}: process {process.pid} on " in capsys.readouterr().err


def test_a_part_of_the_work_may_ask_for_the_lock_again(tmp_path):
    path = tmp_path / "a.lock"
    with alone(path, folder=tmp_path):
        with alone(path, folder=tmp_path):
            pass
        with lock(path, wait=False) as held:
            assert not held
    with lock(path, wait=False) as held:
        assert held


def test_of_another_machine_it_is_said_where_to_end_it(tmp_path):
    path = tmp_path / "a.lock"
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        path.write_text(json.dumps({"host": "far", "process": 7, "since": "2026-11-29T00:00:00"}))
        said = "process 7 on far .*: kill 7 on far."
        with pytest.raises(BusyError, match=said), alone(path, folder=tmp_path):
            pass


def test_a_holder_that_says_nothing_is_at_work_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_HOLDER_SECONDS", 0.0)
    path = tmp_path / "a.lock"
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        said = "a process that does not say which .*, or end it.$"
        with pytest.raises(BusyError, match=said), alone(path, folder=tmp_path):
            pass


def test_where_the_file_system_has_no_locks_that_is_said_and_the_work_goes_on(
    tmp_path, monkeypatch, capsys
):
    def none(file, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    path = tmp_path / "a.lock"
    done = []
    with alone(path, folder=tmp_path):
        done.append("alone")
    with lock(path, wait=True) as held:
        done.append(held)
    assert done == ["alone", True]
    said = f"no lock can be held: {path}: No locks available; nobody else may write there meanwhile"
    assert capsys.readouterr().err.splitlines() == [said, said]


def test_a_folder_that_is_a_file_is_stated(tmp_path):
    (tmp_path / "out").write_text("")
    path, said = tmp_path / "out" / "run.lock", "folder cannot be made: .*out: .*Name another"
    with pytest.raises(StorageError, match=said), alone(path, folder=path.parent):
        pass


def test_a_lock_that_is_a_link_to_itself_is_stated(tmp_path):
    path = tmp_path / "_lock"
    path.symlink_to(path)
    said = r"lock cannot be held: .*_lock: found a link that leads to itself.* Remove it"
    with pytest.raises(StorageError, match=said), alone(path, folder=tmp_path):
        pass
    assert not locks._HELD

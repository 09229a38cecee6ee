"""How a command ends that does not end well: one line, an exit code, and a file where it helps."""

import errno
import signal
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from run_pipeline import main, stated
from schemas.errors import EngineError, UserCodeError
from stages.machine.endings import ended, ending, one_ctrl_c
from stages.machine.tracebacks import keep_traceback


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    yield tmp_path
    signal.signal(signal.SIGINT, signal.default_int_handler)


def caught(error):
    """Return an exception with the traceback of having been raised here."""
    try:
        raise error
    except BaseException as found:
        return found


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.txt"))


def test_a_stated_failure_is_its_message_and_no_file(here):
    found = ending(EngineError("no: x. Mend."), command="run", given={"out": here / "out"})
    assert found == ("error: no: x. Mend.", 1)
    assert files_of(here) == []


def test_a_message_of_several_lines_is_one(here):
    error = EngineError("no: x.\nfound y.\u2028Mend.")
    assert ending(error, command="run", given={})[0] == "error: no: x. found y. Mend."


def test_any_other_failure_is_one_line_that_names_a_file_with_its_traceback(here):
    try:
        Path("made/../none").resolve(strict=True)
    except OSError as error:
        line, code = ending(error, command="train", given={"out": here / "out", "labels": here})
    assert code == 1
    [name] = files_of(here)
    assert name.startswith("out/errors/2")
    assert line.endswith(f" The traceback is in {here / name}.")
    assert "\n" not in line
    text = (here / name).read_text()
    assert "Traceback (most recent call last)" in text
    assert "FileNotFoundError" in text
    assert "numpy 2." in text


def test_what_a_worker_says_of_a_defect_is_its_last_line(here):
    text = (
        "Traceback (most recent call last):\n  File 'x'\nKeyError: 'a' [while running 'Teacher']\n"
    )
    line, _ = ending(RuntimeError(text), command="label", given={"labels": here})
    assert line.startswith("error: unexpected failure: RuntimeError: KeyError: 'a', at ")


def test_code_that_is_neither_ours_nor_installed_is_named(here):
    (here / "mine.py").write_text("def fail():\n    raise ValueError('too wide.')\n")
    space = {"__name__": "mine"}
    exec(compile((here / "mine.py").read_text(), str(here / "mine.py"), "exec"), space)
    try:
        space["fail"]()
    except ValueError as error:
        line, _ = ending(error, command="train", given={"out": here})
    assert line.startswith("error: your own code raised: mine.py:2: ValueError: too wide. Mend it.")


@pytest.mark.parametrize("command", ["inspect", "history", "verify", "vacuum", "plan"])
def test_a_command_that_only_reads_writes_among_the_temporary_files(here, command):
    table = here / "labels"
    ending(caught(KeyError("a")), command=command, given={"labels": table, "folder": table})
    [name] = files_of(here)
    assert name.startswith("tmp/softshards-errors-")
    assert not table.exists()


def test_where_the_folder_cannot_be_written_the_file_is_among_the_temporary_ones(here):
    (here / "file").write_text("")
    found = keep_traceback(caught(UserCodeError("x")), folder=here / "file")
    assert found is not None
    assert found.parent.parent == here / "tmp"


def test_where_nothing_can_be_written_the_line_is_said_all_the_same(here, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(here / "none"))
    (here / "file").write_text("")
    line, code = ending(caught(KeyError("a")), command="run", given={"out": here / "file"})
    assert line.endswith(" The traceback could not be written anywhere.")
    assert code == 1


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("not even this")


def test_an_exception_that_cannot_be_shown_is_named(here):
    line, _ = ending(caught(Unspeakable()), command="run", given={"out": here})
    assert "Unspeakable" in line


def test_ctrl_c_that_an_engine_made_another_exception_of_is_ctrl_c(here):
    try:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("KeyboardInterrupt [while running 'Teacher']") from None
    except RuntimeError as error:
        line, code = ending(error, command="label", given={"labels": here})
    assert code == 130
    assert line.startswith("interrupted: label: shards that are finished are kept")
    assert line.endswith("The same command goes on from there.")
    assert files_of(here) == []


def test_every_command_has_a_line_for_ctrl_c(here):
    for name in main.commands:
        line, code = ending(KeyboardInterrupt(), command=name, given={})
        assert code == 130
        assert line.startswith(f"interrupted: {name}: ")


def test_two_ctrl_c_in_a_row_are_one(here, monkeypatch):
    with one_ctrl_c():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        ending(KeyboardInterrupt(), command="train", given={})
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # until the line is said
        ended(KeyboardInterrupt(), command="train", given={})
    signal.raise_signal(signal.SIGINT)  # and still the same one
    now, raised = time.monotonic(), []
    monkeypatch.setattr("stages.machine.endings.time.monotonic", lambda: now + 60)
    monkeypatch.setattr("stages.machine.endings.signal.raise_signal", raised.append)
    signal.getsignal(signal.SIGINT)(signal.SIGINT, None)
    assert raised == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_ctrl_c_is_heard_again_after_a_while_and_as_before_in_the_end(here, monkeypatch):
    clock = iter([1.0, 1.05, 4.0])
    monkeypatch.setattr("stages.machine.endings.time.monotonic", lambda: next(clock))
    with one_ctrl_c():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("train", "students that are trained are kept, and the checkpoint of the one at work"),
        ("teach", "epochs that are finished are kept"),
        ("evaluate", "nothing half-made is visible, and a report from before is kept as it was"),
    ],
)
def test_what_is_said_to_be_kept_is(here, command, kept):
    line, _ = ending(KeyboardInterrupt(), command=command, given={})
    assert line.startswith(f"interrupted: {command}: {kept}. The same command ")


def test_a_command_says_one_line_and_exits(here):
    @stated
    def fails_in_a_test() -> None:
        raise ZeroDivisionError("by zero")

    @stated
    def is_read_no_more_in_a_test() -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    try:
        done = CliRunner().invoke(main, ["fails-in-a-test"])
        assert done.exit_code == 1
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("error: ")
        assert "ZeroDivisionError: by zero" in done.stderr
        done = CliRunner().invoke(main, ["is-read-no-more-in-a-test"])
        assert (done.exit_code, done.stderr) == (1, "")
    finally:
        for name in ("fails-in-a-test", "is-read-no-more-in-a-test"):
            main.commands.pop(name)
    assert len(files_of(here / "tmp")) == 1

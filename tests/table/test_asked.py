"""Every call is in the card and held to the budget, whatever became of the attempt that made it."""

import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from schemas.errors import StorageError, TeacherError, UserCodeError
from stages.label.pipeline import label
from stages.label.planning.plan import Machinery, plan_label
from stages.table.opening import table_exists
from stages.table.writing.asked import Asked
from stages.table.writing.staging import STAGING_FOLDER
from stages.teachers.places import find_teacher
from tests import tiny
from tests.label.test_pipeline import WORKERS_MAY_END_BADLY

TEACHER = """
import os
import signal
from pathlib import Path

HERE = Path("FOLDER")


def make():
    def answer(texts):
        with (HERE / "log").open("a") as log:
            log.write(f"{len(texts)}\\n")
        how = (HERE / "how").read_text()
        if how == "away" or how in texts:
            raise RuntimeError("out of luck")
        if how == "killed" and list(HERE.glob("labels/_staging/*/bucket-*.json")):
            os.kill(os.getpid(), signal.SIGKILL)
        return [[1.0, 2.0, -3.0]] * len(texts)

    return answer
"""
OWN = 'teacher={kind="module", callable="own_teacher:make"}'
SHARDS = "label.num_shards=16"
TWO = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
INPUTS, FIRST = 60, 8


@pytest.fixture(autouse=True)
def _own_teacher(own_modules_and_cache, experiment):
    (experiment / "own_teacher.py").write_text(TEACHER.replace("FOLDER", str(experiment)))
    teacher(experiment, "right")


def teacher(folder, how):
    """Have the teacher be right, away, killed, or fail on one text; its file is as before."""
    (folder / "how").write_text(how)


def plan(folder, *overrides):
    run = tiny.run(OWN, SHARDS, *overrides)
    return plan_label(run, base=folder, teacher=find_teacher(run, base=folder, fitted=folder))


def attempt(folder, *overrides, beam=()):
    machinery = Machinery(beam)
    return label(plan(folder, *overrides), labels=folder / "labels", machinery=machinery)


def logged(folder):
    path = folder / "log"
    return sum(map(int, path.read_text().split())) if path.exists() else 0


def fail_on_the_last(folder, *overrides, beam=()):
    """Let an attempt fail on a text; return what all have asked until then."""
    teacher(folder, tiny.examples()[-1]["text"])
    before = logged(folder)
    with pytest.raises((TeacherError, UserCodeError), match="teacher cannot answer"):
        attempt(folder, *overrides, beam=beam)
    assert logged(folder) > before
    return logged(folder)


@WORKERS_MAY_END_BADLY
@pytest.mark.parametrize("beam", [(), TWO], ids=["one process", "two processes"])
def test_calls_of_attempts_that_failed_are_in_the_card(experiment, beam, capsys):
    fail_on_the_last(experiment, beam=beam)
    fail_on_the_last(experiment, beam=beam)
    teacher(experiment, "right")
    counts = attempt(experiment, beam=beam).card.counts
    assert counts.distinct_inputs == INPUTS
    assert counts.teacher_calls == logged(experiment)
    vain = counts.other_calls["again"]
    assert vain >= 2
    assert counts.teacher_calls == INPUTS + counts.other_calls["preflight"] + vain
    words = f"{vain} in attempts that did not end, or to find what it fails on)"
    assert words in capsys.readouterr().err
    assert not (experiment / "labels" / STAGING_FOLDER).exists()


def test_an_attempt_that_would_go_beyond_the_budget_is_refused_before_its_first_call(experiment):
    limit = f"label.max_teacher_calls={INPUTS + FIRST}"
    asked = fail_on_the_last(experiment, limit)
    teacher(experiment, "right")
    with pytest.raises(TeacherError, match=rf"\({asked} until now, .*Nobody was asked"):
        attempt(experiment, limit)
    assert logged(experiment) == asked
    assert not table_exists(experiment / "labels")


def test_the_budget_of_an_attempt_that_goes_on_has_no_call_to_spare(experiment):
    fail_on_the_last(experiment)
    teacher(experiment, "right")
    with pytest.raises(TeacherError, match="Nobody was asked") as refused:
        attempt(experiment, "label.max_teacher_calls=0")
    needed = int(str(refused.value).split(" calls (")[0].rsplit(" ", 1)[-1])
    with pytest.raises(TeacherError, match="Nobody was asked"):
        attempt(experiment, f"label.max_teacher_calls={needed - 1}")
    counts = attempt(experiment, f"label.max_teacher_calls={needed}").card.counts
    assert counts.teacher_calls == logged(experiment) == needed


def test_calls_of_a_preflight_that_failed_are_in_the_card(experiment):
    teacher(experiment, "away")
    for _ in range(2):
        with pytest.raises((TeacherError, UserCodeError), match="out of luck"):
            attempt(experiment)
    teacher(experiment, "right")
    counts = attempt(experiment).card.counts
    assert counts.other_calls == {"preflight": FIRST, "again": 2}
    assert counts.teacher_calls == logged(experiment) == INPUTS + FIRST + 2


def test_calls_of_a_killed_process_are_in_the_card(experiment):
    (experiment / "run.toml").write_text(tiny.RUN_TEXT)
    teacher(experiment, "killed")
    command = [str(Path(sys.executable).with_name("softshards")), "label", "run.toml"]
    stated = ("--labels", "labels", "--set", OWN, "--set", SHARDS)
    done = subprocess.run([*command, *stated], stderr=subprocess.PIPE, text=True)
    assert done.returncode == -9, done.stderr
    before = logged(experiment)
    teacher(experiment, "right")
    counts = attempt(experiment).card.counts
    assert counts.resumed_shards > 0
    assert counts.teacher_calls == logged(experiment) > before > FIRST
    assert counts.other_calls["again"] > 0


def test_calls_to_choose_an_encoding_are_counted_once(experiment):
    counts = attempt(experiment, "label.precision=auto").card.counts
    assert counts.other_calls == {"preflight": FIRST, "encoding": INPUTS}
    assert counts.teacher_calls == logged(experiment) == INPUTS + FIRST + INPUTS


def test_an_attempt_of_a_release_without_notes_counts_as_it_was_counted(experiment, monkeypatch):
    from stages.label import pipeline

    with monkeypatch.context() as killed:
        killed.setattr(pipeline, "commit", None)
        with pytest.raises(TypeError):
            attempt(experiment)
    [notes] = (experiment / "labels" / STAGING_FOLDER).glob("*/asked")
    shutil.rmtree(notes)
    with pytest.raises(TeacherError, match=rf"\({INPUTS + FIRST} until now"):
        attempt(experiment, f"label.max_teacher_calls={INPUTS + FIRST - 1}")
    assert Asked(notes).total() == INPUTS + FIRST
    counts = attempt(experiment).card.counts
    assert counts.other_calls == {"preflight": FIRST}
    assert counts.teacher_calls == logged(experiment) == INPUTS + FIRST


def test_a_call_that_cannot_be_noted_is_not_made(experiment):
    notes = experiment / "labels" / STAGING_FOLDER / plan(experiment).work / "asked"
    notes.parent.mkdir(parents=True)
    notes.write_text("no folder")
    with pytest.raises(StorageError, match="file cannot be written: .*asked"):
        attempt(experiment, "label.max_quarantined=0.5")
    assert logged(experiment) == 0


def _note_in_threads(asked, calls):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(asked.note, range(calls)))


def test_processes_and_threads_note_side_by_side(tmp_path):
    asked = Asked(tmp_path / "asked")
    assert asked.total() == 0
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(_note_in_threads, [asked] * 4, [200] * 4))
    _note_in_threads(asked, 200)
    assert asked.total() == 5 * sum(range(200))
    assert 2 <= len(list(asked.folder.iterdir())) <= 3


def test_what_was_noted_already_is_not_made_up_for(tmp_path):
    asked = Asked(tmp_path / "asked")
    asked.at_least(0)
    assert not asked.folder.exists()
    asked.note(5)
    asked.at_least(3)
    assert asked.total() == 5
    asked.at_least(7)
    assert asked.total() == 7

"""A worker process that ends before its work ends the run, and what is done is kept."""

import os
import signal

import apache_beam as beam
import pytest

from schemas.errors import EngineError
from stages.label.beam.engine import engine_options, execute
from stages.label.pipeline import label
from stages.label.planning.plan import Machinery, plan_label
from stages.table.verify import verify
from stages.teachers.places import find_teacher
from tests import tiny

KILLS_ITSELF = """
import os, pathlib, signal

def make():
    def answer(texts):
        mark = pathlib.Path("killed")
        if len(texts) > 4 and not mark.exists():  # the launcher asks for fewer first
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return [[1.0, 2.0, -3.0]] * len(texts)
    return answer
"""
BEAM = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


ENDS = "worker process ended before its work: .*fewer workers"
pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


def test_a_killed_worker_ends_the_run_and_the_next_one_goes_on(
    experiment, monkeypatch, own_modules_and_cache
):
    monkeypatch.chdir(experiment)
    (experiment / "own_teacher.py").write_text(KILLS_ITSELF)
    run = tiny.run('teacher={kind="module", callable="own_teacher:make"}')
    teacher = find_teacher(run, base=experiment, fitted=experiment / "made")
    plan = plan_label(run, base=experiment, teacher=teacher)
    with pytest.raises(EngineError, match=ENDS):
        label(plan, labels=experiment / "labels", machinery=Machinery(BEAM))
    assert (experiment / "killed").exists()
    assert verify(label(plan, labels=experiment / "labels")).rows == 120


def killed_by_four(number):
    """Return a pair, and end the process that is given a four."""
    if number == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return number % 2, number


def counted(pipeline):
    numbers = pipeline | beam.Create(range(9)) | beam.Map(killed_by_four)
    return numbers | beam.GroupByKey() | beam.Map(len)


def test_a_worker_that_is_killed_before_a_shuffle_ends_the_run_too():
    with pytest.raises(EngineError, match=ENDS):
        execute(engine_options(BEAM), counted, finished=lambda: 0, total=1)


def test_workers_that_never_start_end_the_run(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(EngineError, match=ENDS):
        execute(engine_options(BEAM), counted, finished=lambda: 0, total=1)

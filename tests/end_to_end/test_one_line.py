"""Whatever fails in a worker is one line, in one process and in two; a traceback is in a file."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stages.table.opening import table_exists
from tests import tiny

TWO = ("--", "--direct_running_mode=multi_processing", "--direct_num_workers=2")
OWN = """
def make():
    def answer(texts):
        if "poison" in texts:
            return {}["width"]
        return [[1.0, 2.0, -3.0]] * len(texts)
    return answer

def calm():
    return lambda texts: [[1.0, 2.0, -3.0]] * len(texts)

def augment(words, draw, around):
    if "axe" in words:
        raise LookupError("no word like axe")
    return words
"""
MODULE = 'teacher={kind="module", callable="own_code:make"}'
BY_COLUMN = 'teacher={kind="column", column="p", answers="probabilities"}'
AUGMENTED = 'label.views={seed=1, augmenters=[{kind="own_code:augment"}]}'
ROW_21 = "unknown class: corpus.jsonl row 21 column 'thing': found 'tol'"
KEY_ERROR = "it makes it raise KeyError: 'width', at own_code.py:5. Mend the teacher"

pytestmark = pytest.mark.timeout(300)


def softshards(*arguments):
    """Run the command in a process of its own."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("softshards")), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def failed(done):
    """Return the one line that a failed command printed; only progress is before it."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    *before, line = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert done.stderr.count("error: ") == 1
    assert all(re.match("label: |teacher: ", said) for said in before), before
    return line


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a corpus, a run file and code of one's own."""
    rows = [{**row, "p": [0.2, 0.3, 0.5]} for row in tiny.examples()]
    tiny.write_corpus(tmp_path / "corpus.jsonl", rows)
    (tmp_path / "run.toml").write_text(tiny.RUN_TEXT)
    (tmp_path / "own_code.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def spoil(folder, number, **changes):
    """Change a row of the corpus."""
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    rows[number].update(changes)
    tiny.write_corpus(folder / "corpus.jsonl", rows)


def label(*settings, beam=()):
    sets = [part for one in settings for part in ("--set", one)]
    return softshards("label", "run.toml", "--labels", "labels", *sets, *beam)


@pytest.mark.parametrize("beam", [(), TWO], ids=["one process", "two processes"])
def test_a_row_of_another_class_is_one_line(folder, beam):
    spoil(folder, 20, thing="tol")
    line = failed(label(BY_COLUMN, beam=beam))
    assert line.startswith(f"error: {ROW_21}")
    assert not (folder / "labels" / "errors").exists()
    assert not table_exists(folder / "labels")


def test_probabilities_that_are_none_are_one_line(folder):
    spoil(folder, 50, p=[0.9, 0.9, 0.9])
    assert "no probabilities: corpus.jsonl row 51 column 'p'" in failed(label(BY_COLUMN))


@pytest.mark.parametrize("beam", [(), TWO], ids=["one process", "two processes"])
def test_what_a_teacher_of_ones_own_raises_names_its_line_and_a_file(folder, beam):
    spoil(folder, 100, text="poison")
    line = failed(label(MODULE, beam=beam))
    assert line.startswith("error: teacher cannot answer: input {'text': 'poison'}: ")
    assert KEY_ERROR in line
    [file] = (folder / "labels" / "errors").iterdir()
    assert line.endswith(f" The traceback is in labels/errors/{file.name}.")
    text = file.read_text()
    assert 'own_code.py", line 5, in answer' in text
    for part in ("python 3.", "softshards 0.", "tensorflow 2.", "apache-beam 2.", "engine's log"):
        assert part in text


def test_what_an_augmenter_of_ones_own_raises_names_its_line(folder):
    line = failed(label(MODULE.replace("make", "calm"), AUGMENTED))
    wanted = "error: your own code raised: own_code:augment: own_code.py:14: LookupError: no word"
    assert line.startswith(wanted)
    assert not table_exists(folder / "labels")


def test_a_runner_that_is_not_there_is_one_line_that_names_some(folder):
    line = failed(label(BY_COLUMN, beam=("--", "--runner=Nope")))
    assert line.startswith("error: unknown runner: Nope: expected FnApiRunner, PortableRunner, ")


def test_after_a_run_of_two_processes_that_ends_well_nothing_of_the_engine_is_said(folder):
    done = label(BY_COLUMN, beam=TWO)
    assert done.returncode == 0
    assert all(re.match("label: |teacher: ", line) for line in done.stderr.splitlines())

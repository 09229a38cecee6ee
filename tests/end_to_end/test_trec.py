"""The shipped recipe with its real teacher and its real corpus, cut to a few hundred questions."""

import random

import pytest
from click.testing import CliRunner

from run_pipeline import main
from stages.run.experiment import read_run_file
from tests.architecture.test_top_level import ROOT
from tests.end_to_end.registry import lines_of_corpus

RECIPE = ROOT / "stages" / "recipes" / "trec.toml"
ROWS = 500


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with some of the questions; skips where the registry cannot be reached."""
    run = read_run_file(RECIPE)
    lines = lines_of_corpus(run, with_encoder=True)
    made = tmp_path_factory.mktemp("trec")
    questions = sorted(set(lines))
    random.Random(1).shuffle(questions)
    (made / "questions.txt").write_text("\n".join(questions[:ROWS] + questions[:50]) + "\n")
    return made


SMALLER = (
    'corpus.files=[{path="questions.txt"}]',
    "teacher.fit.epochs=1",
    "teacher.fit.batch_size=8",
    "teacher.fit.learning_rate=3e-4",
    "train.seeds=[1]",
    "train.epochs=2",
    "evaluate.latency_calls=5",
    "label.num_shards=2",
)


def command(*arguments):
    settings = [part for setting in SMALLER for part in ("--set", setting)]
    return CliRunner().invoke(main, ["run", str(RECIPE), "--out", "out", *settings, *arguments])


@pytest.mark.network
@pytest.mark.timeout(600)
def test_the_recipe_runs_from_corpus_to_report(folder, monkeypatch):
    monkeypatch.chdir(folder)
    first = command()
    assert first.exit_code == 0, first.stderr
    assert f"label: {ROWS + 50} rows" in first.stderr
    assert f"{ROWS} distinct inputs, {ROWS + 8} teacher calls" in first.stderr
    teacher = next(line for line in first.stdout.splitlines() if line.startswith("teacher"))
    assert float(teacher.split()[1]) > 0.6  # a majority vote has about 0.23
    second = command()
    assert second.stdout == first.stdout
    assert second.stderr.count("nothing to do") == 4

    bag = 'train.students=[{name="bag", kind="bag"}]'
    third = command("--set", bag)
    assert third.exit_code == 0, third.stderr
    assert "bag student" in third.stdout
    assert "label: nothing to do" in third.stderr

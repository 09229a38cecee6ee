"""The shape of the house: top level, import laws, file sizes, recipes, and nothing at import."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.multi_task import has_tasks, parse_multi_task
from stages.run.experiment import read_run_file
from stages.run.multi_task import task_run
from tests.architecture.lengths import (
    MOST_OF_A_FILE,
    MOST_OF_A_FUNCTION,
    code,
    functions,
    length,
)

ROOT = Path(__file__).resolve().parents[2]
CODE = code(ROOT)


def imported(path):
    """Return the modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room(path):
    return path.relative_to(ROOT).as_posix()


def uses(path, package):
    return any(name == package or name.startswith(package + ".") for name in imported(path))


def test_the_top_level_is_what_was_agreed():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    if not tracked:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in tracked}
    agreed = {"pyproject.toml", "README.md", "stages", "schemas", "tests", "run_pipeline.py"}
    assert {name for name in top if not name.startswith(".")} - {"findings"} == agreed


@pytest.mark.parametrize("path", CODE, ids=room)
def test_import_laws(path):
    place = room(path)
    if place.startswith("schemas/"):
        for package in ("stages", "apache_beam", "tensorflow", "keras", "click"):
            assert not uses(path, package)
    if not place.startswith(("stages/label/beam/", "stages/label/pipeline.py")):
        assert not uses(path, "apache_beam")
    if place != "run_pipeline.py":
        assert not uses(path, "click")
    assert not uses(path, "pickle")


OF_OTHER_PARQUET = {
    "stages/label/planning/encoding.py",
    "stages/label/passes.py",
    "stages/table/writing/quarantine.py",
    "stages/corpus/formats/parquet.py",
    "stages/table/writing/shards.py",
    "stages/corpus/formats/squad_files.py",
    "stages/table/writing/staging.py",
    "stages/places/catalogue.py",
}


@pytest.mark.parametrize("path", CODE, ids=room)
def test_shards_are_read_where_their_bytes_are_compared(path):
    allowed = {"stages/table/shard.py", *OF_OTHER_PARQUET}
    assert not uses(path, "pyarrow.parquet") or room(path) in allowed


@pytest.mark.parametrize("path", CODE, ids=room)
def test_files_and_functions_are_small(path):
    assert length(path).lines <= MOST_OF_A_FILE
    assert [one for one in functions(path) if one.lines > MOST_OF_A_FUNCTION] == []


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("run_pipeline", ("tensorflow", "apache_beam", "keras", "pyarrow")),
        ("stages.run.experiment", ("tensorflow", "apache_beam", "keras")),
        ("stages.label.pipeline", ("tensorflow", "keras", "apache_beam")),
        ("stages.label.beam.transforms", ("tensorflow", "keras")),
        ("stages.train.pipeline", ("apache_beam", "tensorflow", "keras")),
        ("stages.evaluate.pipeline", ("apache_beam", "tensorflow", "keras")),
    ],
)
def test_heavy_packages_are_imported_only_where_they_work(module, absent):
    done = run(f"import {module}, sys; print([n for n in {absent} if n in sys.modules])")
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "stages/recipes").glob("*.toml")), ids=room)
def test_every_recipe_is_a_card_that_can_be_read(path):
    text = path.read_text(encoding="utf-8")
    if has_tasks(text, source=path.name):
        run = parse_multi_task(text, source=path.name)
        assert run.name == path.stem
        assert all(task_run(run, task, base=path.parent) for task in run.tasks)
    else:
        assert read_run_file(path).name == path.stem
    head = text.split("\nname")[0]
    for word in ("what", "command", "duration"):
        assert word in head
    card = re.search(r"#   expected  (.+?)#   duration", head, re.DOTALL)[1]
    figures = re.findall(r"0\.\d{3}", card)
    measured = (ROOT / "tests" / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    parts = [part for part in measured.split("\n## ") if path.stem.split("-")[0] in part]
    assert len(figures) >= 3
    assert any(all(figure in part for figure in figures) for part in parts)

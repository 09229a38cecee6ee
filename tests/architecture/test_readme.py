"""The README: short, its commands real, its claims held by tests that exist."""

import re
import tomllib
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from run_pipeline import main
from schemas.run_file import parse_run_file
from tests.architecture.test_top_level import ROOT
from tests.schemas.test_run_file import MINIMAL

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_it_is_short():
    assert len(README.splitlines()) <= 150


def test_every_command_it_shows_exists_with_its_options():
    shown = re.findall(r"^(?:\$ )?softshards (\w+) (.*)$", "\n".join(blocks("sh")), re.MULTILINE)
    assert {name for name, _ in shown} >= {"run", "label", "train", "inspect"}
    for name, rest in shown:
        assert name in main.commands
        known = {option for p in main.commands[name].params for option in p.opts}
        ours = rest.split(" -- ")[0]
        assert set(re.findall(r"(--[a-z-]+)", ours)) <= known


def test_the_second_line_is_what_the_one_check_runs():
    check = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    line = next(line for line in blocks("sh")[1].splitlines() if "pytest" in line)
    assert line[line.index("python -m pytest") :] in check


@pytest.mark.parametrize("text", blocks("toml"))
def test_the_run_file_it_shows_can_be_read(text):
    assert tomllib.loads(text)
    if "name =" in text.split("[")[0]:
        assert parse_run_file(text, source="README.md").name


def test_every_test_it_names_exists():
    named = re.findall(r"`(tests/[\w/]+\.(?:py|md))(?:::(\w+))?`", README)
    assert len(named) >= 5
    for path, name in named:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in text


def test_every_folder_of_the_layout_is_there():
    layout = next(block for block in blocks("text") if "run_pipeline.py" in block)
    for name in re.findall(r"^ {0,4}([\w./]+(?:/|\.py|\.md|\.toml))\s", layout, re.MULTILINE):
        places = (ROOT / name, ROOT / "stages" / name, ROOT / "schemas" / name)
        assert any(place.exists() for place in places), name


@pytest.mark.parametrize("name", [None, *main.commands])
def test_help_names_every_option(name):
    arguments = [name, "--help"] if name else ["--help"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0
    for parameter in (main.commands[name] if name else main).params:
        if parameter.opts[0].startswith("--"):
            assert parameter.opts[0] in done.stdout
            assert parameter.help


@pytest.mark.timeout(300)
def test_the_wheel_holds_the_rooms_the_recipes_and_nothing_else(tmp_path):
    import shutil
    import subprocess
    import sys

    source = tmp_path / "source"
    wanted = ("pyproject.toml", "README.md", "run_pipeline.py", "stages", "schemas")
    source.mkdir()
    for name in wanted:
        place = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__")
        if place.is_dir():
            shutil.copytree(place, source / name, ignore=ignore)
        else:
            shutil.copy(place, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir"]
    done = subprocess.run(
        [*command, str(tmp_path), str(source)], capture_output=True, text=True, check=False
    )
    if done.returncode and "Could not find a version" in done.stderr:
        pytest.skip("the package registry cannot be reached for setuptools")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {Path(name).parts[0] for name in names}
    assert {name for name in tops if not name.endswith(".dist-info")} == {
        "stages",
        "schemas",
        "run_pipeline.py",
    }
    assert "stages/recipes/trec.toml" in names
    assert "schemas/README.md" in names


def test_the_views_that_the_other_readme_shows_can_be_stated():
    text = (ROOT / "stages" / "README.md").read_text(encoding="utf-8")
    keys = re.search(r"`\[label\.views\]` with `(seed = .+)` and `(augmenters = .+?)`\.", text)
    assert keys is not None
    views = parse_run_file(
        MINIMAL,
        source="x",
        overrides=[f"label.views.{key.replace(' = ', '=', 1)}" for key in keys.groups()],
    ).label.views
    assert views is not None
    assert (views.seed, views.augmenters[0].count, views.augmenters[0].rate) == (5, 2, 0.3)

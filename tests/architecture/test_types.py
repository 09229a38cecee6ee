"""Every module is checked by `mypy --strict`, and what is not asked of it is stated here."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.lengths import code

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
WITHOUT_TYPES = {  # what outside packages force
    "disallow_subclassing_any": False,
    "follow_imports": "silent",
    "ignore_missing_imports": True,
    "untyped_calls_exclude": ["apache_beam"],
}
NO_CODE = re.compile(r"# type: ignore(?!\[[a-z-]+\])|# mypy:")


def test_mypy_is_asked_for_everything_strictly():
    assert SETTINGS == {
        "files": ["schemas", "stages", "run_pipeline.py"],
        "python_version": "3.11",
        "strict": True,
        "plugins": ["pydantic.mypy"],
        **WITHOUT_TYPES,
    }


@pytest.mark.parametrize("path", code(ROOT), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_asks_for_less(path):
    assert NO_CODE.findall(path.read_text(encoding="utf-8")) == []


def test_a_function_without_types_is_found_in_any_room(tmp_path):
    (tmp_path / "stages" / "new").mkdir(parents=True)
    (tmp_path / "schemas").mkdir()
    (tmp_path / "stages" / "new" / "room.py").write_text("def untyped(x):\n    return x\n")
    for name in ("stages/__init__.py", "stages/new/__init__.py", "schemas/__init__.py"):
        (tmp_path / name).touch()
    (tmp_path / "run_pipeline.py").touch()
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "stages/new/room.py:1: error: Function is missing a type annotation" in done.stdout

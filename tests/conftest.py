"""Fixtures: one tiny experiment, labelled once a session and copied for each test."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from schemas.run_file import RunFile
from stages.table.opening import SoftLabelTable, open_table
from tests import tiny

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "experiment"
    tiny.write_experiment(folder)
    return folder


@pytest.fixture(scope="session")
def _labelled(_made: Path) -> Path:
    tiny.label(_made, _made / "labels")
    return _made


@pytest.fixture
def experiment(_made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with corpus, teacher and run file, and the working directory in it."""
    folder = tmp_path / "experiment"
    shutil.copytree(_made, folder, ignore=shutil.ignore_patterns("labels"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def labelled(_labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same with its table in `labels`."""
    folder = tmp_path / "labelled"
    shutil.copytree(_labelled, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def table(labelled: Path) -> SoftLabelTable:
    """The tiny experiment's table."""
    return open_table(labelled / "labels")


@pytest.fixture
def run() -> RunFile:
    """The tiny experiment's run file."""
    return tiny.run()


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory):
    """The cache of a module's tests, a folder."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def own_modules_and_cache(monkeypatch, own_cache):
    """A cache of the tests' own, and no module of a teacher left behind."""
    monkeypatch.setattr(sys, "path", [place for place in sys.path if "pytest-of-" not in place])
    monkeypatch.setenv("SOFTSHARDS_CACHE", str(own_cache))
    sys.modules.pop("own_teacher", None)
    yield
    sys.modules.pop("own_teacher", None)

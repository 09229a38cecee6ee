"""Fixtures: one tiny experiment, labelled once a session and copied for each test."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from schemas.run_file import RunFile
from stages.table import SoftLabelTable, open_table
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

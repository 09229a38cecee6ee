"""Weights & Biases, offline: every epoch's figures are in the files that it would send."""

import time
from pathlib import Path

import pytest

from schemas.errors import StudentError
from stages.train.pipeline import train
from stages.train.watching import WandbFigures
from tests import tiny


def written(path, word):
    """Return a file's bytes once it has a word three times: its process may write after `finish`.

    Bytes of what never has it are returned after half a minute.
    """
    end = time.monotonic() + 30
    while (data := path.read_bytes()).count(word) < 3 and time.monotonic() < end:
        time.sleep(0.1)
    return data


def test_every_epochs_figures_are_kept_offline(table, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = tiny.run("train.epochs=3", "train.baseline=false")
    plans = train(run, table, out=Path("out"), wandb="softshards-tests")
    [kept] = (plans[0].path / "wandb").rglob("*.wandb")
    data = written(kept, b"val_accuracy")
    for name in (
        b"val_accuracy",
        b"val_agreement",
        b"softshards-tests",
        b"tiny bag student seed 1",
    ):
        assert name in data
    assert data.count(b"val_accuracy") >= 3


def test_a_library_that_cannot_begin_is_stated(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")

    def refuse(**kwargs):
        raise wandb.errors.UsageError("No API key configured.")

    monkeypatch.setattr(wandb, "init", refuse)
    with pytest.raises(StudentError, match="Weights & Biases: mine: No API key"):
        WandbFigures("mine", name="s", folder=tmp_path, config={})

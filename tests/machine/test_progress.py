"""Progress: bars on a terminal, plain lines elsewhere, never on stdout."""

import io

import pytest
from rich.console import Console

from stages.machine import progress


def test_elsewhere_it_prints_plain_lines_on_stderr(capsys):
    with progress.task("label", total=4, unit="shards") as advance:
        for done in range(1, 5):
            advance(done, "")
        advance(4, "again")
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "label: 0/4 shards"
    assert lines[-1].startswith("label: 4/4 shards")
    assert len(lines) == 2


def test_a_long_step_says_something_every_ten_seconds(capsys, monkeypatch):
    clock = iter(range(0, 1000, 6))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    with progress.task("teach", total=9, unit="steps") as advance:
        for done in range(1, 9):
            advance(done, "(epoch 1)")
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "teach: 2/9 steps 12 s (epoch 1)"
    assert len(lines) == 5


def test_on_a_terminal_it_draws_a_bar(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(
        progress, "Console", lambda stderr: Console(file=screen, force_terminal=True, width=100)
    )
    with progress.task("label", total=4, unit="shards") as advance:
        advance(4, "all of them")
    shown = screen.getvalue()
    assert "label" in shown
    assert "4/4" in shown
    assert "all of them" in shown


def test_a_failure_passes_through():
    with pytest.raises(KeyError), progress.task("label", total=4, unit="shards"):
        raise KeyError("x")


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_line_of_the_last_step_has_the_figures_of_the_last_epoch(epochs, capsys, monkeypatch):
    monkeypatch.setattr(progress.time, "monotonic", lambda: 0.0)
    with progress.EpochProgress("train", epochs=epochs, steps=2) as shown:
        callback = shown.callback()
        for epoch in range(epochs):
            callback.on_epoch_begin(epoch, {})
            for step in range(2):
                callback.on_train_batch_end(step, {})
            callback.on_epoch_end(epoch, {"loss": 2.0, "val_loss": epoch + 0.5})
    total = 2 * epochs
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == f"train: {total}/{total} steps 0 s (epoch {epochs}: val_loss {epochs - 0.5:.3f})"

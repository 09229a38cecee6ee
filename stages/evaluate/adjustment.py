"""A search for settings, for people: as text, and as a section of the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from schemas.adjust_section import Value
from schemas.adjustment import Adjustment, Trial
from stages.evaluate.columns import columns

_MARKS = {True: "*", False: ""}


def adjustment_text(
    found: Adjustment, overrides_of: Callable[[Mapping[str, Value]], Sequence[str]]
) -> str:
    """Return every trial as a line, then the verdict and how to ask for the best one's settings."""
    best = next(trial for trial in found.trials if trial.number == found.best)
    settings = [f"--set '{stated}'" for stated in overrides_of(best.values)]
    return "\n".join(
        [*columns(adjustment_rows(found)), verdict(found), f"best: {' '.join(settings)}"]
    )


def adjustment_rows(found: Adjustment) -> list[list[str]]:
    """Return the trials as rows of a table, with a head; `*` marks the Pareto front."""
    head = ["trial", "settings", found.metric, "parameters", "ms/1", "epochs", "state", "front"]
    return [head, *(_row(trial) for trial in found.trials)]


def verdict(found: Adjustment) -> str:
    """Return one sentence that says whether the target was reached."""
    best = next((trial for trial in found.trials if trial.number == found.best), None)
    if best is None or best.quality is None:
        return f"{found.student}: no trial was finished."
    said = "reached" if found.reached else "not reached"
    return (
        f"{found.student}: target {said}: {found.metric} {best.quality:.4f} on validation in trial "
        f"{best.number} of {len(found.trials)}, asked {found.at_least:g}."
    )


def _row(trial: Trial) -> list[str]:
    settings = ", ".join(f"{key} {_shown(value)}" for key, value in trial.values.items())
    quality = "-" if trial.quality is None else f"{trial.quality:.4f}"
    size = "-" if trial.parameters is None else f"{trial.parameters:,}"
    time = "-" if trial.latency_ms_batch_1 is None else f"{trial.latency_ms_batch_1:.2f}"
    marks = [trial.state, _MARKS[trial.pareto]]
    return [str(trial.number), settings, quality, size, time, str(trial.epochs), *marks]


def _shown(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

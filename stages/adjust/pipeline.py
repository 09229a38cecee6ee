"""Adjust: try settings within a budget until one reaches the target, and say which was best."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from schemas.adjust_section import Adjust, Range, Target
from schemas.adjustment import Adjustment, Trial
from schemas.errors import RunFileError, StudentError, TableError
from schemas.provenance import fingerprint
from schemas.run_file import RunFile
from stages.adjust.space import OF_STUDENT, check_space, searched_student, with_values
from stages.adjust.study import Study
from stages.machine.atomic import remove_strays, write_whole
from stages.machine.progress import say
from stages.table.opening import SoftLabelTable
from stages.table.shard import check_bytes
from stages.train.plan import files_of, plan_students

ADJUST_FOLDER = "adjust"
ADJUSTMENT_JSON = "adjustment.json"


def adjust(run: RunFile, table: SoftLabelTable, *, out: Path) -> Adjustment:
    """Go on with the search of a run until its target is reached or its budget is used up.

    Interrupted, it goes on where it was; several processes may run it at a time.

    Raises:
      RunFileError: there is no search, or a setting of it does not hold.
      StudentError: every setting failed.
    """
    target, how = _stated(run)
    check_space(run, how)
    if table.card.quality is None or "validation" not in table.card.quality.splits:
        raise TableError(
            f"target cannot be measured: no labelled row in validation: {table.path}. Label some."
        )
    for shard in table.shards:
        check_bytes(shard)
    folder = out / ADJUST_FOLDER
    remove_strays(folder)
    wanted = search_fingerprint(run, table)
    study = Study(folder, how, fingerprint=wanted, epochs=run.train.epochs)
    started = time.monotonic()
    while not reached(study.trials(), target):
        if how.minutes is not None and time.monotonic() - started > 60 * how.minutes:
            say(f"adjust: no time left after {how.minutes:g} minutes")
            break
        if not _try_next(run, table, study, folder) and not study.wait_for_others():
            break
    found = _adjustment(run, study, wanted)
    write_whole(folder / ADJUSTMENT_JSON, found.model_dump_json(indent=2).encode())
    if found.best is None:
        why = next((trial.why for trial in found.trials if trial.why), "none was finished")
        raise StudentError(f"no setting could be trained: {len(found.trials)} tried: {why}")
    return found


def read_adjustment(run: RunFile, table: SoftLabelTable, *, out: Path) -> Adjustment | None:
    """Return what a search of this run found, or None where there was none."""
    if run.adjust is None:
        return None
    try:
        data = (out / ADJUST_FOLDER / ADJUSTMENT_JSON).read_bytes()
        found = Adjustment.model_validate_json(data)
    except (OSError, ValueError):
        return None
    same = found.fingerprint == search_fingerprint(run, table)
    return found if same and found.best is not None else None


def adjusted(run: RunFile, found: Adjustment) -> RunFile:
    """Return the run with the best settings: one student, all its seeds."""
    best = next(trial for trial in found.trials if trial.number == found.best)
    return with_values(run, best.values)


def reached(trials: Sequence[Trial], target: Target) -> bool:
    """Return whether a trial is good enough."""
    return any(_quality(trial) >= target.at_least for trial in trials)


def pareto(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials, each marked whether no other is better in quality, size and latency."""
    complete = [trial for trial in trials if trial.state == "complete"]
    return [
        trial.model_copy(
            update={
                "pareto": trial.state == "complete"
                and not any(_beats(other, trial) for other in complete)
            }
        )
        for trial in trials
    ]


def search_fingerprint(run: RunFile, table: SoftLabelTable) -> str:
    """Return the fingerprint of all that decides what a search finds, but for its budget."""
    target, how = _stated(run)
    [*plans] = plan_students(with_values(run, {}), table, out=Path())
    parts = {
        "search": how.model_dump(mode="json", exclude={"trials", "minutes"}),
        "target": target.metric,
        "student": plans[0].fingerprint,
    }
    if files := _files_of(run, how):
        parts["files"] = files
    return fingerprint(parts)


def _files_of(run: RunFile, how: Adjust) -> dict[str, dict[str, str]]:
    """Return the digests of code and files that listed students have and the stated has not."""
    listed = [
        (key, value)
        for key, values in how.search.items()
        if key.startswith(OF_STUDENT) and not isinstance(values, Range)
        for value in values
    ]
    known = files_of(searched_student(run))
    found = {}
    for key, value in listed:
        files = files_of(with_values(run, {key: value}).train.students[0])
        if other := {name: digest for name, digest in files.items() if digest != known.get(name)}:
            found[f"{key}={value}"] = other
    return found


def _stated(run: RunFile) -> tuple[Target, Adjust]:
    if run.adjust is None or run.target is None:
        raise RunFileError(
            "nothing to adjust: the run file has no [target] and [adjust]. Add them."
        )
    return run.target, run.adjust


def _try_next(run: RunFile, table: SoftLabelTable, study: Study, folder: Path) -> bool:
    """Try the next settings; return whether there were any."""
    from stages.adjust.trial import try_settings

    with study.next_trial() as trial:
        if trial is None:
            return False
        shown = ", ".join(f"{key} {value}" for key, value in trial.values.items())
        say(f"adjust: trial {trial.number}: {shown}")
        try_settings(run, table, trial, folder=folder / "students")
    done = next(one for one in study.trials() if one.number == trial.number)
    quality = "" if done.quality is None else f", {run.kept_by} {done.quality:.4f} on validation"
    say(f"adjust: trial {trial.number}: {done.state} after {done.epochs} epochs{quality}")
    return True


def _adjustment(run: RunFile, study: Study, wanted: str) -> Adjustment:
    target, _ = _stated(run)
    trials = pareto(study.trials())
    complete = [trial for trial in trials if trial.state == "complete"]
    best = max(complete, key=_quality, default=None)
    return Adjustment(
        fingerprint=wanted,
        student=searched_student(run).name,
        metric=target.metric,
        at_least=target.at_least,
        reached=reached(trials, target),
        best=None if best is None else best.number,
        trials=tuple(trials),
    )


def _quality(trial: Trial) -> float:
    complete = trial.state == "complete" and trial.quality is not None
    return trial.quality if complete and trial.quality is not None else -1.0


def _costs(trial: Trial) -> tuple[float, float, float]:
    return -_quality(trial), float(trial.parameters or 0), trial.latency_ms_batch_1 or 0.0


def _beats(one: Trial, other: Trial) -> bool:
    pairs = list(zip(_costs(one), _costs(other), strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

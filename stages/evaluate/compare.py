"""Students against their baselines over seeds: means, intervals, and a plain verdict."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.report import ModelResult, StudentSummary, Summary
from schemas.scores import TITLES
from stages.heads.metrics.classes import summarise

_NO_WIDTH = 1e-12


def compare(name: str, models: Sequence[ModelResult], teacher: ModelResult) -> StudentSummary:
    """Return one student's figures over seeds beside its baseline's.

    Args:
      name: the student's.
      models: its results, all seeds and roles.
      teacher: for the retention.
    """
    students = [model for model in models if model.role == "student"]
    baselines = {model.seed: model for model in models if model.role == "baseline"}
    pairs = [(one, baselines[one.seed]) for one in students if one.seed in baselines]
    metric = teacher.scores.headline
    differences = [
        one.scores.figures[metric] - other.scores.figures[metric] for one, other in pairs
    ]
    lift = summarise(differences) if pairs else None
    metrics = tuple(teacher.scores.figures)
    own, reference = _over_seeds(students, metric), teacher.scores.figures[metric]
    return StudentSummary(
        name=name,
        student={metric: _over_seeds(students, metric) for metric in (*metrics, "agreement")},
        baseline={metric: _over_seeds([b for _, b in pairs], metric) for metric in metrics}
        if pairs
        else None,
        retention=retained(own.mean, reference),
        metric=metric,
        lift=lift,
        helped=None if lift is None else lift.mean > 0 and is_settled(lift),
        verdict=verdict(name, lift, TITLES[metric]),
    )


def verdict(name: str, lift: Summary | None, metric: str = "accuracy") -> str:
    """Return one sentence that says whether distillation helped or hurt, as far as seeds tell.

    >>> verdict("bag", summarise([-0.01]))
    'bag: distillation may have hurt, one seed cannot settle it: -1.0 points of accuracy over the \
baseline (1 seed, no interval).'
    """
    if lift is None:
        return f"{name}: no baseline was trained, so nothing is said about distillation."
    alone = lift.half_width is None
    seeds = "1 seed, no interval" if alone else f"{len(lift.values)} seeds"
    interval = "" if lift.half_width is None else f" ± {100 * lift.half_width:.1f}"
    figure = f"{100 * lift.mean:+.1f}{interval} points of {metric} over the baseline ({seeds})"
    if abs(lift.mean) <= _NO_WIDTH:
        return f"{name}: distillation neither helped nor hurt: {figure}."
    done = "helped" if lift.mean > 0 else "hurt"
    if is_settled(lift):
        return f"{name}: distillation {done}: {figure}."
    unsettled = "one seed cannot settle it" if alone else "the seeds do not settle it"
    return f"{name}: distillation may have {done}, {unsettled}: {figure}."


def is_settled(lift: Summary) -> bool:
    """Return whether the interval has no 0; one without width settles nothing.

    Figures move by a whole row at a time, so that of a small split two seeds may well agree.
    """
    if lift.half_width is None or lift.half_width <= _NO_WIDTH:
        return False
    return abs(lift.mean) > lift.half_width


def _over_seeds(models: Sequence[ModelResult], metric: str) -> Summary:
    return summarise([model.scores.figures[metric] for model in models])


def retained(student: float, teacher: float) -> float:
    """Return a student's figure over its teacher's; 0 where that is none to retain.

    >>> retained(0.45, 0.9), retained(0.45, 0.0), retained(-1.0, -0.5)
    (0.5, 0.0, 0.0)
    """
    return student / teacher if teacher > 0 else 0.0

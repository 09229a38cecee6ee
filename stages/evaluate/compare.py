"""Students against their baselines over seeds: means, intervals, and a plain verdict."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.report import ModelResult, Scores, StudentSummary, Summary
from stages.evaluate.metrics import summarise

METRICS = ("accuracy", "precision_macro", "recall_macro", "f1_macro", "calibration_error")
SPAN_METRICS = ("span_precision", "span_recall", "span_f1")
NAMES = {"accuracy": "accuracy", "span_f1": "span F1"}


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
    metric = headline(teacher.scores)
    differences = [
        figure_of(one.scores, metric) - figure_of(other.scores, metric) for one, other in pairs
    ]
    lift = summarise(differences) if pairs else None
    metrics = (*METRICS, *(SPAN_METRICS if teacher.scores.spans is not None else ()))
    own, reference = _over_seeds(students, metric), figure_of(teacher.scores, metric)
    return StudentSummary(
        name=name,
        student={metric: _over_seeds(students, metric) for metric in (*metrics, "agreement")},
        baseline={metric: _over_seeds([b for _, b in pairs], metric) for metric in metrics}
        if pairs
        else None,
        retention=retained(own.mean, reference),
        metric=metric,
        lift=lift,
        helped=None if lift is None else _helped(lift),
        verdict=verdict(name, lift, NAMES[metric]),
    )


def verdict(name: str, lift: Summary | None, metric: str = "accuracy") -> str:
    """Return one sentence that says whether distillation helped.

    >>> verdict("bag", summarise([-0.01]))
    'bag: distillation did not help: -1.0 points of accuracy over the baseline (1 seed).'
    """
    if lift is None:
        return f"{name}: no baseline was trained, so nothing is said about distillation."
    seeds = f"{len(lift.values)} seed{'s' if len(lift.values) > 1 else ''}"
    interval = "" if lift.half_width is None else f" ± {100 * lift.half_width:.1f}"
    figure = f"{100 * lift.mean:+.1f}{interval} points of {metric} over the baseline ({seeds})"
    if lift.mean <= 0:
        return f"{name}: distillation did not help: {figure}."
    if _helped(lift):
        return f"{name}: distillation helped: {figure}."
    return f"{name}: distillation may have helped, the seeds do not settle it: {figure}."


def _helped(lift: Summary) -> bool:
    return lift.half_width is not None and lift.mean - lift.half_width > 0


def _over_seeds(models: Sequence[ModelResult], metric: str) -> Summary:
    return summarise([figure_of(model.scores, metric) for model in models])


def headline(scores: Scores) -> str:
    """Return the metric that verdict and retention are of: that of spans, where there are any."""
    return "accuracy" if scores.spans is None else "span_f1"


def figure_of(scores: Scores, metric: str) -> float:
    """Return one metric of a model's scores."""
    if metric in SPAN_METRICS:
        return float(getattr(scores.spans, metric.removeprefix("span_")))
    return float(getattr(scores, metric))


def retained(student: float, teacher: float) -> float:
    """Return a student's figure over its teacher's; 0 where that is 0.

    >>> retained(0.45, 0.9), retained(0.45, 0.0)
    (0.5, 0.0)
    """
    return student / teacher if teacher else 0.0

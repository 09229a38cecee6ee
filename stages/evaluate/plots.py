"""Plots of a report as inline SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from schemas.adjustment import Adjustment
from schemas.head_kinds import head_kinds, targets_of
from schemas.report import ModelResult, Report
from schemas.scores import TITLES, Scores

INK, TEACHER, STUDENT, BASELINE = "#22262b", "#3d4f8f", "#1b8a6b", "#c28a2c"
_MARKERS = "osD^v"
COLOURS = {"teacher": TEACHER, "student": STUDENT, "baseline": BASELINE}


def comparison(report: Report) -> str:
    """Return the main metric of teacher, students and baselines, a dot for every seed."""
    metric = report.teacher.scores.headline
    bars = [("teacher", "teacher", [report.teacher])]
    for summary in report.students:
        for role in ("student", "baseline"):
            found = [m for m in report.models if m.name == summary.name and m.role == role]
            if found:
                bars.append((f"{summary.name}\n{role}", role, found))
    figure, axes = _figure(1.2 + 1.3 * len(bars), 3.4)
    for place, (_, role, models) in enumerate(bars):
        values = [model.scores.figures[metric] for model in models]
        axes.bar(place, np.mean(values), width=0.62, color=COLOURS[role], alpha=0.85)
        axes.scatter([place] * len(values), values, color=INK, s=14, zorder=3)
        axes.annotate(
            f"{np.mean(values):.3f}",
            (place, max(values)),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
        )
    lowest = min(0.0, *(model.scores.figures[metric] for model in report.models))
    axes.set_ylim(lowest, 1.04)  # bars that start elsewhere overstate differences
    axes.set_xticks(range(len(bars)), [label for label, _, _ in bars])
    axes.set_ylabel(TITLES[metric])
    return _svg(figure, f"{TITLES[metric]} on the {report.split} split")


def training_curves(models: Sequence[ModelResult], metric: str) -> str:
    """Return a metric on validation, and the agreement, by epoch; one line a model.

    Where training does not measure the metric, what it measures instead is shown.
    """
    metric = _measured(models, metric)
    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, figure_name in ((left, f"val_{metric}"), (right, "val_agreement")):
        _style(axes)
        for model in models:
            values = [epoch[figure_name] for epoch in model.epochs if figure_name in epoch]
            label = model.role if model.seed == models[0].seed else None
            axes.plot(
                range(1, len(values) + 1), values, color=COLOURS[model.role], lw=1.4, label=label
            )
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_title(f"validation {figure_name.removeprefix('val_')}", fontsize=10)
    left.legend(frameon=False, loc="lower right")
    return _svg(figure, "Training curves")


def _measured(models: Sequence[ModelResult], metric: str) -> str:
    """Return the metric, or the first that keeps the weights of some kind of head, as measured."""
    found = {name for model in models for epoch in model.epochs for name in epoch}
    names = (metric, *(targets_of(kind)[0] for kind in head_kinds()))
    return next((name for name in names if f"val_{name}" in found), metric)


@rc_context({"text.parse_math": False})  # a class may be called $5
def confusion(scores: Scores, classes: Sequence[str], title: str) -> str:
    """Return a confusion matrix; rows are hard labels, shaded by share of the row."""
    counts = np.array(scores.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = min(9.0, 1.6 + 0.46 * len(classes))
    figure, axes = _figure(size, size)
    axes.imshow(shares, cmap="BuGn", vmin=0, vmax=1)
    if len(classes) <= 20:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.6 else INK
                axes.text(
                    column, row, str(count), ha="center", va="center", color=colour, fontsize=8
                )
        axes.set_xticks(range(len(classes)), classes, rotation=60, ha="right", fontsize=8)
        axes.set_yticks(range(len(classes)), classes, fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("hard label")
    return _svg(figure, title)


@rc_context({"text.parse_math": False})
def reliability(models: Sequence[tuple[str, ModelResult]]) -> str:
    """Return accuracy against confidence, of models by name; on the diagonal one is calibrated."""
    figure, axes = _figure(4.2, 3.8)
    axes.plot([0, 1], [0, 1], color="#b5bac0", lw=1, ls="--")
    for number, (name, model) in enumerate(models):
        bins = model.scores.bins
        axes.plot(
            [bin.confidence for bin in bins],
            [bin.accuracy for bin in bins],
            marker=_MARKERS[number // 2 % len(_MARKERS)],
            ms=3.5,
            lw=1.2,
            color=COLOURS[model.role],
            label=f"{name} (ECE {model.scores.figures['calibration_error']:.3f})",
        )
    axes.set_xlabel("confidence")
    axes.set_ylabel("accuracy")
    axes.legend(frameon=False, fontsize=8)
    return _svg(figure, "Reliability")


def pareto(found: Adjustment) -> str:
    """Return quality on validation by size and by latency, a dot for every complete trial."""
    complete = [trial for trial in found.trials if trial.state == "complete"]
    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    costs = (("parameters", "parameters"), ("latency_ms_batch_1", "ms for one text"))
    for axes, (name, label) in zip((left, right), costs, strict=True):
        _style(axes)
        points = sorted((getattr(trial, name), trial.quality, trial.pareto) for trial in complete)
        axes.scatter([x for x, _, _ in points], [y for _, y, _ in points], color=STUDENT, s=18)
        front = [(x, y) for x, y, best in points if best]
        axes.plot([x for x, _ in front], [y for _, y in front], color=INK, lw=1)
        axes.axhline(found.at_least, color=BASELINE, lw=1, ls="--")
        axes.set_xlabel(label)
        axes.set_ylabel(f"{found.metric} on validation")
    return _svg(figure, "Trials")


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    _style(axes)
    return figure, axes


def _style(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=9)


def _svg(figure: Figure, title: str) -> str:
    sink = io.StringIO()
    figure.savefig(sink, format="svg", metadata={"Date": None, "Title": title})
    text = sink.getvalue()
    return text[text.index("<svg") :]

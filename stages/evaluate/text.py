"""The report as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.export_card import ExportCard
from schemas.report import ModelResult, Report, Scores, Speed, Summary
from stages.evaluate.adjustment import verdict as adjustment_verdict
from stages.evaluate.columns import columns
from stages.evaluate.compare import figure_of, retained

_HEADS = ("model", "accuracy", "F1 macro", "agreement", "ECE", "retention")
_SPAN_HEADS = ("model", "span F1", "accuracy", "agreement", "ECE", "retention")
_COST_HEADS = ("parameters", "MB", "ms/1", "ex/s/64")


def results_text(report: Report) -> str:
    """Return teacher, students and baselines as aligned columns, then the verdicts."""
    heads = _HEADS if report.teacher.scores.spans is None else _SPAN_HEADS
    rows = [list(heads + _COST_HEADS), _teacher(report.teacher)]
    for summary in report.students:
        for role, figures in (("student", summary.student), ("baseline", summary.baseline)):
            models = [m for m in report.models if m.name == summary.name and m.role == role]
            if figures and models:
                rows.append(_row(f"{summary.name} {role}", figures, models[0], report.teacher))
    seeds = ", ".join(map(str, report.seeds))
    head = f"{report.name}: {report.teacher.scores.rows} {report.split} rows; seeds {seeds}"
    verdicts = [one.verdict for one in report.students]
    if report.adjustment is not None:
        verdicts.append(adjustment_verdict(report.adjustment))
    return "\n".join([head, *columns(rows), *verdicts])


def export_rows(
    exported: Sequence[tuple[str, ExportCard]], teacher: Speed | None = None
) -> list[list[str]]:
    """Return exports as rows of a table, with a head.

    Args:
      exported: name and card.
      teacher: its speed, for how many times faster each is; left out when None.
    """
    rows = [["student", "format", "MB", "ms/1", "agreement", "largest difference"]]
    rows[0] += ["times the teacher's speed, its tokenizer included"] if teacher else []
    for name, card in exported:
        size, time = f"{card.size_bytes / 1e6:.2f}", f"{card.milliseconds_a_text:.2f}"
        said = [f"{card.agreement:.3f}", f"{card.largest_difference:.1e}"]
        if teacher is not None:
            times = teacher.latency_ms_batch_1 / max(card.milliseconds_a_text, 1e-6)
            said.append(f"{times:.0f} ×")
        rows.append([name, card.format, size, time, *said])
    return rows


def interval(summary: Summary) -> str:
    """Return mean ± half-width of the 95 % interval.

    >>> interval(Summary(mean=0.5, half_width=0.01, values=(0.49, 0.51)))
    '0.500 ± 0.010'
    """
    if summary.half_width is None:
        return f"{summary.mean:.3f}"
    return f"{summary.mean:.3f} ± {summary.half_width:.3f}"


def _row(
    name: str, figures: dict[str, Summary], model: ModelResult, teacher: ModelResult
) -> list[str]:
    agreement = figures.get("agreement")
    metrics = _shown(teacher.scores)
    retention = retained(figures[metrics[0]].mean, figure_of(teacher.scores, metrics[0]))
    return [
        name,
        *(interval(figures[metric]) for metric in metrics),
        interval(agreement) if agreement else "-",
        interval(figures["calibration_error"]),
        f"{retention:.3f}",
        *_cost(model),
    ]


def _teacher(teacher: ModelResult) -> list[str]:
    scores = teacher.scores
    figures = [*(f"{figure_of(scores, metric):.3f}" for metric in _shown(scores)), "-"]
    return ["teacher", *figures, f"{scores.calibration_error:.3f}", "1.000", *_cost(teacher)]


def _shown(scores: Scores) -> tuple[str, str]:
    """Return the two metrics that are shown, the one of the verdict first."""
    return ("accuracy", "f1_macro") if scores.spans is None else ("span_f1", "accuracy")


def _cost(model: ModelResult) -> list[str]:
    size, speed = [f"{model.parameters:,}", f"{model.file_bytes / 1e6:.1f}"], model.speed
    if speed is None:
        return [*size, "-", "-"]
    times = [f"{speed.latency_ms_batch_1:.2f}", f"{speed.examples_per_second_batch_64:,.0f}"]
    return [*size, *times]

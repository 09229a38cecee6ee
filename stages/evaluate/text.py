"""The report as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.across import Across
from schemas.crossing import crossing_text
from schemas.export_card import ExportCard
from schemas.report import ModelResult, Report, Speed, Summary
from schemas.score_parts import ScopeScores
from schemas.scores import TITLES, Scores
from stages.evaluate.adjustment import verdict as adjustment_verdict
from stages.evaluate.columns import columns
from stages.evaluate.compare import retained
from stages.evaluate.costs import COST_HEADS, costs, spread_lines
from stages.heads.metrics.classes import summarise

INTERVALS = "± is a 95 % interval over the seeds"


def results_text(report: Report) -> str:
    """Return teacher, students and baselines as aligned columns, then the verdicts."""
    shown = [TITLES[metric] for metric in report.teacher.scores.shown]
    rows = [["model", *shown, "retention", *COST_HEADS], _teacher(report.teacher)]
    for summary in report.students:
        for role, figures in (("student", summary.student), ("baseline", summary.baseline)):
            models = [m for m in report.models if m.name == summary.name and m.role == role]
            if figures and models:
                rows.append(_row(f"{summary.name} {role}", figures, models[0], report.teacher))
    seeds = ", ".join(map(str, report.seeds))
    scores = report.teacher.scores
    head = f"{report.name}: {scores.rows} {report.split} {scores.lines}; seeds {seeds}"
    verdicts = [INTERVALS] if any("±" in cell for row in rows for cell in row) else []
    verdicts += [one.verdict for one in report.students]
    verdicts += [f"{name}: {said}" for name, said in (*scope_lines(report), *cut_lines(report))]
    verdicts += [*crossing_lines(report), *scarce_lines(report), *spread_lines(report)]
    if report.adjustment is not None:
        verdicts.append(adjustment_verdict(report.adjustment))
    return "\n".join([head, *columns(rows), *verdicts])


def scarce_lines(report: Report) -> list[str]:
    """Return which classes have no or few rows, and what that means for means over classes."""
    if not report.scarce:
        return []
    note = (
        "a class without a row in the split counts in the means, as 0, only for a model that "
        "predicts it"
    )
    return [*report.scarce, note]


_UNCOMPARED = (
    "the table is older than the rule that no view equals an input of validation or test, and was "
    "not compared: label into a new folder for figures that are surely not of texts learnt from"
)


def crossing_lines(report: Report) -> list[str]:
    """Return what is said of inputs that are in several splits, where there are some."""
    table = report.table
    lines = [Across.model_validate(table["across"]).said] if table.get("across") else []
    if table.get("crossing_inputs"):
        splits, left_out = table.get("crossing_splits", {}), table.get("crossing_left_out", 0)
        lines.insert(0, crossing_text(table["crossing_inputs"], splits, left_out=left_out))
    if table.get("views") and "crossing_inputs" not in table:
        lines.append(_UNCOMPARED)
    return lines


def cut_lines(report: Report) -> list[tuple[str, str]]:
    """Return which student does not see all of its inputs, and what of them; most over seeds."""
    cut: dict[str, int] = {}
    for model in report.models:
        cut[model.name] = max(cut.get(model.name, 0), model.cut)
    parts = report.teacher.scores.parts
    return [
        (name, f"{count} {parts} go beyond train.max_length and are cut there")
        for name, count in cut.items()
        if count
    ]


def scope_lines(report: Report) -> list[tuple[str, str]]:
    """Return who and what is said of rows out of scope, where there are any; means over seeds."""
    models: dict[str, list[ScopeScores]] = {}
    for model in (report.teacher, *report.models):
        scope = model.scores.scope if isinstance(model.scores, Scores) else None
        name = "teacher" if model.seed is None else f"{model.name} {model.role}"
        if scope is not None:
            models.setdefault(name, []).append(scope)
    return [(name, _scope(found)) for name, found in models.items()]


def _scope(found: Sequence[ScopeScores]) -> str:
    names = ("auc", "recall", "precision", "accuracy_inside")
    auc, recall, precision, inside = (
        interval(summarise([getattr(one, name) for one in found])) for name in names
    )
    return (
        f"{found[0].outside_rows} rows out of scope: AUC {auc}; recall {recall}, precision "
        f"{precision} and accuracy inside {inside} at the confidence tuned on validation"
    )


def export_rows(
    exported: Sequence[tuple[str, ExportCard]], teacher: Speed | None = None
) -> list[list[str]]:
    """Return exports as rows of a table, with a head.

    Args:
      exported: name and card.
      teacher: its speed, for how many times faster each is; left out when None.
    """
    rows = [["student", "format", "MB", "ms/1", "agreement", "largest difference"]]
    rows[0] += (
        ["times the teacher's speed, its tokenizer included, measured at another time"]
        if teacher
        else []
    )
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
    scores = teacher.scores
    own = figures[scores.headline].mean
    return [
        name,
        *(interval(figures[one]) if one in figures else "-" for one in scores.shown),
        f"{retained(own, scores.figures[scores.headline]):.3f}",
        *costs(model),
    ]


def _teacher(teacher: ModelResult) -> list[str]:
    figures = teacher.scores.figures
    shown = [f"{figures[one]:.3f}" if one in figures else "-" for one in teacher.scores.shown]
    return ["teacher", *shown, "1.000", *costs(teacher)]

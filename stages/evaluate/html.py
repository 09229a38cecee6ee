"""The report as one HTML file: nothing is loaded from elsewhere, no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from schemas.report import ModelResult, Report, StudentSummary, Summary
from schemas.score_parts import LabelClass
from schemas.scores import TITLES, LabelScores, Scores
from schemas.spans import TypeScores
from stages.evaluate import plots
from stages.evaluate.adjustment import adjustment_rows
from stages.evaluate.adjustment import verdict as adjustment_verdict
from stages.evaluate.compare import is_settled, retained
from stages.evaluate.costs import costs, gains, spread_lines, when_asked
from stages.evaluate.page import figure, page, table
from stages.evaluate.text import (
    crossing_lines,
    cut_lines,
    export_rows,
    interval,
    scarce_lines,
    scope_lines,
)


def render(report: Report) -> str:
    """Return the whole page."""
    body = [
        f"<h1>{escape(report.name)}</h1>",
        f'<p class="sub">{escape(subtitle(report))}</p>',
        *(_verdict(student) for student in report.students),
        _tiles(report),
        "<h2>Comparison</h2>",
        figure(plots.comparison(report), _comparison_caption(report)),
        results_table(report),
        *_speeds(report),
        *(_student_section(student, report) for student in report.students),
        *_adjustment(report),
        *_exports(report),
        *_scope(report),
        *_cut(report),
        *_crossing(report),
        *_scarce(report),
        *_thresholds(report),
        *_spans(report),
        *_calibration(report),
        "<h2>Where the rows came from</h2>",
        _counts(report),
    ]
    return page(f"{report.name}: distillation report", body)


def subtitle(report: Report) -> str:
    """Return one line on what was measured on what."""
    seeds = ", ".join(map(str, report.seeds))
    scores = report.teacher.scores
    classes = f"{len(report.classes)} classes, " if scores.bins else ""
    rows = f"{scores.rows} labelled {report.split} {scores.lines}, {classes}"
    if len(report.seeds) < 2:
        return f"{rows}one seed, {seeds}, so no intervals."
    return f"{rows}seeds {seeds}. Means over seeds with 95 % intervals."


def _comparison_caption(report: Report) -> str:
    return "Bars are means, dots are seeds." if len(report.seeds) > 1 else "Of one seed."


def results_table(report: Report) -> str:
    """Return the table of all figures, a row a model and role."""
    scores = report.teacher.scores
    detailed = [TITLES[metric] for metric in scores.detailed]
    heads = ["model", *detailed, TITLES["agreement"], "retention", TITLES[scores.shown[-1]]]
    heads += ["parameters", "file MB", "latency ms", "examples/s"]
    rows = [_teacher_row(report.teacher)]
    for summary in report.students:
        for role in ("student", "baseline"):
            models = _models(report, summary.name, role)
            figures = summary.student if role == "student" else summary.baseline
            if models and figures:
                rows.append(_row(f"{summary.name} {role}", figures, models, report.teacher))
    return table(heads, rows)


def _row(
    name: str,
    figures: dict[str, Summary],
    models: Sequence[ModelResult],
    teacher: ModelResult,
) -> list[str]:
    scores = teacher.scores
    agreement = figures.get("agreement")
    retention = retained(figures[scores.headline].mean, scores.figures[scores.headline])
    return [
        name,
        *(interval(figures[metric]) for metric in scores.detailed),
        interval(agreement) if agreement else "–",
        f"{retention:.3f}",
        interval(figures[scores.shown[-1]]),
        *costs(models[0], spread=True, none="–"),
    ]


def _teacher_row(teacher: ModelResult) -> list[str]:
    scores = teacher.scores
    figures = [f"{scores.figures[metric]:.3f}" for metric in scores.detailed]
    error = f"{scores.figures[scores.shown[-1]]:.3f}"
    return ["teacher", *figures, "–", "1.000", error, *costs(teacher, spread=True, none="–")]


def _speeds(report: Report) -> list[str]:
    if not spread_lines(report):
        return []
    said = (
        "Speed: medians, and in brackets the quartiles, of calls of all students and baselines in "
        "turns"
    )
    teacher = report.teacher.speed
    rest = "" if teacher is None else f"; the teacher's was {when_asked(teacher)}"
    return [f"<p>{said}{rest}.</p>"]


def _verdict(student: StudentSummary) -> str:
    kind = ""
    if student.lift is not None and is_settled(student.lift):
        kind = "yes" if student.helped else "no"
    return f'<p class="verdict {kind}">{escape(student.verdict)}</p>'


def _tiles(report: Report) -> str:
    scores = report.teacher.scores
    metric, shown = scores.headline, TITLES[scores.headline]
    tiles = [(f"teacher {shown}", f"{scores.figures[metric]:.3f}")]
    for student in report.students:
        model = _models(report, student.name, "student")[0]
        tiles += [
            (f"{student.name} {shown}", interval(student.student[metric])),
            (f"{student.name} retention", f"{student.retention:.3f}"),
            *gains(student.name, model, report.teacher),
        ]
    boxes = (f'<div class="tile"><b>{b}</b><span>{escape(a)}</span></div>' for a, b in tiles)
    return f'<div class="tiles">{"".join(boxes)}</div>'


def _student_section(student: StudentSummary, report: Report) -> str:
    models = [model for model in report.models if model.name == student.name]
    first = [model for model in models if model.seed == models[0].seed]
    figures = "".join(
        figure(plots.confusion(model.scores, report.classes, f"{model.role} confusion"), model.role)
        for model in [report.teacher, *first]
        if isinstance(model.scores, Scores)
    )
    shown = plots.training_curves(models, student.metric)
    curves = figure(shown, "Every seed; green student, ochre baseline.")
    training = f"<h2>{escape(student.name)}: training</h2>{curves}"
    if not figures:
        return training
    title = f"<h2>{escape(student.name)}: confusion</h2>"
    return f'{training}{title}<div class="row">{figures}</div>'


def _scope(report: Report) -> list[str]:
    lines = scope_lines(report)
    return ["<h2>Out of scope</h2>", table(["model", "found"], lines)] if lines else []


def _crossing(report: Report) -> list[str]:
    lines = crossing_lines(report)
    title = "<h2>Inputs in several splits</h2>"
    return [title, *(f"<p>{escape(line)}</p>" for line in lines)] if lines else []


def _cut(report: Report) -> list[str]:
    lines = cut_lines(report)
    return ["<h2>Cut</h2>", table(["student", "found"], lines)] if lines else []


def _scarce(report: Report) -> list[str]:
    lines = "<br>".join(map(escape, scarce_lines(report)))
    return ["<h2>Scarce classes</h2>", f"<p>{lines}</p>"] if lines else []


def _thresholds(report: Report) -> list[str]:
    """Return by class what each model needs to say it, and how well it then does."""
    models = [(name, model.scores) for name, model in _first_of_each(report)]
    found = [(role, scores.classes) for role, scores in models if isinstance(scores, LabelScores)]
    title = (
        "<h2>Classes</h2><p>First seed of each; thresholds come from validation where another "
        "split is scored.</p>"
    )
    return _by_name(title, ("class", "rows"), found, ("threshold", "f1"))


def _spans(report: Report) -> list[str]:
    """Return how well each model finds the spans of each type."""
    models = [(name, model.scores) for name, model in _first_of_each(report)]
    found = [(role, s.spans.types) for role, s in models if isinstance(s, Scores) and s.spans]
    title = "<h2>Types of span</h2><p>First seed of each.</p>"
    return _by_name(title, ("type", "spans"), found, ("precision", "recall", "f1"))


def _by_name(
    title: str,
    heads: tuple[str, str],
    found: Sequence[tuple[str, Sequence[LabelClass | TypeScores]]],
    figures: tuple[str, ...],
) -> list[str]:
    """Return a table of what models have some figures of, by name; nothing where none has."""
    said = ", ".join(name.replace("f1", "F1") for name in figures)
    rows = [
        [
            one.name,
            str(one.support),
            *(", ".join(f"{getattr(of[at], name):.3f}" for name in figures) for _, of in found),
        ]
        for at, one in enumerate(found[0][1] if found else ())
    ]
    every = [*heads, *(f"{role}: {said}" for role, _ in found)]
    return [title, table(every, rows)] if rows else []


def _calibration(report: Report) -> list[str]:
    models = _first_of_each(report)
    if not report.teacher.scores.bins:
        return []
    return ["<h2>Calibration</h2>", figure(plots.reliability(models), "First seed of each.")]


def _adjustment(report: Report) -> list[str]:
    found = report.adjustment
    if found is None:
        return []
    heads, *rows = adjustment_rows(found)
    return [
        "<h2>Adjustment</h2>",
        f"<p>{escape(adjustment_verdict(found))}</p>",
        figure(
            plots.pareto(found),
            "Every complete trial, measured when it ended; the line joins the Pareto front.",
        ),
        table(heads, rows),
    ]


def _exports(report: Report) -> list[str]:
    if not report.exports:
        return []
    named = [(f"{one.name} seed {one.seed}", one.card) for one in report.exports]
    heads, *rows = export_rows(named, report.teacher.speed)
    return ["<h2>Exports</h2>", table(heads, rows)]


def _counts(report: Report) -> str:
    rows = []
    for name, value in report.table.items():
        if isinstance(value, dict):
            value = ", ".join(f"{count} {part}" for part, count in value.items())
        rows.append([name.replace("_", " "), str(value)])
    return table(["count", "value"], rows)


def _models(report: Report, name: str, role: str) -> list[ModelResult]:
    return [model for model in report.models if model.name == name and model.role == role]


def _first_of_each(report: Report) -> list[tuple[str, ModelResult]]:
    """Return the teacher, and the first seed of each student and baseline, with what it is called.

    Where there is one student only, by its role alone.
    """
    alone = len({model.name for model in report.models}) < 2
    found: dict[str, ModelResult] = {"teacher": report.teacher}
    for model in report.models:
        found.setdefault(model.role if alone else f"{model.name} {model.role}", model)
    return list(found.items())

"""The report as one HTML file: nothing is loaded from elsewhere, no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from schemas.report import ModelResult, Report, StudentSummary, Summary
from schemas.score_parts import LabelClass
from schemas.scores import TITLES, LabelScores, Scores
from schemas.spans import TypeScores
from stages.evaluate import plots
from stages.evaluate.adjustment import adjustment_rows
from stages.evaluate.adjustment import verdict as adjustment_verdict
from stages.evaluate.compare import is_settled, retained
from stages.evaluate.text import cut_lines, export_rows, interval, scope_lines

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#22262b;background:#f6f7f8;margin:0}
main{max-width:62rem;margin:0 auto;padding:2rem 1.2rem 4rem}
h1{font-size:1.7rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
.sub{color:#667;margin:0 0 1.4rem}
.verdict{padding:.8rem 1rem;border-left:5px solid #c28a2c;background:#fff;margin:.5rem 0}
.verdict.yes{border-color:#1b8a6b}.verdict.no{border-color:#b23b3b}
.tiles{display:flex;gap:.8rem;flex-wrap:wrap}
.tile{background:#fff;padding:.7rem 1rem;border-radius:6px;min-width:7.5rem}
.tile b{display:block;font-size:1.35rem}.tile span{color:#667;font-size:.85rem}
table{border-collapse:collapse;background:#fff;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.4rem .6rem;text-align:right;border-bottom:1px solid #e6e8ea;font-size:.88rem}
th:first-child,td:first-child{text-align:left}
figure{background:#fff;margin:0;padding:.6rem;border-radius:6px;display:inline-block}
figure svg{max-width:100%;height:auto}.row{display:flex;gap:1rem;flex-wrap:wrap}
figcaption{color:#667;font-size:.85rem}
"""


def render(report: Report) -> str:
    """Return the whole page."""
    body = [
        f"<h1>{escape(report.name)}</h1>",
        f'<p class="sub">{escape(subtitle(report))}</p>',
        *(_verdict(student) for student in report.students),
        _tiles(report),
        "<h2>Comparison</h2>",
        _figure(plots.comparison(report), _comparison_caption(report)),
        results_table(report),
        *(_student_section(student, report) for student in report.students),
        *_adjustment(report),
        *_exports(report),
        *_scope(report),
        *_cut(report),
        *_thresholds(report),
        *_spans(report),
        *_calibration(report),
        "<h2>Where the rows came from</h2>",
        _counts(report),
    ]
    title = escape(f"{report.name}: distillation report")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><main>{''.join(body)}</main></html>"
    )


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
    return _table(heads, rows)


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
        *_cost(models[0]),
    ]


def _teacher_row(teacher: ModelResult) -> list[str]:
    scores = teacher.scores
    figures = [f"{scores.figures[metric]:.3f}" for metric in scores.detailed]
    error = f"{scores.figures[scores.shown[-1]]:.3f}"
    return ["teacher", *figures, "–", "1.000", error, *_cost(teacher)]


def _cost(model: ModelResult) -> list[str]:
    size, speed = [f"{model.parameters:,}", f"{model.file_bytes / 1e6:.1f}"], model.speed
    if speed is None:
        return [*size, "–", "–"]
    times = [f"{speed.latency_ms_batch_1:.2f}", f"{speed.examples_per_second_batch_64:,.0f}"]
    return [*size, *times]


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
            *_gains(student.name, model, report.teacher),
        ]
    boxes = (f'<div class="tile"><b>{b}</b><span>{escape(a)}</span></div>' for a, b in tiles)
    return f'<div class="tiles">{"".join(boxes)}</div>'


def _gains(name: str, model: ModelResult, teacher: ModelResult) -> list[tuple[str, str]]:
    """Return how much smaller and faster a student is, where the teacher's own is known."""
    gains = []
    if teacher.parameters:
        gains.append((f"{name} smaller", f"{teacher.parameters / model.parameters:.0f} ×"))
    if teacher.speed is not None and model.speed is not None:
        own, others = model.speed, teacher.speed
        faster = own.examples_per_second_batch_64 / others.examples_per_second_batch_64
        gains.append((f"{name} faster, batch 64", f"{faster:.0f} ×"))
    return gains


def _student_section(student: StudentSummary, report: Report) -> str:
    models = [model for model in report.models if model.name == student.name]
    first = [model for model in models if model.seed == models[0].seed]
    figures = "".join(
        _figure(
            plots.confusion(model.scores, report.classes, f"{model.role} confusion"), model.role
        )
        for model in [report.teacher, *first]
        if isinstance(model.scores, Scores)
    )
    shown = plots.training_curves(models, student.metric)
    curves = _figure(shown, "Every seed; green student, ochre baseline.")
    training = f"<h2>{escape(student.name)}: training</h2>{curves}"
    if not figures:
        return training
    title = f"<h2>{escape(student.name)}: confusion</h2>"
    return f'{training}{title}<div class="row">{figures}</div>'


def _scope(report: Report) -> list[str]:
    lines = scope_lines(report)
    return ["<h2>Out of scope</h2>", _table(["model", "found"], lines)] if lines else []


def _cut(report: Report) -> list[str]:
    lines = cut_lines(report)
    return ["<h2>Cut</h2>", _table(["student", "found"], lines)] if lines else []


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
    return [title, _table(every, rows)] if rows else []


def _calibration(report: Report) -> list[str]:
    models = _first_of_each(report)
    if not report.teacher.scores.bins:
        return []
    return ["<h2>Calibration</h2>", _figure(plots.reliability(models), "First seed of each.")]


def _adjustment(report: Report) -> list[str]:
    found = report.adjustment
    if found is None:
        return []
    heads, *rows = adjustment_rows(found)
    return [
        "<h2>Adjustment</h2>",
        f"<p>{escape(adjustment_verdict(found))}</p>",
        _figure(plots.pareto(found), "Every complete trial; the line joins the Pareto front."),
        _table(heads, rows),
    ]


def _exports(report: Report) -> list[str]:
    if not report.exports:
        return []
    named = [(f"{one.name} seed {one.seed}", one.card) for one in report.exports]
    heads, *rows = export_rows(named, report.teacher.speed)
    return ["<h2>Exports</h2>", _table(heads, rows)]


def _counts(report: Report) -> str:
    rows = []
    for name, value in report.table.items():
        if isinstance(value, dict):
            value = ", ".join(f"{count} {part}" for part, count in value.items())
        rows.append([name.replace("_", " "), str(value)])
    return _table(["count", "value"], rows)


def _table(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


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

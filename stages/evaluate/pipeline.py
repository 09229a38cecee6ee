"""Evaluate: score teacher, students and baselines on one split and write the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from schemas.adjustment import Adjustment
from schemas.errors import StudentError, first_line
from schemas.export_card import EXPORT_CARD_FILE, EXPORTED_FOLDER, ExportCard
from schemas.provenance import fingerprint
from schemas.report import Export, ModelResult, Report
from schemas.run_file import RunFile
from schemas.student_card import STUDENT_MODEL_FILE
from stages.evaluate.compare import compare
from stages.evaluate.judge import Judge
from stages.machine.atomic import remove_strays, write_whole
from stages.machine.cards import card_in
from stages.machine.progress import say, task
from stages.table.artefacts import read_measures
from stages.table.class_rows import rows_in_table, scarce
from stages.table.opening import SoftLabelTable
from stages.train.pipeline import trained_card
from stages.train.plan import StudentPlan

if TYPE_CHECKING:
    from stages.evaluate.predict import StudentPredictor

REPORT_FOLDER = "report"
REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
_SPEED_TEXTS = 256


def evaluate(
    run: RunFile,
    table: SoftLabelTable,
    plans: Sequence[StudentPlan],
    *,
    out: Path,
    adjustment: Adjustment | None = None,
) -> Report:
    """Score every model of a run and write `report.json` and `report.html`, unless they are there.

    `adjustment` is the search that found the students' settings, where there was one.

    Raises:
      TableError: the split has no labelled row, or the artefacts are missing.
      StudentError: a student is missing; run `train`.
    """
    folder = out / REPORT_FOLDER
    exports = _exports(plans)
    wanted = _fingerprint(run, table, plans, [adjustment, *exports])
    report = read_report(folder)
    if report is not None and report.fingerprint == wanted and (folder / REPORT_HTML).is_file():
        say(f"evaluate: nothing to do, {folder} is up to date")
        return report
    report = _measure(run, table, plans, wanted)
    report = report.model_copy(update={"adjustment": adjustment, "exports": exports})
    from stages.evaluate.html import render

    remove_strays(folder)
    write_whole(folder / REPORT_HTML, render(report).encode())
    write_whole(folder / REPORT_JSON, report.model_dump_json(indent=2).encode())
    say(f"evaluate: wrote {folder / REPORT_HTML}")
    return report


def read_report(folder: Path) -> Report | None:
    """Return the report in a folder, or None where there is none of this version."""
    try:
        return card_in(folder / REPORT_JSON, Report)
    except (OSError, ValueError):
        return None


def _fingerprint(
    run: RunFile,
    table: SoftLabelTable,
    plans: Sequence[StudentPlan],
    beside: Sequence[BaseModel | None],
) -> str:
    stated: dict[str, object] = {} if run.target is None else {"judged_by": run.target.metric}
    if run.evaluate.keep_to_tags:
        stated["teacher_tags"] = "kept"  # not of reports that compared with its likeliest
    return fingerprint(
        {
            **stated,
            "table": table.card.plan_fingerprint,
            "students": [[plan.name, plan.fingerprint] for plan in plans],
            "evaluate": run.evaluate.model_dump(mode="json"),
            "name": run.name,
            "means": "over classes that occur",  # not of reports that counted others as 0
            "beside": [one.model_dump(mode="json") for one in beside if one is not None],
        }
    )


def _exports(plans: Sequence[StudentPlan]) -> tuple[Export, ...]:
    """Return what was exported of the students as they are planned."""
    found = []
    for plan in plans:
        for path in sorted((plan.path / EXPORTED_FOLDER).glob(f"*/{EXPORT_CARD_FILE}")):
            card = _export_card(path)
            if card.student_fingerprint == plan.fingerprint:
                found.append(Export(name=plan.student.name, seed=plan.seed, card=card))
    return tuple(found)


def _export_card(path: Path) -> ExportCard:
    try:
        return card_in(path, ExportCard)
    except (OSError, ValueError) as error:
        raise StudentError(
            f"export's card cannot be read: {path}: {first_line(error)}. Remove {path.parent}, and "
            "run `export` again."
        ) from error


def _measure(
    run: RunFile, table: SoftLabelTable, plans: Sequence[StudentPlan], wanted: str
) -> Report:
    judge = Judge(run, table)
    teacher, models = _teacher_result(table, judge), _student_results(run, plans, judge)
    names = dict.fromkeys(plan.student.name for plan in plans)
    scarce_classes, across = scarce(rows_in_table(table), run.head), table.card.across
    return Report(
        fingerprint=wanted,
        name=run.name,
        split=run.evaluate.split,
        classes=run.head.classes,
        seeds=run.train.seeds,
        table={
            "version": table.version,
            **table.card.counts.model_dump(mode="json"),
            **({} if across is None else {"across": across.model_dump(mode="json")}),
        },
        teacher=teacher,
        models=models,
        students=tuple(
            compare(name, [model for model in models if model.name == name], teacher)
            for name in names
        ),
        scarce=tuple(scarce_classes),
    )


def _teacher_result(table: SoftLabelTable, judge: Judge) -> ModelResult:
    measures = read_measures(table)
    return ModelResult(
        name="teacher",
        role="teacher",
        seed=None,
        scores=judge.teacher(),
        parameters=measures.parameters,
        file_bytes=measures.file_bytes,
        speed=measures.speed,
        cut=0,
    )


def _student_results(
    run: RunFile, plans: Sequence[StudentPlan], judge: Judge
) -> tuple[ModelResult, ...]:
    """Return what every student and baseline is worth, and their speed, measured in turns.

    Memory: all of them at once.
    """
    from stages.evaluate.predict import StudentPredictor
    from stages.evaluate.speed import measure_in_turns

    found, asked = [], []
    with task("evaluate", total=len(plans), unit="students") as advance:
        for plan in plans:
            predictor = StudentPredictor(plan.path, trained_card(plan))
            found.append(_student_result(plan, predictor, judge))
            asked.append(predictor.answers)
            advance(len(found), plan.name)
    inputs, calls = judge.rows.inputs[:_SPEED_TEXTS], run.evaluate.latency_calls
    speeds = measure_in_turns(asked, inputs, calls=calls)
    return tuple(
        one.model_copy(update={"speed": speed}) for one, speed in zip(found, speeds, strict=True)
    )


def _student_result(plan: StudentPlan, predictor: StudentPredictor, judge: Judge) -> ModelResult:
    card = trained_card(plan)
    scores = judge.student(predictor.answers)
    return ModelResult(
        name=plan.student.name,
        role=plan.role,
        seed=plan.seed,
        scores=scores,
        parameters=card.parameters,
        file_bytes=(plan.path / STUDENT_MODEL_FILE).stat().st_size,
        speed=None,
        epochs=card.epochs,
        cut=predictor.cut(judge.rows.inputs),
    )

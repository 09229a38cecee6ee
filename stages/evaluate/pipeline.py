"""Evaluate: score teacher, students and baselines on one split and write the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from schemas.adjustment import Adjustment
from schemas.errors import TableError
from schemas.export_card import EXPORT_CARD_FILE, EXPORTED_FOLDER, ExportCard
from schemas.provenance import fingerprint
from schemas.report import Export, ModelResult, Report
from schemas.run_file import RunFile
from schemas.scores import AnyScores
from schemas.student_card import STUDENT_MODEL_FILE
from stages.artefacts import read_measures
from stages.atomic import write_whole
from stages.codec import decode
from stages.columns import Labels, has_label, labels_by_line, repeats
from stages.evaluate.compare import compare
from stages.evaluate.decoding import constrained
from stages.evaluate.label_metrics import tuned_thresholds
from stages.evaluate.scoring import score_rows
from stages.progress import say, task
from stages.row_logits import RowLogits
from stages.table import SoftLabelTable
from stages.train.pipeline import trained_card
from stages.train.plan import StudentPlan

REPORT_FOLDER = "report"
REPORT_JSON = "report.json"
REPORT_HTML = "report.html"


@dataclass(frozen=True)
class HeldOut:
    """The rows that everything is scored on: inputs, labels by line, and the teacher's answers."""

    inputs: list[Any]
    labels: Labels
    teacher: RowLogits


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

    write_whole(folder / REPORT_HTML, render(report).encode())
    write_whole(folder / REPORT_JSON, report.model_dump_json(indent=2).encode())
    say(f"evaluate: wrote {folder / REPORT_HTML}")
    return report


def read_report(folder: Path) -> Report | None:
    """Return the report in a folder, or None where there is none of this version."""
    try:
        return Report.model_validate_json((folder / REPORT_JSON).read_bytes())
    except (OSError, ValueError):
        return None


def held_out(run: RunFile, table: SoftLabelTable, split: str) -> HeldOut:
    """Return the rows of a split, of which some are labelled; repeats count as the run file says.

    Raises:
      TableError: there is none.
    """
    head, feature = table.card.head, table.card.features[0]
    layout = table.card.layout
    columns = ["input_digest", feature, head.label_column, *layout.logit_columns]
    rows = table.read(split, columns)
    if run.corpus.repeats == "once":
        rows = rows.filter(pa.array(~repeats(rows, head.label_column)))
    labels = labels_by_line(rows, layout)
    if not has_label(labels).any():
        raise TableError(
            f"no labelled row in split {split!r}: {table.path}. Mend the corpus's "
            "split, or evaluate another one."
        )
    return HeldOut(rows[feature].to_pylist(), labels, decode(rows, layout))


def _fingerprint(
    run: RunFile,
    table: SoftLabelTable,
    plans: Sequence[StudentPlan],
    beside: Sequence[BaseModel | None],
) -> str:
    return fingerprint(
        {
            "table": table.card.plan_fingerprint,
            "students": [[plan.name, plan.fingerprint] for plan in plans],
            "evaluate": run.evaluate.model_dump(mode="json"),
            "name": run.name,
            "beside": [one.model_dump(mode="json") for one in beside if one is not None],
        }
    )


def _exports(plans: Sequence[StudentPlan]) -> tuple[Export, ...]:
    """Return what was exported of the students as they are planned."""
    found = []
    for plan in plans:
        for path in sorted((plan.path / EXPORTED_FOLDER).glob(f"*/{EXPORT_CARD_FILE}")):
            card = ExportCard.model_validate_json(path.read_bytes())
            if card.student_fingerprint == plan.fingerprint:
                found.append(Export(name=plan.student.name, seed=plan.seed, card=card))
    return tuple(found)


def _measure(
    run: RunFile, table: SoftLabelTable, plans: Sequence[StudentPlan], wanted: str
) -> Report:
    data = held_out(run, table, run.evaluate.split)
    tuning = _tuning(run, table)
    teacher = _teacher_result(run, table, data, tuning)
    models = []
    with task("evaluate", total=len(plans), unit="students") as advance:
        for plan in plans:
            models.append(_student_result(run, plan, data, tuning))
            advance(len(models), plan.name)
    names = dict.fromkeys(plan.student.name for plan in plans)
    return Report(
        fingerprint=wanted,
        name=run.name,
        split=run.evaluate.split,
        classes=run.head.classes,
        seeds=run.train.seeds,
        table={"version": table.version, **table.card.counts.model_dump(mode="json")},
        teacher=teacher,
        models=tuple(models),
        students=tuple(
            compare(name, [model for model in models if model.name == name], teacher)
            for name in names
        ),
    )


def _tuning(run: RunFile, table: SoftLabelTable) -> HeldOut | None:
    """Return the rows that thresholds of classes are tuned on; None where there are none."""
    if run.head.kind != "sigmoid" or run.evaluate.split == "validation":
        return None
    try:
        return held_out(run, table, "validation")
    except TableError:
        return None


def _thresholds(tuning: HeldOut | None, answers: RowLogits | None) -> list[float] | None:
    if tuning is None or answers is None:
        return None
    return tuned_thresholds(answers.values, tuning.labels)


def _scores(
    run: RunFile,
    data: HeldOut,
    answers: RowLogits,
    *,
    teacher: RowLogits | None = None,
    thresholds: list[float] | None = None,
    teacher_thresholds: list[float] | None = None,
) -> AnyScores:
    predicted = None
    if run.evaluate.keep_to_tags and run.head.tags is not None:
        predicted = constrained(answers, run.head.classes, run.head.tags)
    return score_rows(
        answers,
        data.labels,
        head=run.head,
        bins=run.evaluate.calibration_bins,
        teacher=teacher,
        predicted=predicted,
        thresholds=thresholds,
        teacher_thresholds=teacher_thresholds,
    )


def _teacher_result(
    run: RunFile, table: SoftLabelTable, data: HeldOut, tuning: HeldOut | None
) -> ModelResult:
    measures = read_measures(table)
    thresholds = _thresholds(tuning, tuning and tuning.teacher)
    return ModelResult(
        name="teacher",
        role="teacher",
        seed=None,
        scores=_scores(run, data, data.teacher, thresholds=thresholds),
        parameters=measures.parameters,
        file_bytes=measures.file_bytes,
        speed=measures.speed,
    )


def _student_result(
    run: RunFile, plan: StudentPlan, data: HeldOut, tuning: HeldOut | None
) -> ModelResult:
    from stages.evaluate.predict import StudentPredictor
    from stages.evaluate.speed import measure_speed

    card = trained_card(plan)
    predictor = StudentPredictor(plan.path, card)
    scores = _scores(
        run,
        data,
        predictor.answers(data.inputs),
        teacher=data.teacher,
        thresholds=_thresholds(tuning, tuning and predictor.answers(tuning.inputs)),
        teacher_thresholds=_thresholds(tuning, tuning and tuning.teacher),
    )
    speed = measure_speed(predictor.answers, data.inputs[:256], calls=run.evaluate.latency_calls)
    return ModelResult(
        name=plan.student.name,
        role=plan.role,
        seed=plan.seed,
        scores=scores,
        parameters=card.parameters,
        file_bytes=(plan.path / STUDENT_MODEL_FILE).stat().st_size,
        speed=speed,
        epochs=card.epochs,
    )

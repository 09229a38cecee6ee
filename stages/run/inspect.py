"""Say what a folder holds: a table, a teacher, a student or a report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from schemas.errors import PipelineError, TableError, first_line
from schemas.multi_task_card import MEAN_FIGURE, MULTI_TASK_CARD_FILE
from schemas.quality import MOST_CANDIDATES, AnyQuality, RuntimeCheck, SplitQuality, TeacherQuality
from schemas.report import Report
from schemas.scores import TITLES, Figures
from schemas.soft_labels import CombinedTeacher, Counts, TableCard
from schemas.student_card import STUDENT_CARD_FILE
from schemas.teacher_card import CARD_FILE
from stages.evaluate.pipeline import REPORT_FOLDER, REPORT_JSON
from stages.evaluate.text import results_text
from stages.machine.cards import card_in
from stages.machine.listing import first_few
from stages.networks.kept_epoch import kept_epoch
from stages.table.class_rows import rows_in_card, rows_in_scores, scarce, scarce_in
from stages.table.opening import JoinedTable, SoftLabelTable, open_version
from stages.teachers.folder import read_card
from stages.train.multi_task.pipeline import read_multi_task_card
from stages.train.student_cards import read_student_card


def inspect_folder(folder: Path, *, as_json: bool) -> str:
    """Return a description of a folder, for people or as JSON.

    Raises:
      PipelineError: it holds nothing that is known here, or what it holds is damaged.
    """
    for mark, describe in _DESCRIBERS.items():
        if (folder / mark).exists():
            data, text = describe(folder)
            return json.dumps(data, indent=2) if as_json else text
    if not folder.exists():
        raise PipelineError(
            f"nothing to inspect: {folder}: there is no such folder. Mend the path."
        )
    known = ", ".join(_DESCRIBERS)
    raise PipelineError(f"nothing to inspect: {folder}: found none of {known}. Mend the path.")


Description = tuple[dict[str, Any], str]
_KEPT_BY = (  # where a card does not say which
    "val_auc",  # it is counted only where it decides
    "val_span_f1",
    "val_overlap_f1",
    "val_f1_micro",
    "val_r2",
    "val_accuracy",
    "val_agreement",
)


def _table(folder: Path) -> Description:
    table = open_version(folder)
    return _joined(table) if isinstance(table, JoinedTable) else _of_one_head(table)


def _version(table: JoinedTable | SoftLabelTable) -> tuple[dict[str, Any], int]:
    """Return what is known of a version, and the bytes of its files."""
    size = sum(shard.size_bytes for shard in table.shards)
    card = table.card.model_dump(mode="json")
    return {
        "version": table.version,
        "size_bytes": size,
        "shards": len(table.shards),
        **card,
    }, size


def _joined(table: JoinedTable) -> Description:
    (data, size), counts = _version(table), table.card.counts
    rows = [
        ["soft-label table", f"{table.path}, of {len(table.card.parts)} heads"],
        ["version", str(table.version)],
        ["rows", f"{counts.rows} ({_splits(counts.split_rows)})"],
        ["views", str(counts.views)],
        ["rows of several heads", str(counts.shared_rows)],
        ["inputs in several splits", str(counts.crossing_inputs)],
        ["shards", f"{len(table.shards)} files, {size} bytes"],
        ["plan", table.card.plan_fingerprint],
    ]
    texts = [columns_left(rows)]
    texts += [["", *columns_left(_rows_of_head(part))] for part in table.card.parts]
    return data, "\n".join(chain.from_iterable(texts))


def _of_one_head(table: SoftLabelTable) -> Description:
    data, size = _version(table)
    each = size / max(1, table.card.counts.rows)
    rows = [
        ["soft-label table", str(table.path)],
        ["version", str(table.version)],
        *_rows_of_head(table.card),
        ["shards", f"{len(table.shards)} files, {size} bytes"],
        ["bytes per row", f"{each:.1f} ({table.card.encoding} logits)"],
    ]
    return data, "\n".join(columns_left(rows))


def _rows_of_head(card: TableCard) -> list[list[str]]:
    """Return what is said of one head's rows: how many, what they cost, how good the teacher is."""
    counts = card.counts
    return [
        ["head", f"{card.head.name}: {first_few(card.head.classes)}"],
        ["rows", f"{counts.rows} ({_splits(counts.split_rows)})"],
        ["views", _views(counts)],
        ["inputs in several splits", _crossing(counts)],
        *([["held out in another task", card.across.said]] if card.across else []),
        ["distinct inputs", str(counts.distinct_inputs)],
        ["teacher calls", f"{counts.teacher_calls} in {counts.teacher_seconds:.1f} s"],
        ["reused", f"{counts.reused_inputs} ({counts.teacher_seconds_saved:.1f} s saved)"],
        ["removed", str(counts.removed_inputs)],
        ["truncated", str(counts.truncated)],
        ["quarantined", str(counts.quarantined)],
        *_quality(card.quality),
        *(["scarce", line] for line in scarce(rows_in_card(card), card.head)),
        *_runtime(card.runtime_check),
        *_teachers(card.teachers),
        ["teacher", card.teacher_fingerprint],
        ["plan", card.plan_fingerprint],
    ]


def _views(counts: Counts) -> str:
    left_out = counts.views_left_out
    return f"{counts.views}, {left_out} left out" if left_out else str(counts.views)


def _crossing(counts: Counts) -> str:
    """Return how many inputs are in several splits; a table of before does not know."""
    if counts.crossing_inputs is None:
        return "not counted"
    return counts.crossing_said or "0"


def _quality(quality: TeacherQuality | None) -> list[list[str]]:
    """Return the teacher on the hard labels: by split, by class of the first, and doubtful rows."""
    if quality is None:
        return []
    rows = [[f"teacher on {split}", _figures(found)] for split, found in quality.splits.items()]
    for found in list(quality.splits.values())[:1]:
        rows += [
            [
                f"  {one.name}",
                f"precision {one.precision:.3f}, recall {one.recall:.3f}, F1 {one.f1:.3f} "
                f"({one.support} rows)"
                if one.support
                else "no row",
            ]
            for one in getattr(found, "classes", ())
        ]
    if len(quality.noise_candidates) == MOST_CANDIDATES:
        rows.append(["label in doubt", f"{MOST_CANDIDATES} or more; these are the least likely"])
    rows += [
        [
            "label in doubt",
            f"{one.source_file} row {one.source_row}: {one.label}, teacher says {one.teacher_says} "
            f"(p of the label {one.probability:.1e})",
        ]
        for one in quality.noise_candidates
    ]
    return rows


def _figures(found: AnyQuality) -> str:
    if not isinstance(found, SplitQuality):
        return f"{_listed(found)} ({found.rows} rows)"
    return (
        f"accuracy {found.accuracy:.4f}, F1 {found.f1_macro:.4f}, ECE "
        f"{found.calibration_error:.4f}, NLL {found.nll_nats:.4f}, calibrated by temperature "
        f"{found.calibrating_temperature:.2f} ({found.rows} rows)"
    )


def _listed(scores: Figures) -> str:
    return ", ".join(f"{TITLES[name]} {value:.4f}" for name, value in scores.figures.items())


def _teachers(teachers: tuple[CombinedTeacher, ...]) -> list[list[str]]:
    if not teachers:
        return []
    rows = [
        f"  weight {one.weight:.3f}, {one.missing_rows} rows missing: {one.teacher_fingerprint}"
        for one in teachers
    ]
    return [["teacher is", f"mean of {len(teachers)} teachers"], *(["", row] for row in rows)]


def _runtime(check: RuntimeCheck | None) -> list[list[str]]:
    if check is None:
        return []
    said = (
        f"{check.runtime}: {check.times_as_fast:.2f} times as fast, largest difference of a logit "
    )
    return [["runtime", f"{said}{check.largest_difference:.1e} on {check.inputs} inputs"]]


def _teacher(folder: Path) -> Description:
    card = read_card(folder)
    rows = [["teacher", str(folder)], ["classes", first_few(card.classes)]]
    rows += [
        [split, f"{_listed(scores)} ({scores.rows} {scores.lines})"]
        for split, scores in card.scores.items()
    ]
    for split, scores in card.scores.items():
        found = {split: rows_in_scores(scores, card.classes)}
        rows += [["scarce", line] for line in scarce_in(found, unit=scores.lines)]
    return card.model_dump(mode="json"), "\n".join(columns_left(rows))


def _student(folder: Path) -> Description:
    card = read_student_card(folder)
    names = _KEPT_BY if card.kept_by is None else (card.kept_by,)
    figures = {name: [one[name] for one in card.epochs if name in one] for name in names}
    decisive = [name for name, values in figures.items() if len(values) == len(card.epochs) > 0]
    rows = [
        ["student", str(folder)],
        ["kind", f"{card.student.kind} ({card.role}, seed {card.seed})"],
        ["parameters", str(card.parameters)],
        ["epochs", str(len(card.epochs))],
        *chain.from_iterable(
            _best_epoch(card.epochs, name)[: 2 if card.kept_by else 1] for name in decisive[:1]
        ),
    ]
    return card.model_dump(mode="json"), "\n".join(columns_left(rows))


def _best_epoch(epochs: Sequence[dict[str, float]], figure: str) -> list[list[str]]:
    """Return the best figure, and which epoch has it."""
    number = kept_epoch(epochs, figure)
    last = " (the last: more may do better)" if number == len(epochs) - 1 else ""
    name = figure.replace("val_", "validation ")
    value = f"{epochs[number][figure]:.4f}"
    return [[f"best {name}", value], ["best epoch", f"{number + 1} of {len(epochs)}{last}"]]


def _multi_task_student(folder: Path) -> Description:
    card = read_multi_task_card(folder)
    measured = card.epochs and all(MEAN_FIGURE in epoch for epoch in card.epochs)
    rows = [
        ["student", str(folder)],
        ["kind", f"{card.student.kind} ({card.role}, seed {card.seed})"],
        *(
            [f"task {name}", f"{head.kind} per {head.per}, {len(head.classes)} classes"]
            for name, head in card.tasks.items()
        ),
        ["parameters", str(card.parameters)],
        ["epochs", str(len(card.epochs))],
        *(_best_epoch(card.epochs, MEAN_FIGURE) if measured else ()),
    ]
    return card.model_dump(mode="json"), "\n".join(columns_left(rows))


def _report(folder: Path) -> Description:
    try:
        report = card_in(folder / REPORT_JSON, Report)
    except (OSError, ValueError) as error:
        raise TableError(
            f"report cannot be read: {folder / REPORT_JSON}: {first_line(error)}. Run `evaluate` "
            "again."
        ) from error
    return report.model_dump(mode="json"), results_text(report)


def _run(folder: Path) -> Description:
    return _report(folder / REPORT_FOLDER)


def columns_left(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return name and value pairs as lines, both left-aligned."""
    width = max(len(name) for name, _ in rows)
    return [f"{name.ljust(width)}  {value}" for name, value in rows]


def _splits(rows: dict[str, int]) -> str:
    return ", ".join(f"{count} {split}" for split, count in rows.items() if count)


_DESCRIBERS: dict[str, Callable[[Path], Description]] = {
    "_delta_log": _table,
    CARD_FILE: _teacher,
    STUDENT_CARD_FILE: _student,
    MULTI_TASK_CARD_FILE: _multi_task_student,
    REPORT_JSON: _report,
    f"{REPORT_FOLDER}/{REPORT_JSON}": _run,
}

"""Say what a folder holds: a table, a teacher, a student or a report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from schemas.errors import PipelineError, TableError
from schemas.student_card import STUDENT_CARD_FILE
from schemas.teacher_card import CARD_FILE
from stages.evaluate.pipeline import REPORT_FOLDER, REPORT_JSON, read_report
from stages.evaluate.text import results_text
from stages.table import open_table
from stages.teacher_folder import read_card
from stages.train.pipeline import read_student_card


def inspect_folder(folder: Path, *, as_json: bool) -> str:
    """Return a description of a folder, for people or as JSON.

    Raises:
      PipelineError: it holds nothing that is known here, or what it holds is damaged.
    """
    for mark, describe in _DESCRIBERS.items():
        if (folder / mark).exists():
            data, text = describe(folder)
            return json.dumps(data, indent=2) if as_json else text
    known = ", ".join(_DESCRIBERS)
    raise PipelineError(f"nothing to inspect: {folder}: found none of {known}. Mend the path.")


Description = tuple[dict[str, Any], str]


def _table(folder: Path) -> Description:
    table = open_table(folder)
    card = table.card.model_dump(mode="json")
    size = sum(shard.size_bytes for shard in table.shards)
    data = {"version": table.version, "size_bytes": size, "shards": len(table.shards), **card}
    counts = table.card.counts
    rows = [
        ["soft-label table", str(folder)],
        ["version", str(table.version)],
        ["rows", f"{counts.rows} ({_splits(counts.split_rows)})"],
        ["distinct inputs", str(counts.distinct_inputs)],
        ["teacher calls", f"{counts.teacher_calls} in {counts.teacher_seconds:.1f} s"],
        ["reused", f"{counts.reused_inputs} ({counts.teacher_seconds_saved:.1f} s saved)"],
        ["removed", str(counts.removed_inputs)],
        ["truncated", str(counts.truncated)],
        ["head", f"{table.card.head.name}: {', '.join(table.card.head.classes[:12])}"],
        ["shards", f"{len(table.shards)} files, {size} bytes"],
        ["bytes per row", f"{size / max(1, counts.rows):.1f} ({table.card.precision} logits)"],
        ["teacher", table.card.teacher_fingerprint],
        ["plan", table.card.plan_fingerprint],
    ]
    return data, "\n".join(columns_left(rows))


def _teacher(folder: Path) -> Description:
    card = read_card(folder)
    rows = [["teacher", str(folder)], ["classes", ", ".join(card.classes[:12])]]
    rows += [
        [f"{split} accuracy", f"{scores.accuracy:.4f} ({scores.rows} rows)"]
        for split, scores in card.scores.items()
    ]
    return card.model_dump(mode="json"), "\n".join(columns_left(rows))


def _student(folder: Path) -> Description:
    card = read_student_card(folder)
    best = max(card.epochs, key=lambda epoch: epoch.get("val_accuracy", 0.0))
    rows = [
        ["student", str(folder)],
        ["kind", f"{card.student.kind} ({card.role}, seed {card.seed})"],
        ["parameters", str(card.parameters)],
        ["epochs", str(len(card.epochs))],
        ["best validation accuracy", f"{best.get('val_accuracy', 0.0):.4f}"],
    ]
    return card.model_dump(mode="json"), "\n".join(columns_left(rows))


def _report(folder: Path) -> Description:
    report = read_report(folder)
    if report is None:
        raise TableError(f"report cannot be read: {folder / REPORT_JSON}. Run `evaluate` again.")
    return report.model_dump(mode="json"), results_text(report)


def _run(folder: Path) -> Description:
    return _report(folder / REPORT_FOLDER)


def columns_left(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return name and value pairs as lines, both left-aligned."""
    width = max(len(name) for name, _ in rows)
    return [f"{name.ljust(width)}  {value}" for name, value in rows]


def _splits(rows: dict[str, int]) -> str:
    return ", ".join(f"{count} {split}" for split, count in rows.items())


_DESCRIBERS: dict[str, Callable[[Path], Description]] = {
    "_delta_log": _table,
    CARD_FILE: _teacher,
    STUDENT_CARD_FILE: _student,
    REPORT_JSON: _report,
    f"{REPORT_FOLDER}/{REPORT_JSON}": _run,
}

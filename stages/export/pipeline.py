"""Export: write a student in a format, ask it again in a clean process, keep what it said."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from schemas.errors import BusyError, StudentError, first_line
from schemas.export_card import EXPORT_CARD_FILE, EXPORTED_FOLDER, ExportCard
from schemas.export_formats import FROM_STRINGS, ExportFormat
from schemas.student_card import StudentCard
from schemas.teacher_card import VOCABULARY_FILE
from stages.evaluate.predict import StudentPredictor
from stages.export.compare import Compared, compared, loaded
from stages.export.decisions import Decisions, decisions
from stages.export.writers import WRITERS
from stages.inputs.find import student_inputs
from stages.machine.atomic import write_whole
from stages.machine.own_folders import folder_alone
from stages.machine.progress import say
from stages.table.opening import SoftLabelTable
from stages.train.pipeline import trained_card
from stages.train.plan import StudentPlan


def export(
    plans: Iterable[StudentPlan],
    table: SoftLabelTable,
    *,
    formats: Sequence[ExportFormat],
    once: bool = False,
) -> Iterator[tuple[str, ExportCard]]:
    """Yield the name and card of every trained student of some plans in every format.

    Args:
      plans: of students, which are exported, and of baselines, which are not.
      table: whose test split both are asked about.
      formats: to write.
      once: whether the run counts equal rows once, as `corpus.repeats` says.

    Raises:
      StudentError: a student is not trained, or says something else in a format.
    """
    if table.card.head.per not in ("example", "token"):
        raise StudentError(
            f"no export for this head: {table.card.head.name!r} is per {table.card.head.per}; "
            "students of texts and words are exported. Serve the .keras file."
        )
    features = table.card.features
    texts = student_inputs(table.read("test", list(features)), table.card.layout)
    if not texts:
        raise StudentError(
            f"nothing to compare an export on: {table.path}: no test row, expected some. State "
            "corpus.split.test, and run `label` again."
        )
    for plan in plans:
        if plan.role != "student":
            continue
        decided = decisions(plan, table, once=once)
        for kind in formats:
            yield plan.name, export_student(plan, kind, texts=texts, decided=decided)


def export_student(
    plan: StudentPlan, kind: ExportFormat, *, texts: list[Any], decided: Decisions | None = None
) -> ExportCard:
    """Write one student in one format under its folder; the card is written last.

    Args:
      plan: of a student that is trained.
      kind: the format.
      texts: that both are asked.
      decided: what the student says from which probability on.

    Raises:
      BusyError: another process exports it in this format.
      StudentError: it cannot be written in this format, or says something else in it.
    """
    with folder_alone(plan.path / EXPORTED_FOLDER / kind):
        return _exported(plan, kind, texts, decided or {})


def _exported(
    plan: StudentPlan, kind: ExportFormat, texts: list[Any], decided: Decisions
) -> ExportCard:
    path, card = plan.path, trained_card(plan)
    student = StudentPredictor(path, card)
    folder = path / EXPORTED_FOLDER / kind
    remove_unfinished(folder.parent)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        WRITERS[kind](student, folder)
        shutil.copyfile(path / VOCABULARY_FILE, folder / VOCABULARY_FILE)
        with loaded(kind, folder, student) as there:
            said, seconds = there.answers(texts), there.seconds(texts)
    except Exception as error:  # whatever a converter or a runtime raises
        raise StudentError(
            f"student cannot be exported: {path}: as {kind}: {first_line(error)}. "
            "Leave this format out."
        ) from error
    at = decided.get("thresholds")
    found = compared(kind, card.kind, student.answers(texts), said, folder, thresholds=at)
    exported = _card(kind, card, found, folder, seconds=seconds)
    exported = exported.model_copy(update=dict(decided))
    write_whole(folder / EXPORT_CARD_FILE, exported.model_dump_json(indent=2).encode())
    say(
        f"export: {folder}: {exported.size_bytes} bytes, largest difference of a logit "
        f"{exported.largest_difference:.1e}, {exported.milliseconds_a_text:.2f} ms a text"
    )
    return exported


def remove_unfinished(place: Path) -> None:
    """Remove folders of exports that were not finished and that nobody is at work on."""
    for folder in [one for one in place.glob("*") if one.is_dir()]:
        with suppress(BusyError), folder_alone(folder):
            if not (folder / EXPORT_CARD_FILE).is_file():
                shutil.rmtree(folder, ignore_errors=True)


def _card(
    kind: ExportFormat, card: StudentCard, found: Compared, folder: Path, *, seconds: float
) -> ExportCard:
    return ExportCard(
        format=kind,
        student_fingerprint=card.fingerprint,
        classes=card.classes,
        kind=card.kind,
        per=card.per,
        takes=_strings(card) if kind in FROM_STRINGS else "token_ids",
        shape=_shape(kind, card),
        lowercase=card.lowercase,
        max_length=card.max_length,
        stride=card.stride,
        size_bytes=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        rows=found.rows,
        largest_difference=found.largest_difference,
        agreement=found.agreement,
        milliseconds_a_text=1000 * seconds,
    )


def _strings(card: StudentCard) -> Literal["text", "words"]:
    return "text" if card.per == "example" else "words"


def _shape(kind: ExportFormat, card: StudentCard) -> tuple[int | None, ...]:
    if kind in ("tflite", "tflite_int8"):
        return (1, card.max_length)
    if kind in FROM_STRINGS and _strings(card) == "text":
        return (None, 2) if card.pairs else (None,)
    return (None, None)

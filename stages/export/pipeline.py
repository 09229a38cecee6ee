"""Export: write a student in a format, ask it again in a clean process, keep what it said."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from schemas.errors import StudentError, first_line
from schemas.export_card import (
    EXPORT_CARD_FILE,
    EXPORTED_FOLDER,
    FROM_STRINGS,
    ExportCard,
    ExportFormat,
)
from schemas.heads import HeadKind
from schemas.student_card import StudentCard
from schemas.teacher_card import VOCABULARY_FILE
from stages.atomic import write_whole
from stages.evaluate.predict import StudentPredictor
from stages.export.decisions import Decisions, decisions
from stages.export.readers import Said, ask
from stages.export.writers import WRITERS
from stages.inputs import inputs_of
from stages.likeness import largest_difference, pairs_of_lines, share_of_others
from stages.lists import offsets_of
from stages.progress import say
from stages.row_logits import RowLogits
from stages.table import SoftLabelTable
from stages.text import ragged_words
from stages.train.distiller import logits_of
from stages.train.pipeline import trained_card
from stages.train.plan import StudentPlan

LARGEST_DIFFERENCE = 1e-3  # of a logit, for formats that keep float32
_MOST_TEXTS = 1000


def export(
    plans: Iterable[StudentPlan], table: SoftLabelTable, *, formats: Sequence[ExportFormat]
) -> Iterator[tuple[str, ExportCard]]:
    """Yield the name and card of every trained student of some plans in every format.

    Args:
      plans: of students, which are exported, and of baselines, which are not.
      table: whose test split both are asked about.
      formats: to write.

    Raises:
      StudentError: a student is not trained, or says something else in a format.
    """
    if table.card.head.per not in ("example", "token"):
        raise StudentError(
            f"no export for this head: {table.card.head.name!r} is per {table.card.head.per}; "
            "students of texts and words are exported. Serve the .keras file."
        )
    features = table.card.features
    texts = inputs_of(table.read("test", list(features)).slice(0, _MOST_TEXTS), features)
    if not texts:
        raise StudentError(f"nothing to compare an export on: {table.path}: no test row.")
    for plan in plans:
        if plan.role != "student":
            continue
        decided = decisions(plan, table)
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
      StudentError: it cannot be written in this format, or says something else in it.
    """
    path, card = plan.path, trained_card(plan)
    student = StudentPredictor(path, card)
    folder = path / EXPORTED_FOLDER / kind
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        WRITERS[kind](student, folder)
        shutil.copyfile(path / VOCABULARY_FILE, folder / VOCABULARY_FILE)
        asked = asked_in_a_clean_process(kind, folder, texts, padded(student, texts))
    except Exception as error:  # whatever a converter or a runtime raises
        said = first_line(error)
        raise StudentError(
            f"student cannot be exported: {path}: as {kind}: {said}. Leave this format out."
        ) from error
    said = said_of(student, asked, texts, by_token=kind not in FROM_STRINGS)
    exported = compared(kind, card, student.answers(texts), said, folder, seconds=asked.seconds)
    exported = exported.model_copy(update=dict(decided or {}))
    write_whole(folder / EXPORT_CARD_FILE, exported.model_dump_json(indent=2).encode())
    say(
        f"export: {folder}: {exported.size_bytes} bytes, largest difference of a logit "
        f"{exported.largest_difference:.1e}, {exported.milliseconds_a_text:.2f} ms a text"
    )
    return exported


def padded(student: StudentPredictor, texts: list[Any]) -> np.ndarray:
    """Return int32 [texts or windows of them, max_length], as a model of token ids takes them."""
    ids = student.token_ids(texts)
    if ids.ndim == 3:
        ids = ids[ids.any(axis=2)]
    found = np.zeros((len(ids), student.max_length), np.int32)
    found[:, : ids.shape[1]] = ids
    return found


def said_of(
    student: StudentPredictor, asked: Said, inputs: list[Any], *, by_token: bool
) -> RowLogits:
    """Return what was said of each text, or of each word; NaN for one that was not seen.

    Args:
      student: that was exported.
      asked: what the export said.
      inputs: texts, or lists of words.
      by_token: whether it was asked with token ids: a word's logits are those of its first piece.
    """
    if not student.by_position:
        return RowLogits(np.stack(asked.logits))
    counts = np.array([len(words) for words in inputs])
    if not by_token:
        return RowLogits(np.concatenate(asked.logits), offsets_of(counts))
    found = student.word_inputs(ragged_words(inputs))
    first = found["first_pieces"].numpy()
    said = tf.constant(np.stack(asked.logits)[:, : found["token_ids"].shape[-1]])
    values = logits_of(lambda ids, training: said, found, training=False).numpy()
    values[first < 0] = np.nan
    there = np.arange(first.shape[1]) < counts[:, None]
    return RowLogits(values[there], offsets_of(counts))


def asked_in_a_clean_process(
    kind: ExportFormat, folder: Path, texts: list[Any], token_ids: np.ndarray
) -> Said:
    """Return what the export says in a new interpreter."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(ask, kind, str(folder), texts, token_ids).result()


def compared(
    kind: ExportFormat,
    card: StudentCard,
    answers: RowLogits,
    said: RowLogits,
    folder: Path,
    *,
    seconds: float,
) -> ExportCard:
    """Return the card of an export.

    Raises:
      StudentError: a float format differs by more than 0.001, or sees other words.
    """
    difference = _difference(answers, said, card.kind)
    if kind != "tflite_int8" and not difference <= LARGEST_DIFFERENCE:
        raise StudentError(
            f"exported student says something else: {folder}: a logit differs by {difference:.2e}, "
            f"expected at most {LARGEST_DIFFERENCE:g}. Leave this format out."
        )
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
        rows=len(answers),
        largest_difference=difference,
        agreement=1.0 - share_of_others(*pairs_of_lines(answers, said, card.kind)),
        milliseconds_a_text=1000 * seconds,
    )


def _difference(answers: RowLogits, said: RowLogits, kind: HeadKind) -> float:
    """Return the largest difference of a logit; infinite where other words were seen."""
    if not np.array_equal(answers.seen, said.seen):
        return float("inf")
    seen = answers.seen
    return largest_difference(answers.values[seen], said.values[seen], kind)


def _strings(card: StudentCard) -> Literal["text", "words"]:
    return "text" if card.per == "example" else "words"


def _shape(kind: ExportFormat, card: StudentCard) -> tuple[int | None, ...]:
    if kind in ("tflite", "tflite_int8"):
        return (1, card.max_length)
    if kind in FROM_STRINGS and _strings(card) == "text":
        return (None, 2) if card.pairs else (None,)
    return (None, None)

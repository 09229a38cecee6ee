"""Plan: what a label run would make, before anything is read or run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from schemas.label_section import GATES
from schemas.provenance import fingerprint
from schemas.run_file import RunFile
from schemas.soft_labels import FORMAT_VERSION
from stages.corpus.answer_column import AnswerColumn
from stages.corpus.files import CorpusPlan, plan_corpus
from stages.teachers.parts.source import TeacherSource
from stages.views.augmenters import VERSION as AUGMENTERS_VERSION
from stages.views.augmenters import code_of


@dataclass(frozen=True)
class LabelPlan:
    """What a label run would make, and the fingerprint of everything that decides it.

    `work` is that of the work alone: how many rows may be left out decides only whether what was
    made is committed, so a run that allows more goes on where one stopped.
    """

    run: RunFile
    corpus: CorpusPlan
    teacher: TeacherSource
    fingerprint: str
    work: str


@dataclass(frozen=True)
class Machinery:
    """How the work is done; nothing of it changes the table.

    Attributes:
      beam_arguments: Beam's own options.
      max_shuffle_bytes: memory that a local runner's shuffle may take; half of this machine's
        when None.
    """

    beam_arguments: tuple[str, ...] = ()
    max_shuffle_bytes: int | None = None


LOCAL = Machinery()
_LIMIT = {"max_quarantined"}
_GATES = {
    *(f"min_teacher_{name}" for name in GATES),
    "max_teacher_calls",
    "max_unseen",
    "max_unknown",
}


def plan_label(run: RunFile, *, base: Path, teacher: TeacherSource) -> LabelPlan:
    """Find the corpus and say what the table would be made of.

    Raises:
      AssetError, CorpusError: the corpus cannot be had.
      RunFileError: an augmenter cannot be imported.
    """
    corpus = replace(plan_corpus(run, base=base), answers=_answer_column(teacher))
    label = run.label.model_dump(mode="json")
    parts = plan_parts(run, teacher=teacher.fingerprint, corpus=corpus.digest, label=label)
    work = {**parts, "label": _without(label, _GATES | _LIMIT)}
    return LabelPlan(run, corpus, teacher, fingerprint(parts), fingerprint(work))


def plan_parts(
    run: RunFile,
    *,
    teacher: str,
    corpus: str,
    label: dict[str, Any],
    format_version: int = FORMAT_VERSION,
) -> dict[str, Any]:
    """Return what the fingerprint of a plan is made of, with the augmenters as they are now.

    Args:
      run: whose augmenters of one's own count.
      teacher: its fingerprint.
      corpus: its digest.
      label: the section, as a card's `run_file` has it.
      format_version: of the table.

    Raises:
      RunFileError: an augmenter cannot be imported.
    """
    parts = {
        "format_version": format_version,
        "teacher": teacher,
        "corpus": corpus,
        "label": _without(label, _GATES),  # they change no row
        "augmenters": AUGMENTERS_VERSION,
    }
    views = run.label.views
    if views is not None and (own := code_of(one.kind for one in views.augmenters)):
        parts["augmenters_of_the_user"] = own
    return parts


def _without(label: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in label.items() if name not in names}


def _answer_column(teacher: TeacherSource) -> AnswerColumn | None:
    how = teacher.how
    if how.column is None:
        return None
    place = None if how.speaks_of is None else teacher.classes.index(how.speaks_of)
    return AnswerColumn(
        how.column, len(teacher.classes), how.answers or "logits", teacher.kind, place
    )

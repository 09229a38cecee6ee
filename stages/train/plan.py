"""What a run trains: every student on every seed beside its baseline, and what it learns from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.asset import Asset
from schemas.head_kinds import HeadKind
from schemas.provenance import digest_file, fingerprint
from schemas.run_file import RunFile
from schemas.student_card import Role
from schemas.train_section import OF_TEACHER, Student, Train
from stages.heads import head_kind
from stages.machine.plugins import source_of
from stages.places.assets import resolve_model
from stages.table.opening import SoftLabelTable

if TYPE_CHECKING:
    from stages.train.lesson import Phase

STUDENTS_FOLDER = "students"
CHECKPOINTS_FOLDER = "_checkpoints"
_LAST_RATE = 0.1  # of the learning rate, for the epochs on hard labels alone

_OF_ALL = {"seeds", "students", "baseline"}
_APART: dict[Role, set[str]] = {"student": _OF_ALL, "baseline": _OF_ALL.union(OF_TEACHER)}


@dataclass(frozen=True)
class StudentPlan:
    """One student to be trained: which, in which role, from which seed, into which folder."""

    student: Student
    role: Role
    seed: int
    path: Path
    fingerprint: str

    @property
    def name(self) -> str:
        """A name for messages."""
        return f"{self.student.name} {self.role} seed {self.seed}"

    def in_folder(self, path: Path) -> StudentPlan:
        """Return the same student in another folder."""
        return replace(self, path=path)


def plan_students(run: RunFile, table: SoftLabelTable, *, out: Path) -> Iterator[StudentPlan]:
    """Yield every student of a run, each before its baseline.

    Raises:
      AssetError: a file that a student starts from is not there.
    """
    for student, seed, role in wanted(run.train):
        parts: dict[str, Any] = {
            **learns_from(run, table, role),
            **determined_by(student),
            "role": role,
            "seed": seed,
        }
        path = out / folder_of(student, seed, role)
        yield StudentPlan(student, role, seed, path, fingerprint(parts))


def wanted(how: Train) -> Iterator[tuple[Student, int, Role]]:
    """Yield every student with its seed and its role, each before its baseline."""
    roles: tuple[Role, ...] = ("student", "baseline") if how.baseline else ("student",)
    for student in how.students:
        for seed in how.seeds:
            for role in roles:
                yield student, seed, role


def folder_of(student: Student, seed: int, role: Role) -> Path:
    """Return a student's folder, from that of the run."""
    return Path(STUDENTS_FOLDER) / student.name / f"seed-{seed}" / role


def learns_from(run: RunFile, table: SoftLabelTable, role: Role) -> dict[str, Any]:
    """Return what of a table and of a run a student depends on, for its fingerprint."""
    apart = _APART[role] | ({"stride"} if run.train.stride is None else set())
    parts: dict[str, Any] = {
        "table": table.card.plan_fingerprint,
        "how": run.train.model_dump(mode="json", exclude=apart),
        "repeats": run.corpus.repeats,
    }
    if table.card.across is not None and table.card.across.fingerprint:
        parts["left_out"] = table.card.across.fingerprint
    if role == "baseline" and head_kind(run.head.kind).starts_at_mean:
        parts["starts_at"] = "hard labels"
    if run.kept_by != "accuracy":
        parts["kept_by"] = run.kept_by
    return parts


def determined_by(student: Student) -> dict[str, Any]:
    """Return what a student itself depends on, for its fingerprint.

    Raises:
      AssetError: a file that it starts from is not there.
    """
    files = {"code": None, **files_of(student)}
    by_digest = {"start": set(Asset.model_fields)}
    return {"student": student.model_dump(mode="json", exclude=by_digest), **files}


def files_of(student: Student) -> dict[str, str]:
    """Return the digests of a student's own code, and of the files that it starts from.

    Where the command runs they are looked for.

    Raises:
      AssetError: a file is not there.
    """
    found = {}
    if code := _code_digest(student.kind):
        found["code"] = code
    if student.kind.endswith(".keras"):
        found["saved"] = resolve_model(Asset(path=student.kind), base=Path.cwd()).digest
    if student.vocabulary not in ("train", "teacher"):
        vocabulary = Asset(path=student.vocabulary)
        found["vocabulary"] = resolve_model(vocabulary, base=Path.cwd()).digest
    if student.start is not None:
        found["start"] = resolve_model(student.start, base=Path.cwd()).digest
    return found


def _code_digest(kind: str) -> str | None:
    """Return the digest of the file that a student of a user's own is in, if it can be found."""
    if ":" not in kind:
        return None
    try:
        return digest_file(source_of(kind))
    except (ImportError, AttributeError, ValueError):  # said when it is built
        return None


def phases(how: Train, role: Role, kind: HeadKind) -> list[Phase]:
    """Return what a student learns from, part after part; a baseline, from hard labels only."""
    from stages.train.lesson import Phase
    from stages.train.objective import Objective

    hard, baseline = Objective.of_hard_labels(how, kind), role == "baseline"
    taught = hard if baseline else Objective.of(how, kind)
    found = [Phase(taught, how.epochs, how.learning_rate, labelled_only=baseline)]
    if how.hard_label_epochs:
        rate = how.learning_rate * _LAST_RATE
        found.append(Phase(hard, how.hard_label_epochs, rate, labelled_only=True))
    return found

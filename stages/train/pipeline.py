"""Train: every student of the run file on every seed, each beside its baseline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import StudentError, TableError
from schemas.provenance import fingerprint
from schemas.run_file import RunFile, Student
from schemas.student_card import STUDENT_CARD_FILE, STUDENT_MODEL_FILE, Role, StudentCard
from schemas.teacher_card import VOCABULARY_FILE
from stages.artefacts import read_measures
from stages.atomic import whole_file, write_whole
from stages.progress import say
from stages.table import SoftLabelTable, read_shard

STUDENTS_FOLDER = "students"


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


def plan_students(run: RunFile, table: SoftLabelTable, *, out: Path) -> Iterator[StudentPlan]:
    """Yield every student of a run, each before its baseline."""
    roles: tuple[Role, ...] = ("student", "baseline") if run.train.baseline else ("student",)
    how = run.train.model_dump(
        mode="json", exclude={"seeds", "students", "baseline", "temperature", "hard_label_weight"}
    )
    for student in run.train.students:
        for seed in run.train.seeds:
            for role in roles:
                parts = {
                    "table": table.card.plan_fingerprint,
                    "student": student.model_dump(mode="json"),
                    "how": how,
                    "repeats": run.corpus.repeats,
                    "objective": "hard labels" if role == "baseline" else objective(run, role),
                    "seed": seed,
                }
                path = out / STUDENTS_FOLDER / student.name / f"seed-{seed}" / role
                yield StudentPlan(student, role, seed, path, fingerprint(parts))


def objective(run: RunFile, role: Role) -> dict[str, float]:
    """Return the distiller's settings; a baseline learns from hard labels only."""
    weight = 1.0 if role == "baseline" else run.train.hard_label_weight
    return {"temperature": run.train.temperature, "hard_label_weight": weight}


def train(run: RunFile, table: SoftLabelTable, *, out: Path) -> list[StudentPlan]:
    """Train what is not there yet; return every student of the run.

    Raises:
      PipelineError: any stated failure; finished students are kept.
    """
    plans = list(plan_students(run, table, out=out))
    waiting = [plan for plan in plans if not _is_current(plan)]
    if not waiting:
        say(f"train: nothing to do, {len(plans)} students are up to date")
    for plan in waiting:
        train_student(run, table, plan)
    return plans


def read_student_card(path: Path) -> StudentCard:
    """Return a student folder's card.

    Raises:
      StudentError: there is none, or it does not hold.
    """
    try:
        return StudentCard.model_validate_json((path / STUDENT_CARD_FILE).read_bytes())
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise StudentError(f"no student: {path}: {said}. Run `train`.") from error


def train_student(run: RunFile, table: SoftLabelTable, plan: StudentPlan) -> StudentCard:
    """Train one student and write its folder, its card last.

    Raises:
      StudentError: it cannot be built, or its loss is not finite.
      TableError: train or validation have no row.
    """
    import keras

    from stages.text import Wordpiece
    from stages.train.fit import fit
    from stages.train.students import build_student

    keras.utils.set_random_seed(plan.seed)
    lowercase = read_measures(table).lowercase
    vocabulary = _vocabulary(run, table, lowercase=lowercase)
    model = build_student(
        plan.student, vocabulary_size=len(vocabulary), classes=len(run.head.classes)
    )
    wordpiece = Wordpiece(vocabulary, lowercase=lowercase, max_length=run.train.max_length)
    epochs = fit(
        model,
        table,
        run,
        wordpiece=wordpiece,
        seed=plan.seed,
        labelled_only=plan.role == "baseline",
        name=plan.name,
        **objective(run, plan.role),
    )
    (plan.path / STUDENT_CARD_FILE).unlink(missing_ok=True)
    with whole_file(plan.path / STUDENT_MODEL_FILE) as part:
        model.save(part)
    write_whole(plan.path / VOCABULARY_FILE, "\n".join(vocabulary).encode())
    card = StudentCard(
        fingerprint=plan.fingerprint,
        student=plan.student,
        role=plan.role,
        seed=plan.seed,
        classes=run.head.classes,
        max_length=run.train.max_length,
        lowercase=lowercase,
        parameters=int(model.count_params()),
        epochs=epochs,
    )
    write_whole(plan.path / STUDENT_CARD_FILE, card.model_dump_json(indent=2).encode())
    return card


def _is_current(plan: StudentPlan) -> bool:
    if not (plan.path / STUDENT_CARD_FILE).is_file():
        return False
    return read_student_card(plan.path).fingerprint == plan.fingerprint


def _vocabulary(run: RunFile, table: SoftLabelTable, *, lowercase: bool) -> list[str]:
    from stages.text import read_vocabulary
    from stages.train.vocabulary import prune_vocabulary

    path = table.artefacts_path / VOCABULARY_FILE
    if not path.is_file():
        raise TableError(f"artefacts are missing: {path}. Run `label` again.")
    feature = run.corpus.features[0]
    texts = (
        read_shard(shard, [feature])[feature].to_pylist() for shard in table.shards_of("train")
    )
    return prune_vocabulary(read_vocabulary(path), texts, lowercase=lowercase)

"""One experiment from its run file to its report; each step is skipped where it is done.

Folders under `out`: `teacher/`, `labels/` (the table), `students/`, `report/`; `adjust/`
and `adjusted/` where settings were searched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.adjustment import Adjustment
from schemas.errors import AssetError, RunFileError, StaleTableError, first_line
from schemas.export_card import ExportCard
from schemas.export_formats import ExportFormat
from schemas.report import Report
from schemas.run_file import RunFile, parse_run_file
from schemas.soft_labels import TableCard
from schemas.teacher_card import CARD_FILE
from stages.label.planning.plan import LOCAL, Machinery
from stages.machine.locks import lock
from stages.machine.own_folders import folder_alone, run_alone, table_alone
from stages.machine.plugins import can_import
from stages.machine.progress import say
from stages.places.hub import snapshot
from stages.table.opening import SoftLabelTable, open_table, open_version
from stages.teachers.places import find_teacher
from stages.train.plan import StudentPlan

if TYPE_CHECKING:
    from stages.asking.recheck import Rechecked, Tolerance
    from stages.label.planning.forecast import Forecast

TEACHER_FOLDER = "teacher"
LABELS_FOLDER = "labels"
ADJUSTED_FOLDER = "adjusted"


def read_run_file(path: Path, overrides: Sequence[str] = ()) -> RunFile:
    """Return the run file at a path, with overrides applied.

    Raises:
      RunFileError: it cannot be read, or does not hold.
    """
    return parse_run_file(read_run_text(path), source=str(path), overrides=overrides)


def read_run_text(path: Path) -> str:
    """Return the text of a run file.

    Raises:
      RunFileError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        said = "no such file" if isinstance(error, FileNotFoundError) else _reason(error)
        raise RunFileError(f"run file cannot be read: {path}: {said}. Mend the path.") from error


def _reason(error: OSError | UnicodeError) -> str:
    return (isinstance(error, OSError) and error.strerror) or first_line(error)


def teach_step(run: RunFile, *, out: Path) -> None:
    """Fine-tune the run's teacher under `out/teacher`.

    Raises:
      PipelineError: any stated failure.
    """
    from stages.teach.pipeline import plan_teach, teach

    with folder_alone(out / TEACHER_FOLDER):
        teach(plan_teach(run, base=Path.cwd()), out=out / TEACHER_FOLDER)


def label_step(run: RunFile, *, labels: Path, out: Path, machinery: Machinery = LOCAL) -> TableCard:
    """Label the corpus with the run's teacher, fine-tuned under `out` unless it has a path.

    Raises:
      PipelineError: any stated failure; nothing became visible.
    """
    from stages.label.pipeline import label
    from stages.label.planning.plan import plan_label
    from stages.teach.pipeline import teacher_of

    base = Path.cwd()
    with table_alone(labels):
        teacher = teacher_of(run, base=base, out=out / TEACHER_FOLDER)
        plan = plan_label(run, base=base, teacher=teacher)
        return label(plan, labels=labels, machinery=machinery).card


def plan_step(run: RunFile, *, labels: Path, out: Path, inputs: int) -> Forecast:
    """Say what `label` would do; nothing is written, and nothing is fine-tuned.

    `inputs` is how many the teacher is asked at most.

    Raises:
      PipelineError: any stated failure, such as a teacher that is not there yet.
    """
    from stages.label.planning.forecast import forecast
    from stages.label.planning.plan import plan_label

    teacher = find_teacher(run, base=Path.cwd(), fitted=out / TEACHER_FOLDER)
    plan = plan_label(run, base=Path.cwd(), teacher=teacher)
    return forecast(plan, labels=labels, inputs=inputs)


def verify_step(
    labels: Path, run: RunFile | None, *, out: Path, tolerance: Tolerance
) -> Iterator[str]:
    """Yield what is found whole: the table, and with a run what its teacher says now.

    Raises:
      PipelineError: the table is damaged, or as for `recheck_step`.
    """
    from stages.table.verify import verify

    table = open_version(labels)
    found = verify(table)
    yield (
        f"{labels}: version {table.version} is whole: {found.rows} rows in {found.shards} shards, "
        f"{found.size_bytes} bytes"
    )
    if run is not None:
        again = recheck_step(run, labels=labels, out=out, tolerance=tolerance)
        yield (
            f"{labels}: its teacher says the same on {again.size}: mean KL "
            f"{again.kl_nats:.1e} nats, {again.flip_rate:.2%} with another answer"
        )


def recheck_step(run: RunFile, *, labels: Path, out: Path, tolerance: Tolerance) -> Rechecked:
    """Ask the run's teacher for a sample of the table again, and compare.

    Raises:
      PipelineError: any stated failure, such as another teacher, or answers that differ.
    """
    from stages.asking.recheck import recheck
    from stages.teachers.load import load_teacher

    teacher = find_teacher(run, base=Path.cwd(), fitted=out / TEACHER_FOLDER)
    table = open_table(labels, head=run.head, teacher=teacher.fingerprint)
    if table.card.teachers:
        raise StaleTableError(
            f"table is a mean of teachers: {labels}: it has {len(table.card.teachers)}. Ask each "
            "one against its own table."
        )
    return recheck(table, load_teacher(teacher), how=run.label, tolerance=tolerance)


def combine_step(run: RunFile, *, sources: Sequence[Path], labels: Path) -> TableCard:
    """Make the table of the mean of several tables' teachers.

    Raises:
      PipelineError: any stated failure; nothing became visible.
    """
    from stages.combine.pipeline import combine

    tables = [open_table(source, head=run.head) for source in sources]
    return combine(run, tables, labels=labels).card


def train_step(
    run: RunFile, *, labels: Path, out: Path, wandb: str | None = None
) -> tuple[SoftLabelTable, list[StudentPlan]]:
    """Train the run's students from the table.

    Raises:
      PipelineError: any stated failure.
    """
    from stages.train.pipeline import train

    table = open_table(labels, head=run.head, teacher=teacher_at_hand(run, out=out))
    return table, train(run, table, out=out, wandb=wandb)


def adjust_step(run: RunFile, *, labels: Path, out: Path) -> Adjustment:
    """Search settings that reach the run's target, and train the students of the best.

    Raises:
      PipelineError: any stated failure; what was tried is kept.
    """
    from stages.adjust.pipeline import adjust, adjusted
    from stages.train.pipeline import train

    table = open_table(labels, head=run.head, teacher=teacher_at_hand(run, out=out))
    found = adjust(run, table, out=out)
    with lock(out / ADJUSTED_FOLDER / "training.lock", wait=True):
        train(adjusted(run, found), table, out=out / ADJUSTED_FOLDER)
    return found


def evaluate_step(run: RunFile, *, labels: Path, out: Path) -> Report:
    """Score the run's students, adjusted where they were, and write the report.

    Raises:
      PipelineError: any stated failure.
    """
    from stages.evaluate.pipeline import evaluate
    from stages.train.plan import plan_students

    table = open_table(labels, head=run.head, teacher=teacher_at_hand(run, out=out))
    final, place, found = _final(run, table, out)
    plans = list(plan_students(final, table, out=place))
    return evaluate(final, table, plans, out=out, adjustment=found)


def _final(
    run: RunFile, table: SoftLabelTable, out: Path
) -> tuple[RunFile, Path, Adjustment | None]:
    """Return the run whose students count, their folder, and the search that found it if any."""
    from stages.adjust.pipeline import adjusted, read_adjustment

    found = read_adjustment(run, table, out=out)
    if found is None:
        return run, out, None
    return adjusted(run, found), out / ADJUSTED_FOLDER, found


def export_step(
    run: RunFile, *, labels: Path, out: Path, formats: Sequence[ExportFormat]
) -> list[tuple[str, ExportCard]]:
    """Export the run's trained students, each asked again in a clean process.

    Raises:
      PipelineError: any stated failure; what is exported is kept.
    """
    from stages.export.pipeline import export
    from stages.train.plan import plan_students

    table = open_table(labels, head=run.head)
    final, place, _ = _final(run, table, out)
    plans, once = plan_students(final, table, out=place), run.corpus.repeats == "once"
    return list(export(plans, table, formats=formats, once=once))


def teacher_at_hand(run: RunFile, *, out: Path) -> str | None:
    """Return the fingerprint of the run's teacher, or None where it is not on this machine.

    Only files are read, and of a module what it does when it is imported: the table must be of this
    teacher, but nobody has to load it.

    Raises:
      TeacherError: it is there but not whole, or has other classes.
    """
    base, fitted = Path.cwd(), out / TEACHER_FOLDER
    folder = fitted if run.teacher.path is None else base / run.teacher.path
    if run.teacher.kind == "keras" and not (folder / CARD_FILE).is_file():
        return None
    if run.teacher.kind == "module" and not can_import(str(run.teacher.callable)):
        return None
    source = run.teacher.source
    try:
        if source is not None and source.handle is not None:
            snapshot(source.handle, here_only=True)
        return find_teacher(run, base=base, fitted=fitted).fingerprint
    except AssetError:
        return None


def target_reached(run: RunFile, plans: Sequence[StudentPlan]) -> bool:
    """Return whether the mean over seeds of the student to be adjusted is good enough."""
    from stages.adjust.space import searched_student
    from stages.train.pipeline import trained_card

    if run.target is None:
        return True
    name, figure = searched_student(run).name, f"val_{run.target.metric}"
    taught = [plan for plan in plans if plan.role == "student" and plan.student.name == name]
    found = [max(one[figure] for one in trained_card(plan).epochs) for plan in taught]
    mean = sum(found) / len(found)
    said = "reached" if mean >= run.target.at_least else "not reached"
    say(f"target: {run.target.metric} {mean:.4f} on validation, {said} ({run.target.at_least:g})")
    return mean >= run.target.at_least


def run_all(run: RunFile, *, out: Path, machinery: Machinery = LOCAL) -> Report:
    """Do every step that is not done.

    Raises:
      BusyError: another run is at work there.
      PipelineError: any stated failure; what is done is kept.
    """
    from stages.label.planning.split_check import check_splits
    from stages.train.pipeline import check_learnable

    check_learnable(run)
    labels = out / LABELS_FOLDER
    with run_alone(out):
        check_splits(run, base=Path.cwd())
        label_step(run, labels=labels, out=out, machinery=machinery)
        _, plans = train_step(run, labels=labels, out=out)
        if run.adjust is not None and not target_reached(run, plans):
            adjust_step(run, labels=labels, out=out)
        return evaluate_step(run, labels=labels, out=out)

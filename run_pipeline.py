"""Softshards' commands: arguments in, one call, exit code out. Data is on stdout, else stderr."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from schemas.export_formats import FORMATS
from stages.machine.allocator import keep_freed_memory
from stages.machine.endings import ended, one_ctrl_c
from stages.machine.place_checks import usable_places

Command = Callable[..., Any]
Overrides = tuple[str, ...]
EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 usage, 75 others are at work there, 130 interrupted."
PATH = click.Path(path_type=Path)
RUN_FILE = click.argument("run_file", metavar="RUN.toml", type=PATH)
SET = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Override a key of the run file; may be given several times.",
)
OUT = click.option("--out", required=True, type=PATH, help="Folder of everything made.")
LABELS = click.option("--labels", required=True, type=PATH, help="Folder of the table.")
TABLE = click.argument("labels", type=PATH)
TEACHER_OUT = click.option("--out", type=PATH, help="Folder of the teacher [next to the table].")
SHUFFLE = click.option(
    "--max-shuffle-bytes",
    type=click.IntRange(min=1),
    help="Memory for a local runner's shuffle; the corpus is read in more passes [half of all].",
)
BEAM = click.argument("beam_arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- BEAM ...]")


def of_students(command: Command) -> Command:
    """Give a command the arguments of all that is done with a table and its students."""
    for option in (SET, OUT, LABELS, RUN_FILE):
        command = option(command)
    return command


def number(name: str, kind: click.ParamType[Any], default: float, text: str) -> Command:
    """Return an option that is a number."""
    return click.option(name, type=kind, default=default, show_default=True, help=text)


def stated(command: Command) -> Command:
    """Make a command that says any failure, and Ctrl-C, in one line on stderr."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        with one_ctrl_c():
            try:
                command(*args, **usable_places(kwargs))
            except (Exception, KeyboardInterrupt) as error:
                sys.exit(ended(error, command=command.__name__, given=kwargs))

    return main.command(epilog=EXIT_CODES)(wrapped)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="softshards")
def main() -> None:
    """Softshards: label a corpus once with a teacher, train any number of students from it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(level=logging.ERROR)  # of the libraries; our own lines are printed
    keep_freed_memory()


@stated
@RUN_FILE
@OUT
@SET
@SHUFFLE
@BEAM
def run(
    run_file: Path,
    out: Path,
    overrides: Overrides,
    max_shuffle_bytes: int | None,
    beam_arguments: tuple[str, ...],
) -> None:
    """Do all of it: teach, label, train, evaluate; what is done already is skipped."""
    from stages.evaluate.text import results_text
    from stages.label.planning.plan import Machinery
    from stages.run.multi_task import run_file_all

    machinery = Machinery(beam_arguments, max_shuffle_bytes)
    for report in run_file_all(run_file, overrides, out=out, machinery=machinery):
        click.echo(results_text(report))


@stated
@RUN_FILE
@OUT
@SET
def teach(run_file: Path, out: Path, overrides: Overrides) -> None:
    """Fine-tune the teacher on the hard labels of the train split."""
    from stages.run.experiment import read_run_file, teach_step

    teach_step(read_run_file(run_file, overrides), out=out)


@stated
@RUN_FILE
@LABELS
@TEACHER_OUT
@SET
@number("--sample", click.IntRange(0, 256), 256, "How many inputs it is asked at most; 0: none.")
def plan(run_file: Path, labels: Path, out: Path | None, overrides: Overrides, sample: int) -> None:
    """Say what `label` would do and cost; nothing is written, no answer of the sample is kept."""
    from stages.label.planning.forecast import forecast_text
    from stages.run.experiment import plan_step, read_run_file
    from stages.run.inspect import columns_left

    run_ = read_run_file(run_file, overrides)
    found = plan_step(run_, labels=labels, out=out or labels.parent, inputs=sample)
    click.echo("\n".join(columns_left(forecast_text(found))))


@stated
@RUN_FILE
@LABELS
@TEACHER_OUT
@SET
@SHUFFLE
@BEAM
def label(
    run_file: Path,
    labels: Path,
    out: Path | None,
    overrides: Overrides,
    max_shuffle_bytes: int | None,
    beam_arguments: tuple[str, ...],
) -> None:
    """Run the teacher over the corpus and commit the soft-label table."""
    from stages.label.planning.plan import Machinery
    from stages.run.experiment import label_step, read_run_file

    run_ = read_run_file(run_file, overrides)
    machinery = Machinery(beam_arguments, max_shuffle_bytes)
    label_step(run_, labels=labels, out=out or labels.parent, machinery=machinery)


@stated
@RUN_FILE
@click.option(
    "--from",
    "sources",
    multiple=True,
    required=True,
    type=PATH,
    help="Folder of one teacher's table; given twice or more.",
)
@LABELS
@SET
def combine(run_file: Path, sources: tuple[Path, ...], labels: Path, overrides: Overrides) -> None:
    """Make one table of several teachers' tables: the mean of their answers."""
    from stages.run.experiment import combine_step, read_run_file

    combine_step(read_run_file(run_file, overrides), sources=sources, labels=labels)


@stated
@of_students
@click.option("--wandb", metavar="PROJECT", help="Also write figures to Weights & Biases.")
def train(run_file: Path, labels: Path, out: Path, overrides: Overrides, wandb: str | None) -> None:
    """Train the students, and their baselines, from the table; no teacher is loaded."""
    from stages.run.experiment import read_run_file, train_step

    train_step(read_run_file(run_file, overrides), labels=labels, out=out, wandb=wandb)


@stated
@of_students
def evaluate(run_file: Path, labels: Path, out: Path, overrides: Overrides) -> None:
    """Score teacher, students and baselines; write report.json and report.html."""
    from stages.evaluate.text import results_text
    from stages.run.experiment import evaluate_step, read_run_file

    report = evaluate_step(read_run_file(run_file, overrides), labels=labels, out=out)
    click.echo(results_text(report))


@stated
@of_students
def adjust(run_file: Path, labels: Path, out: Path, overrides: Overrides) -> None:
    """Search settings that reach [target], within the budget of [adjust], and train the best."""
    from stages.adjust.space import overrides as overrides_of
    from stages.evaluate.adjustment import adjustment_text
    from stages.run.experiment import adjust_step, read_run_file

    run_ = read_run_file(run_file, overrides)
    found = adjust_step(run_, labels=labels, out=out)
    click.echo(adjustment_text(found, lambda values: overrides_of(values, run_)))


@stated
@of_students
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(FORMATS),
    help="May be given several times [all that can be written; onnx needs softshards[onnx]].",
)
def export(
    run_file: Path, labels: Path, out: Path, overrides: Overrides, formats: tuple[Any, ...]
) -> None:
    """Export the students, load each again in a clean process, and compare."""
    from stages.evaluate.columns import columns
    from stages.evaluate.text import export_rows
    from stages.export.formats import formats_here
    from stages.run.multi_task import export_file_all

    formats = formats_here(formats)
    made = export_file_all(run_file, overrides, labels=labels, out=out, formats=formats)
    click.echo("\n".join(columns(export_rows(list(made)))))


@stated
@click.argument("folder", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(folder: Path, as_json: bool) -> None:
    """Say what a folder holds: a table, a teacher, a student or a report."""
    from stages.run.inspect import inspect_folder

    click.echo(inspect_folder(folder, as_json=as_json))


@stated
@TABLE
@click.option(
    "--with-teacher",
    "run_file",
    metavar="RUN.toml",
    type=PATH,
    help="Ask this run's teacher for a sample again, and compare.",
)
@TEACHER_OUT
@SET
@number("--inputs", click.IntRange(min=1), 256, "How many it is asked.")
@number("--max-kl", click.FloatRange(min=0), 1e-3, "Mean KL in nats that is let pass.")
@number("--max-flips", click.FloatRange(0, 1), 0.01, "Share with another class that is let pass.")
def verify(
    labels: Path,
    run_file: Path | None,
    out: Path | None,
    overrides: Overrides,
    inputs: int,
    max_kl: float,
    max_flips: float,
) -> None:
    """Read a whole table and check every shard's bytes, rows, digests, order and logits."""
    from stages.asking.recheck import Tolerance
    from stages.run.experiment import read_run_file, verify_step

    run_ = read_run_file(run_file, overrides) if run_file else None
    tolerance = Tolerance(inputs, max_kl, max_flips)
    for line in verify_step(labels, run_, out=out or labels.parent, tolerance=tolerance):
        click.echo(line)


@stated
@TABLE
def history(labels: Path) -> None:
    """List a table's versions, newest first, with what each cost."""
    from stages.evaluate.columns import columns
    from stages.table.writing import versions

    click.echo("\n".join(columns(versions.history_rows(versions.history(labels)))))


@stated
@TABLE
@number("--keep-days", click.FloatRange(0, 1e5), 7, "Keep what left the table less than this ago.")
@click.option("--dry-run", is_flag=True, help="Only list them.")
def vacuum(labels: Path, keep_days: float, dry_run: bool) -> None:
    """Remove files that only old versions of a table need, and list them."""
    from stages.table.writing.versions import vacuum as vacuum_table

    for path in vacuum_table(labels, keep_days=keep_days, dry_run=dry_run):
        click.echo(path)


if __name__ == "__main__":
    main()

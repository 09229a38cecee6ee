"""Preflight: a teacher is loaded and asked about one real row before the corpus is read.

A teacher that cannot be loaded, fails, or answers with another shape, with numbers that are not
finite or with probabilities is found here, within seconds. One that has answered for the visible
version, or for an attempt that goes on, is not asked again. Where workers are processes of their
own, a process of its own asks it, whose memory and devices are free again before they start.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import TeacherError
from schemas.heads import Head
from schemas.label_section import Label
from stages.asking.ask import SoftLabels, soft_labels
from stages.asking.fluency import Fluency, check_fluency, fluency_of, say_fluency, say_unvouched
from stages.corpus.sample import sample_rows
from stages.heads import head_kind
from stages.label.planning.plan import LabelPlan
from stages.machine.own_process import own_process
from stages.machine.progress import say
from stages.rows.pointers import first_positions
from stages.table.writing.asked import Note, unnoted
from stages.table.writing.shards import order_rows
from stages.teachers.loaded import kept_teacher
from stages.teachers.parts.protocol import Teacher
from stages.teachers.parts.source import TeacherSource
from stages.views.views import try_views

_Found = TypeVar("_Found")
_TIMED_CALLS = 5
_TIMED_SECONDS = 5.0  # after which no further single input is asked for its time


@dataclass(frozen=True)
class Preflight:
    """What a teacher did when it was asked first.

    Attributes:
      calls: inputs that were put to it.
      load_seconds: until it was there.
      seconds: of the calls.
      latency_seconds: median for one input, from raw strings on; None where it answered none.
      timed_calls: single inputs that the median is of.
    """

    calls: int
    load_seconds: float
    seconds: float
    latency_seconds: float | None
    timed_calls: int


@dataclass(frozen=True)
class Question:
    """The first rows that a teacher is asked about, as `soft_labels` takes them."""

    rows: pa.Table
    features: tuple[str, ...]
    how: Label
    head: Head
    note: Note = unnoted


def preflight(plan: LabelPlan, *, in_process: bool, note: Note = unnoted) -> Preflight | None:
    """Ask the plan's teacher about its first rows; None where there is nobody or nothing to ask.

    Args:
      plan: the run's.
      in_process: whether the engine works in this process; the teacher is then kept for it.
      note: called with the number of inputs before each call.

    Raises:
      CorpusError: a row among the first cannot be used.
      TeacherError: the teacher cannot be loaded, or its answer cannot be used.
      UserCodeError: an augmenter raises on one row; nobody was asked.
    """
    if plan.teacher.how.kind == "column":
        return None
    rows = sample_rows(plan.corpus, tolerant=plan.run.label.tolerant)
    if rows is None:
        return None
    run = plan.run
    try_views(rows, run.label.views, feature=run.corpus.features[0], head=run.head)
    question = replace(_question(plan, rows), note=note)
    say("label: loading the teacher; it is asked about one row before all others")
    ask = ask_first if in_process else partial(_in_own_process, ask_first)
    found = ask(plan.teacher, question)
    latency = found.latency_seconds
    said = "" if latency is None else f", {latency * 1000:.2f} ms for one input"
    say(
        f"label: teacher answers: loaded in {found.load_seconds:.1f} s, {found.calls} calls in "
        f"{found.seconds:.1f} s{said}"
    )
    return found


def check_reading(plan: LabelPlan, *, in_process: bool) -> None:
    """Hold a teacher that has answered before to the stated shares of what it may not read.

    Raises:
      CorpusError: a row among the first cannot be used.
      TeacherError: it reads less of a sample of the corpus.
    """
    how = plan.run.label
    if (how.max_unseen, how.max_unknown) == (None, None) or plan.teacher.how.kind == "column":
        return
    rows = sample_rows(plan.corpus, tolerant=how.tolerant)
    if rows is not None:
        ask = read_first if in_process else partial(_in_own_process, read_first)
        ask(plan.teacher, _question(plan, rows))


def _question(plan: LabelPlan, rows: pa.Table) -> Question:
    run = plan.run
    return Question(order_rows(rows, run.head), run.corpus.features, run.label, run.head)


def read_first(source: TeacherSource, question: Question) -> Fluency | None:
    """Say how a teacher's tokenizer reads the first rows; None where it has none to look at.

    Raises:
      TeacherError: it cannot be loaded, or reads too little of them.
    """
    inputs, head = question.rows.select(list(question.features)), question.head
    found = fluency_of(kept_teacher(source), inputs, head)
    say_unvouched(source)
    say_fluency(found, head, stage="label")
    if found is not None:
        check_fluency(found, question.how, head, place=source.place)
    return found


def ask_first(source: TeacherSource, question: Question) -> Preflight:
    """Load a teacher and ask it: about one row, about as many as its check needs, and for its time.

    Where a row may be left out and the first one fails, all of the sample are asked: a teacher
    that fails on each of them is given up.

    Raises:
      TeacherError: it cannot be loaded, or its answer cannot be used.
    """
    started = time.perf_counter()
    teacher = kept_teacher(source)
    loaded = time.perf_counter()
    read = read_first(source, question)
    first = _asked(teacher, question, question.rows.slice(0, 1))
    unread = read is None and _may_be_unseen(first, question)
    whole = bool(first.failures) or unread
    others = question.rows.slice(1, None if whole else rows_to_judge(question.head))
    second = _asked(teacher, question, others) if others.num_rows else None
    if unread:
        _check_seen([first, second], question, place=source.place)
    answered = _answered(question.rows, first, second)
    spent = time.perf_counter() - loaded
    times = _times(teacher, answered.select(list(question.features)), spent, question.note)
    return Preflight(
        calls=first.asked + (second.asked if second else 0) + len(times),
        load_seconds=loaded - started,
        seconds=time.perf_counter() - loaded,
        latency_seconds=float(np.median(times)) if times else None,
        timed_calls=len(times),
    )


def _may_be_unseen(first: SoftLabels, question: Question) -> bool:
    """Return whether a whole sample has to be asked to tell how much of it a teacher sees."""
    if not question.head.by_position:
        return False
    return question.how.max_unseen is not None or not first.answers.seen.any()


def _check_seen(asked: list[SoftLabels | None], question: Question, *, place: str) -> None:
    """Refuse a teacher whose answers leave too many positions out, or all.

    Raises:
      TeacherError: it does.
    """
    head, rows = question.head, question.rows
    lists = rows[question.features[0]]
    places = int((pc.list_value_length(lists).to_numpy() - first_positions(lists, head)).sum())
    seen = sum(int(one.answers.seen.sum()) for one in asked if one is not None)
    if places and not any(one.failures for one in asked if one is not None):
        found = Fluency(rows.num_rows, 0, False, 0, places, places - seen, 0.0)
        check_fluency(found, question.how, head, place=place)


def rows_to_judge(head: Head) -> int:
    """Return how many rows tell whether a teacher answers with probabilities: see `AnswerSheet`."""
    return head_kind(head.kind).rows_to_judge(len(head.classes))


def most_calls(head: Head, inputs: int) -> int:
    """Return how many calls a preflight makes at most, where no row fails, of so many inputs."""
    return 1 + min(rows_to_judge(head), inputs - 1) + _TIMED_CALLS


def _asked(teacher: Teacher, question: Question, rows: pa.Table) -> SoftLabels:
    return soft_labels(
        teacher,
        rows,
        features=question.features,
        how=question.how,
        head=question.head,
        note=question.note,
    )


def _answered(rows: pa.Table, first: SoftLabels, second: SoftLabels | None) -> pa.Table:
    """Return the rows that have an answer; the first one last: it waited for the graph."""
    count = len(second.answers) if second else 0
    places = [place for place in range(1, count + 1) if second and place - 1 not in second.failures]
    return rows.take(pa.array([*places, *([] if first.failures else [0])], pa.int64()))


def _times(teacher: Teacher, inputs: pa.Table, spent: float, note: Note) -> list[float]:
    """Return the seconds of single calls: five, or as many as there is time for, one at least."""
    found: list[float] = []
    alone: npt.NDArray[np.int64] = np.zeros(1, np.int64)
    while inputs.num_rows and len(found) < _TIMED_CALLS:
        one = inputs.slice(len(found) % inputs.num_rows, 1)
        note(1)
        started = time.perf_counter()
        teacher.logits(teacher.encode(one), alone)
        found.append(time.perf_counter() - started)
        if spent + sum(found) > _TIMED_SECONDS:
            break
    return found


def _in_own_process(
    ask: Callable[[TeacherSource, Question], _Found], source: TeacherSource, question: Question
) -> _Found:
    with own_process() as process:
        try:
            return process.submit(ask, source, question).result()
        except BrokenProcessPool as error:
            raise TeacherError(
                f"teacher ends its process: {source.location or source.how.kind}: when it was "
                "loaded and asked about one row, most often for want of memory. Nothing was "
                "committed. Mend the teacher, or take a machine with more memory."
            ) from error

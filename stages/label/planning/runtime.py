"""Hold a converted teacher to the one it was converted from, on a sample of the corpus."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from schemas.errors import TeacherError
from schemas.quality import RuntimeCheck
from stages.asking.ask import SoftLabels, soft_labels
from stages.corpus.sample import sample_rows
from stages.heads.likeness import largest_difference
from stages.label.planning.plan import LabelPlan
from stages.machine.progress import say
from stages.table.writing.shards import order_rows
from stages.table.writing.staging import Staging
from stages.teachers.loaded import teacher_at_hand

LARGEST_DIFFERENCE = 1e-3  # between two float32 runtimes 1e-5 is usual


def check_runtime(plan: LabelPlan, staging: Staging) -> RuntimeCheck | None:
    """Ask the teacher as it is and as it is run; None where these are one, or nothing is asked.

    Both are asked twice, and the second time counts for speed. The calls are counted in `staging`.

    Raises:
      TeacherError: a logit differs by more than 0.001.
    """
    source = plan.teacher
    if source.how.runtime == "tensorflow":
        return None
    sample = sample_rows(plan.corpus, tolerant=plan.run.label.tolerant)
    if sample is None:
        return None
    rows = order_rows(sample, plan.run.head)
    features, how, head = plan.run.corpus.features, plan.run.label, plan.run.head

    def ask(runtime: str) -> SoftLabels:
        stated = source.how.model_copy(update={"runtime": runtime})
        teacher = teacher_at_hand(replace(source, how=stated))
        for _ in range(2):
            answer = soft_labels(
                teacher, rows, features=features, how=how, head=head, note=staging.asked.note
            )
            staging.count_calls("runtime", answer.asked, answer.seconds)
        return answer

    first, second = ask("tensorflow"), ask(source.how.runtime)
    failed = [*first.failures, *second.failures]
    both = np.setdiff1d(np.arange(rows.num_rows), failed)
    one, other = first.answers.take(both), second.answers.take(both)
    seen = one.seen & other.seen
    if (one.seen != other.seen).any():
        raise TeacherError(
            f"converted teacher sees other positions: {source.location}: "
            f"{int((one.seen != other.seen).sum())} differ. Nothing was committed. State "
            'teacher.runtime = "tensorflow".'
        )
    found = RuntimeCheck(
        runtime=source.how.runtime,
        inputs=len(both),
        largest_difference=largest_difference(one.values[seen], other.values[seen], head.kind),
        times_as_fast=first.seconds / second.seconds,
    )
    say(
        f"label: {found.runtime} runs the teacher {found.times_as_fast:.2f} times as fast as "
        f"tensorflow; largest difference of a logit {found.largest_difference:.1e} on "
        f"{found.inputs} inputs"
    )
    if found.largest_difference > LARGEST_DIFFERENCE:
        raise TeacherError(
            f"converted teacher says something else: {source.location}: a logit differs by "
            f"{found.largest_difference:.2e}, expected at most {LARGEST_DIFFERENCE:g}. Nothing was "
            'committed. State teacher.runtime = "tensorflow".'
        )
    return found

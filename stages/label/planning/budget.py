"""What a label run will ask of its teacher: said where it has changed, held to a stated budget.

The corpus is scanned for it, once more than it is read anyway; so only where a budget is stated, or
where there is a table whose answers do not count for this teacher. Nobody is asked before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from schemas.errors import TeacherError
from schemas.layout import Encoding
from schemas.soft_labels import TableCard
from stages.corpus.sample import SAMPLE_INPUTS
from stages.label.planning.encoding import known_encoding
from stages.label.planning.plan import LabelPlan
from stages.label.planning.preflight import most_calls
from stages.label.planning.scan import digests_of, scan, view_counts
from stages.machine.progress import say
from stages.table.opening import SoftLabelTable, open_table, table_exists
from stages.table.previous import has_answered, previous_labels
from stages.table.writing.staging import BucketRecord, CallsApart

_RUNTIME_ASKS = 4  # two runtimes, each twice


@dataclass(frozen=True)
class Attempted:
    """What earlier attempts at the same version have done.

    Attributes:
      buckets: that are finished.
      apart: calls beside the buckets' inputs.
      asked: inputs of all calls, as they were noted before each; those that gave nothing too.
    """

    buckets: Mapping[int, BucketRecord]
    apart: CallsApart
    asked: int

    @property
    def calls(self) -> int:
        """Inputs that the teacher was asked; releases that kept no notes counted what was done."""
        in_buckets = sum(one.calls + one.asked_again for one in self.buckets.values())
        return max(self.asked, in_buckets + sum(self.apart.calls.values()))


def check_budget(plan: LabelPlan, labels: Path, done: Attempted) -> None:
    """Say how many inputs of the table are asked again, and refuse more calls than are allowed.

    Args:
      plan: the run's.
      labels: the table's folder.
      done: what earlier attempts have done; it counts.

    Raises:
      TeacherError: more calls would be made than `label.max_teacher_calls`; nobody was asked.
      CorpusError, TableError: the corpus or the table's shards cannot be read.
    """
    limit = plan.run.label.max_teacher_calls
    table = open_table(labels) if table_exists(labels) else None
    why = None if table is None else why_asked_again(plan, table)
    if plan.teacher.how.kind == "column" or (limit is None and why is None):
        return
    kept = digests_of(table.shards) if table else pa.array([], pa.binary())
    seen = scan(plan, kept, finished=done.buckets)
    if table is None or why is not None:
        inputs = seen.reused + seen.misses + view_counts(plan, seen, None).calls
    else:
        inputs = seen.misses + view_counts(plan, seen, table).calls
    if why is not None:
        say(f"label: {why}: {seen.reused} inputs of the table will be asked again, {inputs} in all")
    beside = calls_beside(plan, labels, done.apart, inputs=inputs)
    planned = done.calls + inputs + beside
    if limit is not None and planned > limit:
        raise TeacherError(
            f"teacher would be asked too often: {labels}: {planned} calls ({done.calls} until now, "
            f"{inputs} inputs without an answer, at most {beside} beside them), expected at most "
            f"label.max_teacher_calls = {limit}. Nobody was asked. Raise it, or label fewer inputs."
        )


def why_asked_again(plan: LabelPlan, table: SoftLabelTable) -> str | None:
    """Return why the answers of a table do not count for a plan, or None where they do."""
    card, source = table.card, plan.teacher
    if card.teacher_fingerprint != source.fingerprint:
        said = f"teacher has changed from {card.teacher_fingerprint} to {source.fingerprint}"
        if source.how.kind == "module" and source.how.version is None:
            said += " (its file counts, unless teacher.version is stated)"
        return said
    if card.features != plan.run.corpus.features:
        return f"features have changed from {', '.join(card.features)}"
    return _why_coarse(plan, table.path, card)


def _why_coarse(plan: LabelPlan, labels: Path, card: TableCard) -> str | None:
    """Return why answers are kept too coarsely; what `auto` may choose counts as the finest."""
    chosen = known_encoding(plan, labels)
    wanted = chosen.encoding if chosen else Encoding(precision="float32")
    known = previous_labels(
        labels,
        teacher_fingerprint=card.teacher_fingerprint,
        features=card.features,
        encoding=wanted,
    )
    return f"table keeps {card.encoding} logits, and {wanted} are wanted" if known is None else None


def calls_beside(plan: LabelPlan, labels: Path, apart: CallsApart, *, inputs: int) -> int:
    """Return how many calls are made, at most, that give no input its answer.

    Those that find what a teacher fails on, where rows may be left out, are not among them.
    """
    if inputs == 0:
        return 0
    known = has_answered(
        labels,
        teacher_fingerprint=plan.teacher.fingerprint,
        features=plan.run.corpus.features,
    )
    sample = min(SAMPLE_INPUTS, inputs)
    calls = 0
    if not known and "preflight" not in apart.calls:
        calls += most_calls(plan.run.head, inputs)
    if known_encoding(plan, labels) is None and "encoding" not in apart.calls:
        calls += sample
    if not known and plan.teacher.how.runtime != "tensorflow":
        calls += _RUNTIME_ASKS * sample
    return calls

"""Which encoding a table's logits get: the one stated, or the smallest within a KL budget.

The budget is measured on this teacher's own answers to a sample of this corpus. What was chosen
is kept: for an interrupted attempt in its staging folder, for the next version in the card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.layout import Encoding, Layout
from schemas.soft_labels import ChosenEncoding
from stages.asking.ask import SoftLabels, soft_labels
from stages.corpus.sample import SAMPLE_INPUTS, sample_rows
from stages.heads.likeness import mean_divergence
from stages.label.planning.plan import LabelPlan
from stages.machine.progress import say
from stages.rows.codec import decode, encode
from stages.rows.row_logits import RowLogits
from stages.table.opening import open_table, table_exists
from stages.table.writing.asked import Note, unnoted
from stages.table.writing.shards import encode_parquet, order_rows
from stages.teachers.parts.protocol import Teacher

_SMALLEST_TOP_K = 4
PRECISIONS = ("float32", "float16", "bfloat16")


def chosen_encoding(
    plan: LabelPlan,
    labels: Path,
    *,
    teacher: Callable[[], Teacher],
    note: Callable[[pa.Table, SoftLabels], object],
    inputs: int = SAMPLE_INPUTS,
    before: Note = unnoted,
) -> ChosenEncoding:
    """Return how the plan's logits are kept.

    Args:
      plan: the run's.
      labels: the table's folder; the version before keeps an encoding that was chosen for the
        same teacher and budget, so that its answers need not be rounded again.
      teacher: loads it; called only where the budget has to be measured.
      note: called with the rows and its answers, where it is asked.
      inputs: that it is asked at most.
      before: called with the number of inputs before each call.

    Raises:
      PipelineError: corpus, table or teacher cannot be read.
    """
    return known_encoding(plan, labels) or _measured(plan, teacher, note, inputs, before)


def known_encoding(plan: LabelPlan, labels: Path) -> ChosenEncoding | None:
    """Return how the plan's logits are kept where nobody has to be asked for it, or None."""
    stated = plan.run.label.encoding
    return ChosenEncoding(encoding=stated) if stated else _chosen_before(plan, labels)


def smallest_within(answers: RowLogits, layout: Layout, *, budget_nats: float) -> ChosenEncoding:
    """Return the smallest encoding whose mean KL from the logits is within a budget.

    Args:
      answers: a teacher's own.
      layout: for its head; its encoding does not matter.
      budget_nats: mean KL(logits ‖ logits as kept) that may be lost; rounding of float32 none.
    """
    measured = [
        measure_encoding(answers, layout.model_copy(update={"encoding": encoding}))
        for encoding in candidates(len(layout.head.classes))
    ]
    within = [found for found in measured if (found.kl_nats or 0.0) <= budget_nats]
    return min(within, key=lambda found: found.bytes_per_row or 0.0)


def candidates(classes: int) -> Iterator[Encoding]:
    """Yield the encodings that `auto` chooses from: float32 first, which loses nothing."""
    for precision in PRECISIONS:
        yield Encoding.model_validate({"precision": precision})
        top_k = _SMALLEST_TOP_K
        while top_k < classes:
            yield Encoding.model_validate({"precision": precision, "top_k": top_k})
            top_k *= 2


def measure_encoding(answers: RowLogits, layout: Layout) -> ChosenEncoding:
    """Return what an encoding costs: bytes of its Parquet columns per row, and mean KL."""
    rows = pa.table(encode(answers, layout))
    seen = answers.seen
    metadata = pq.read_metadata(pa.BufferReader(encode_parquet(rows, layout)))
    size = sum(
        metadata.row_group(group).column(column).total_compressed_size
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    )
    return ChosenEncoding(
        encoding=layout.encoding,
        bytes_per_row=size / max(1, len(answers)),
        kl_nats=mean_divergence(
            answers.values[seen], decode(rows, layout).values[seen], layout.head.kind
        ),
    )


def _chosen_before(plan: LabelPlan, labels: Path) -> ChosenEncoding | None:
    if not table_exists(labels):
        return None
    card = open_table(labels).card
    before, now = card.run_file.get("label", {}), plan.run.label
    same_budget = before.get("kl_budget_nats") == now.kl_budget_nats
    if before.get("precision") != "auto" or not same_budget:
        return None
    if card.teacher_fingerprint != plan.teacher.fingerprint or card.head != plan.run.head:
        return None
    return ChosenEncoding(encoding=card.encoding, kl_nats=card.kl_nats)


def _measured(
    plan: LabelPlan,
    teacher: Callable[[], Teacher],
    note: Callable[[pa.Table, SoftLabels], object],
    inputs: int,
    before: Note,
) -> ChosenEncoding:
    run = plan.run
    sample = sample_rows(plan.corpus, tolerant=run.label.tolerant)
    if sample is None:
        return ChosenEncoding(encoding=Encoding())
    rows = order_rows(sample, run.head).slice(0, inputs)
    features = run.corpus.features
    answer = soft_labels(
        teacher(), rows, features=features, how=run.label, head=run.head, note=before
    )
    note(rows, answer)
    answered = np.setdiff1d(np.arange(len(answer.answers)), list(answer.failures))
    layout = run.layout()
    answers = answer.answers.take(answered)
    found = smallest_within(answers, layout, budget_nats=run.label.kl_budget_nats)
    say(
        f"label: {found.encoding} logits, {found.bytes_per_row or 0:.1f} bytes a row, mean KL "
        f"{found.kl_nats or 0:.2e} nats on {len(answered)} inputs "
        f"(budget {run.label.kl_budget_nats:g})"
    )
    return found

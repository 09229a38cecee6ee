"""What a label run's calls and bytes cost: measured on a sample that the teacher is asked for it.

Time is that of one process. Bytes are those of the sample's rows in one file, and of a file with
one row, since each file has a footer of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from schemas.layout import SPLIT_COLUMN, Encoding, Layout
from stages.asking.ask import SoftLabels, soft_labels
from stages.label.planning.encoding import chosen_encoding
from stages.label.planning.plan import LabelPlan
from stages.rows.row_logits import RowLogits
from stages.table.previous import PreviousLabels
from stages.table.writing.shards import encode_parquet, order_rows, with_logits
from stages.teachers.parts.protocol import Teacher


@dataclass(frozen=True)
class Cost:
    """What was measured.

    Attributes:
      seconds: for one call; 0 where none was timed.
      row_bytes: of a row on disk.
      file_bytes: of a file on disk, beside its rows.
    """

    seconds: float
    row_bytes: float
    file_bytes: float = 0.0

    def whole_bytes(self, rows: int, files: int) -> int:
        """Return the bytes of so many rows in so many files."""
        return round(self.row_bytes * rows + self.file_bytes * files)


def cost_before(previous: PreviousLabels | None) -> Cost | None:
    """Return what the rows of a version take on disk, with their files; None where none is."""
    if previous is None:
        return None
    rows = sum(shard.rows for shard in previous.shards)
    return Cost(0.0, sum(shard.size_bytes for shard in previous.shards) / max(1, rows))


class Asked:
    """What a teacher is asked for a forecast: so many inputs at most, none of them twice."""

    def __init__(self, plan: LabelPlan, teacher: Callable[[], Teacher], inputs: int) -> None:
        """Begin with nobody asked; `teacher` is called where it is needed first."""
        self._plan, self._teacher, self._inputs = plan, teacher, inputs
        self._answers: list[tuple[pa.Table, SoftLabels]] = []

    @property
    def calls(self) -> int:
        """Inputs that it was asked."""
        return sum(answer.asked for _, answer in self._answers)

    def encoding(self, labels: Path) -> Encoding:
        """Return how `auto` would keep logits in a folder, as half of the inputs say.

        Raises:
          PipelineError: the corpus or the teacher cannot be read.
        """
        half = self._inputs // 2
        if half == 0:
            return Encoding()
        return chosen_encoding(
            self._plan, labels, teacher=self._teacher, note=self._note, inputs=half
        ).encoding

    def cost(self, sample: pa.Table, layout: Layout) -> Cost | None:
        """Return what a sample costs, or None where nobody was asked.

        The first quarter is asked for the graph, and not timed, unless an encoding was chosen.

        Raises:
          TeacherError: it cannot be loaded, or its answer cannot be used.
        """
        rest = sample.slice(self.calls, max(0, self._inputs - self.calls))
        if rest.num_rows:
            rest = order_rows(rest, layout.head)
            first = 0 if self._answers else rest.num_rows // 4
            for part in (rest.slice(0, first), rest.slice(first)):
                self._ask(part, layout)
        if not self._answers:
            return None
        rows = pa.concat_tables([rows for rows, _ in self._answers])
        logits = RowLogits.joined([answer.answers for _, answer in self._answers])
        whole = with_logits(rows, logits, layout).drop_columns([SPLIT_COLUMN])
        timed = self._answers[-1][1]
        row_bytes, file_bytes = _bytes_of(whole, layout)
        return Cost(timed.seconds / max(1, timed.calls), row_bytes, file_bytes)

    def _ask(self, rows: pa.Table, layout: Layout) -> None:
        if rows.num_rows == 0:
            return
        how = self._plan.run.label
        answer = soft_labels(
            self._teacher(), rows, features=layout.features, how=how, head=layout.head
        )
        self._note(rows, answer)

    def _note(self, rows: pa.Table, answer: SoftLabels) -> None:
        self._answers.append((rows, answer))


def _bytes_of(rows: pa.Table, layout: Layout) -> tuple[float, float]:
    """Return the bytes of a row, and of a file beside its rows."""
    size, one = (len(encode_parquet(part, layout)) for part in (rows, rows.slice(0, 1)))
    if rows.num_rows < 2:
        return 0.0, float(size)
    each = (size - one) / (rows.num_rows - 1)
    return each, max(0.0, one - each)

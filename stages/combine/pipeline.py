"""Combine: tables of several teachers over one corpus become a table of their mean.

No teacher is asked. The new table is like any other: students, reports and checks need not know
that its teacher is several. Memory: one bucket of every table, and their validation splits where
weights are looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from schemas.errors import RunFileError, TableError
from schemas.head_kinds import has_setting
from schemas.layout import ASIDE, SPLITS, Encoding, Layout
from schemas.provenance import fingerprint
from schemas.quality import TeacherQuality
from schemas.run_file import RunFile
from schemas.soft_labels import FORMAT_VERSION, CombinedTeacher, TableCard
from stages.asking.quality import check_gates, noise_candidates, quality_of, teacher_quality
from stages.combine.artefacts import combine_artefacts
from stages.combine.join import Joined, check_alike, joined_bucket
from stages.combine.mixture import likeliest_weights, mean_of_logits, mean_of_probabilities
from stages.corpus.crossing import crossing_inputs
from stages.heads.labels import labels_by_line
from stages.label.card import code_version, count
from stages.label.planning.encoding import smallest_within
from stages.machine.own_folders import table_alone
from stages.machine.progress import say, task
from stages.rows.columns import shard_order
from stages.rows.pointers import unseen_positions
from stages.rows.row_logits import RowLogits
from stages.table.class_rows import say_scarce
from stages.table.opening import SoftLabelTable, open_table, table_exists
from stages.table.writing.publish import commit, put_in_place, version_number
from stages.table.writing.shards import with_logits, write_shards
from stages.table.writing.staging import BucketRecord, Staging

_MEANS = {"probabilities": mean_of_probabilities, "logits": mean_of_logits}
_SAMPLE_ROWS = 256


def combine(run: RunFile, tables: Sequence[SoftLabelTable], *, labels: Path) -> SoftLabelTable:
    """Make the table of the teachers' mean, or say that it is there.

    Args:
      run: for `[combine]`, and for `[label]`: shards, encoding and what the teacher must reach.
      tables: of one corpus and head.
      labels: folder of the new table.

    Raises:
      PipelineError: the tables differ, a row is missing, or another stated failure; nothing
        became visible.
    """
    check_alike(tables)
    _check_kind(run)
    plan = _Combination(run, tables)
    if any(table.path.resolve() == labels.resolve() for table in tables):
        raise TableError(
            f"table would replace one of its sources: {labels}. Name another folder in --labels."
        )
    with table_alone(labels):
        if table_exists(labels) and open_table(labels).card.plan_fingerprint == plan.fingerprint:
            check_gates(quality_of(open_table(labels)), run.label, visible=True)
            say(f"combine: nothing to do, {labels} is up to date")
            Staging(labels, plan.fingerprint).remove()
        else:
            plan.make(labels)
        table = open_table(labels, head=run.head)
        combine_artefacts(table, tables)
    return table


def _check_kind(run: RunFile) -> None:
    """Refuse a mean of probabilities of heads whose logits are none of a softmax.

    Raises:
      RunFileError: state `combine.mean` and `combine.weights` otherwise.
    """
    how, kind = run.combine, run.head.kind
    may = has_setting(kind, "combined_probabilities")
    if not may and (how.mean == "probabilities" or how.weights == "validation"):
        raise RunFileError(
            f"teachers cannot be combined so: [combine] of a {kind} head: found mean = "
            f'{how.mean!r}, weights = {how.weights!r}. State mean = "logits", and weights as '
            'numbers or "even".'
        )


class _Combination:
    """One combination: what decides it, and how it is made."""

    def __init__(self, run: RunFile, tables: Sequence[SoftLabelTable]) -> None:
        self._run, self._tables = run, tables
        cards = [table.card for table in tables]
        self.teacher = fingerprint(
            {
                "combine": run.combine.model_dump(mode="json"),
                "teachers": [card.teacher_fingerprint for card in cards],
                "validation": [card.plan_fingerprint for card in cards]
                if run.combine.weights == "validation"
                else [],
            }
        )
        how = run.label.model_dump(mode="json", include={"num_shards", "precision", "top_k"})
        self.fingerprint = fingerprint(
            {
                "format_version": FORMAT_VERSION,
                "teacher": self.teacher,
                "tables": [card.plan_fingerprint for card in cards],
                "label": {**how, "kl_budget_nats": run.label.kl_budget_nats},
            }
        )

    def make(self, labels: Path) -> None:
        """Write the shards, and commit them."""
        staging = Staging(labels, self.fingerprint)
        weights = self._weights()
        layout, kl_nats = self._layout(weights)
        missing = np.zeros(len(self._tables), np.int64)
        shards = self._run.label.num_shards
        with task("combine", total=shards, unit="shards") as advance:
            for bucket in range(shards):
                joined = self._joined(bucket)
                if joined is not None:
                    missing += joined.missing.sum(axis=1)
                kept = self._kept(joined)
                if kept is not None:
                    self._write(kept, weights, layout, staging, bucket)
                advance(bucket + 1, "")
        buckets = staging.buckets()
        if not buckets:
            raise TableError("nothing to combine: no row is in the tables. Label a corpus first.")
        quality = teacher_quality(buckets, staging, layout)
        check_gates(quality, self._run.label)
        teachers = tuple(
            CombinedTeacher(
                teacher_fingerprint=table.card.teacher_fingerprint,
                plan_fingerprint=table.card.plan_fingerprint,
                weight=float(weight),
                missing_rows=int(rows),
            )
            for table, weight, rows in zip(self._tables, weights, missing, strict=True)
        )
        card = self._card(layout, buckets, teachers, quality=quality, kl_nats=kl_nats)
        attempt = f"{self.fingerprint}:{version_number(labels) + 1}"
        commit(labels, shards=put_in_place(buckets, staging), card=card, attempt=attempt)
        staging.remove()
        shown = ", ".join(f"{one.weight:.3f} ({one.missing_rows} rows missing)" for one in teachers)
        say(f"combine: {card.counts.rows} rows; weights {shown}; committed")
        if card.counts.crossing_said is not None:
            say(f"combine: {card.counts.crossing_said}")
        say_scarce("combine", quality.class_rows, self._run.head)

    def _bucket(self, bucket: int, splits: Sequence[str] = (*SPLITS, ASIDE)) -> Joined | None:
        """Return a bucket's rows, as far as the policy for missing ones leaves them."""
        return self._kept(self._joined(bucket, splits))

    def _joined(self, bucket: int, splits: Sequence[str] = (*SPLITS, ASIDE)) -> Joined | None:
        """Return a bucket's rows.

        Raises:
          TableError: one is missing, where that is an error.
        """
        joined = joined_bucket(
            self._tables, bucket=bucket, num_shards=self._run.label.num_shards, splits=splits
        )
        if joined is None or self._run.combine.missing != "error":
            return joined
        lacking = np.asarray(joined.missing.any(axis=0))
        if lacking.any():
            row = int(np.flatnonzero(lacking)[0])
            table = self._tables[int(np.flatnonzero(joined.missing[:, row])[0])]
            name = joined.rows["example_id"][row].as_py()
            raise TableError(
                f"row is missing: {name} in {table.path}: {int(lacking.sum())} rows of shard "
                f"{bucket} are not in every table. Label the same corpus with each teacher, or "
                'state combine.missing = "others" or "drop".'
            )
        return joined

    def _kept(self, joined: Joined | None) -> Joined | None:
        """Return the rows that stay; None where there is none."""
        if joined is None or self._run.combine.missing != "drop":
            return joined
        kept = joined.where(~np.asarray(joined.missing.any(axis=0)))
        return kept if kept.rows.num_rows else None

    def _weights(self) -> npt.NDArray[np.float64]:
        stated, count = self._run.combine.weights, len(self._tables)
        if stated == "even":
            return np.full(count, 1.0 / count)
        if stated == "validation":
            return self._likeliest()
        if len(stated) != count:
            raise TableError(
                f"other number of weights: found {len(stated)} in combine.weights, expected "
                f"{count}, one a table. Mend it."
            )
        return np.array(stated) / sum(stated)

    def _likeliest(self) -> npt.NDArray[np.float64]:
        answers, labels = [], []
        layout = self._tables[0].card.layout
        for bucket in range(self._run.label.num_shards):
            joined = self._bucket(bucket, ("validation",))
            if joined is None:
                continue
            numbers = labels_by_line(joined.rows, layout)
            usable = (numbers >= 0) & ~np.isnan(joined.answers[..., 0]).any(axis=0)
            answers.append(joined.answers[:, usable])
            labels.append(numbers[usable])
        if not sum(map(len, labels)):
            raise TableError(
                "weights cannot be found: no labelled row of validation is in every table. State "
                'combine.weights as numbers or "even".'
            )
        return likeliest_weights(np.concatenate(answers, axis=1), np.concatenate(labels))

    def _layout(self, weights: npt.NDArray[np.float64]) -> tuple[Layout, float | None]:
        layout = self._tables[0].card.layout.model_copy(update={"encoding": Encoding()})
        stated = self._run.label.encoding
        if stated is not None:
            return layout.model_copy(update={"encoding": stated}), None
        buckets = (self._bucket(number) for number in range(self._run.label.num_shards))
        first = next((joined for joined in buckets if joined is not None), None)
        if first is None:
            return layout, None
        rows = np.arange(min(_SAMPLE_ROWS, first.rows.num_rows))
        sample = self._mean(first, weights).take(rows)
        found = smallest_within(sample, layout, budget_nats=self._run.label.kl_budget_nats)
        return layout.model_copy(update={"encoding": found.encoding}), found.kl_nats

    def _mean(self, joined: Joined, weights: npt.NDArray[np.float64]) -> RowLogits:
        values = _MEANS[self._run.combine.mean](joined.answers, weights)
        return RowLogits(values, joined.offsets)

    def _write(
        self,
        joined: Joined,
        weights: npt.NDArray[np.float64],
        layout: Layout,
        staging: Staging,
        bucket: int,
    ) -> None:
        answers = self._mean(joined, weights)
        order = shard_order(joined.rows)
        rows, answers = joined.rows.take(order), answers.take(order)
        shards = self._run.label.num_shards
        whole = with_logits(rows, answers, layout)
        files = write_shards(whole, staging, bucket=bucket, num_shards=shards, layout=layout)
        views = sum(file.views for file in files)
        staging.write_bucket(
            BucketRecord(
                bucket=bucket,
                rows=rows.num_rows - views,
                calls=0,
                reused=len(rows["input_digest"].unique()),
                truncated=0,
                seconds=0.0,
                files=files,
                noise_candidates=noise_candidates(rows, answers, layout),
                crossing=crossing_inputs(rows),
                unseen_positions=unseen_positions(answers, rows, layout),
            )
        )

    def _card(
        self,
        layout: Layout,
        buckets: dict[int, BucketRecord],
        teachers: tuple[CombinedTeacher, ...],
        *,
        quality: TeacherQuality,
        kl_nats: float | None,
    ) -> TableCard:
        return TableCard(
            format_version=FORMAT_VERSION,
            plan_fingerprint=self.fingerprint,
            teacher_fingerprint=self.teacher,
            corpus_digest=self._tables[0].card.corpus_digest,
            code_version=code_version(),
            features=layout.features,
            feature_kinds=layout.feature_kinds,
            head=layout.head,
            num_shards=self._run.label.num_shards,
            precision=layout.encoding.precision,
            top_k=layout.encoding.top_k,
            counts=count(buckets, None, resumed=0, quarantined=0),
            quality=quality,
            kl_nats=kl_nats,
            teachers=teachers,
            run_file=self._run.model_dump(mode="json"),
        )

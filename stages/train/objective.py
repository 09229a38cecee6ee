"""What a student is trained on: the loss against the teacher and the hard-label loss, weighed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow as tf

from schemas.head_kinds import USUAL_KIND, HeadKind
from schemas.train_section import ExampleWeight, Schedule, Train
from stages.heads import head_kind
from stages.heads.losses import find_loss
from stages.heads.losses.parts.divergences import kl_with_tail_bucket
from stages.heads.losses.parts.hard import has_hard_label, mean_over_valid
from stages.heads.losses.parts.logits import standardized
from stages.machine.replicas import over_replicas

Number = float | Schedule


@dataclass(frozen=True)
class Objective:
    """(1 - w) · mean loss to the teacher + w · mean loss to the hard labels.

    The first mean is over all examples, the second over those with a hard label. With w = 1 the
    teacher is not used at all: that is the baseline.

    Attributes: as of `[train]`, and `kind` of the head.
    """

    temperature: Number
    hard_label_weight: Number
    loss: str = "kl"
    standardize_logits: bool = False
    bucket: bool = False
    example_weight: ExampleWeight = "even"
    view_share: float | None = None
    label_smoothing: float = 0.0
    kind: HeadKind = USUAL_KIND

    @staticmethod
    def of(how: Train, kind: HeadKind) -> Objective:
        """Return a student's objective."""
        return Objective(
            temperature=how.temperature,
            hard_label_weight=how.hard_label_weight,
            loss=how.loss,
            standardize_logits=how.standardize_logits,
            bucket=how.tail == "bucket",
            example_weight=how.example_weight,
            view_share=how.view_share,
            label_smoothing=how.label_smoothing,
            kind=kind,
        )

    @staticmethod
    def of_hard_labels(how: Train, kind: HeadKind) -> Objective:
        """Return the objective of a baseline."""
        return Objective(1.0, hard_label_weight=1.0, label_smoothing=how.label_smoothing, kind=kind)

    @property
    def is_hard_labels_only(self) -> bool:
        """Whether the teacher is not used."""
        return self.hard_label_weight == 1.0

    def has_any(self, targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Return whether a batch has anything that counts, a bool scalar.

        Without the teacher that is a hard label, else whatever there is of what is `seen`.
        """
        if self.is_hard_labels_only:
            return head_kind(self.kind).has_any_label(targets)
        return tf.reduce_any(targets["seen"]) if "seen" in targets else tf.constant(True)

    def value(
        self,
        student_logits: tf.Tensor,
        targets: Mapping[str, tf.Tensor],
        *,
        progress: float | tf.Tensor = 0.0,
    ) -> tf.Tensor:
        """Return the objective of one batch, a float32 scalar.

        Args:
          student_logits: float32 [batch, classes], or [batch, words, classes]; of a `pointer` head
            [batch, words, 2], its labels as long.
          targets: `label` integer [batch], -1 for none, or as `labels_by_line` says of other kinds
            of head; `teacher_logits` float32 [batch, classes];
            of a table with `top_k` also `teacher_kept` bool [batch, classes]; of one with views
            also `is_view` bool [batch]. Of words each but the last is [batch, words, …], and `seen`
            bool [batch, words] says which count.
          progress: share of the training that is done, in [0, 1], for schedules.
        """
        kind = head_kind(self.kind)
        student_logits, targets = kind.lines(student_logits, targets)
        labels = targets["label"]
        hard = kind.hard_loss()
        hard_loss = mean_over_valid(
            hard.loss(student_logits, labels, self.label_smoothing), hard.has(labels)
        )
        if self.is_hard_labels_only:
            return hard_loss
        weight = scheduled(self.hard_label_weight, progress)
        losses = self._soft(student_logits, targets, progress)
        counted = example_weights(targets["teacher_logits"], labels, kind=self.example_weight)
        soft_loss = self._mean(losses, targets, counted)
        return (1.0 - weight) * soft_loss + weight * hard_loss

    def _mean(
        self, losses: tf.Tensor, targets: Mapping[str, tf.Tensor], counted: tf.Tensor | None
    ) -> tf.Tensor:
        """Return the mean over all; with a `view_share`, that of the two kinds' means.

        Of a batch that has one kind only, it is that one's mean.
        """
        valid = targets["seen"] if "seen" in targets else tf.ones_like(losses, tf.bool)
        if self.view_share is None or "is_view" not in targets:
            return mean_over_valid(losses, valid, counted)
        is_view = tf.reshape(targets["is_view"], [-1, *[1] * (len(losses.shape) - 1)])
        total = share = tf.zeros([], losses.dtype)
        for kind, own in ((~is_view, 1.0 - self.view_share), (is_view, self.view_share)):
            some = over_replicas(tf.reduce_sum(tf.cast(valid & kind, losses.dtype))) > 0
            own = tf.where(some, own, 0.0)
            total += own * mean_over_valid(losses, valid & kind, counted)
            share += own
        return tf.math.divide_no_nan(total, share)

    def _soft(
        self,
        student_logits: tf.Tensor,
        targets: Mapping[str, tf.Tensor],
        progress: float | tf.Tensor,
    ) -> tf.Tensor:
        temperature = scheduled(self.temperature, progress)
        teacher_logits = targets["teacher_logits"]
        if self.bucket and "teacher_kept" in targets:
            kept = targets["teacher_kept"]
            return kl_with_tail_bucket(
                student_logits, teacher_logits, kept, temperature=temperature
            )
        if self.standardize_logits:
            student_logits, teacher_logits = map(standardized, (student_logits, teacher_logits))
        loss = find_loss(self.loss, self.kind)
        return loss(student_logits, teacher_logits, targets["label"], temperature)


def scheduled(number: Number, progress: float | tf.Tensor) -> float | tf.Tensor:
    """Return a number at a share of the training.

    >>> float(scheduled(Schedule(start=4.0, end=2.0), 0.5))
    3.0
    >>> round(float(scheduled(Schedule(start=4.0, end=2.0, shape="cosine"), 0.25)), 4)
    3.7071
    """
    if not isinstance(number, Schedule):
        return number
    share = tf.clip_by_value(tf.cast(progress, tf.float32), 0.0, 1.0)
    if number.shape == "cosine":
        share = (1.0 - tf.cos(math.pi * share)) / 2.0
    return number.start + (number.end - number.start) * share


def example_weights(
    teacher_logits: tf.Tensor, labels: tf.Tensor, *, kind: ExampleWeight
) -> tf.Tensor | None:
    """Return how much the teacher's word on each example counts, float32 [batch], or None.

    Args:
      teacher_logits: float32 [batch, classes].
      labels: integer [batch], -1 for none.
      kind: as of `train.example_weight`.

    >>> logits = tf.constant([[9.0, 0.0], [9.0, 0.0], [0.0, 0.0]])
    >>> example_weights(logits, tf.constant([0, 1, -1]), kind="agreement").numpy().tolist()
    [1.0, 0.0, 1.0]
    """
    if kind == "even":
        return None
    if kind == "agreement":
        says = tf.argmax(teacher_logits, axis=-1, output_type=labels.dtype)
        return tf.cast((says == labels) | ~has_hard_label(labels), tf.float32)
    log_probs = tf.nn.log_softmax(teacher_logits)
    if kind == "confidence":
        return tf.exp(tf.reduce_max(log_probs, axis=-1))
    entropy = -tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=-1)
    return 1.0 - entropy / math.log(teacher_logits.shape[-1])

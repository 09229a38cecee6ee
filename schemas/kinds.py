"""What goes with each kind of head: metrics, losses and settings."""

from __future__ import annotations

from schemas.heads import Head, HeadKind
from schemas.label_section import GATES, Label
from schemas.teacher_section import Teacher
from schemas.train_section import LOSSES, Train

METRICS: dict[HeadKind, tuple[str, ...]] = {  # of a split; the first keeps an epoch's weights
    "softmax": ("accuracy", "precision_macro", "recall_macro", "f1_macro"),
    "sigmoid": ("f1_micro", "accuracy", "precision_macro", "recall_macro", "f1_macro"),
    "regression": ("r2", "pearson"),
    "pointer": ("overlap_f1", "exact_match", "answer_f1"),
}
TARGETS: dict[HeadKind, tuple[str, ...]] = {  # what training measures of validation
    **METRICS,
    "sigmoid": (*METRICS["sigmoid"], "auc"),
    "pointer": ("overlap_f1",),
}


def check_kind(kind: HeadKind, *, label: Label, train: Train) -> None:
    """Refuse what a kind of head cannot have.

    Raises:
      ValueError: it says what, and what is possible.
    """
    gates = [name for name in GATES if getattr(label, f"min_teacher_{name}") is not None]
    for gate in gates:
        if gate not in METRICS[kind]:
            raise ValueError(
                f"label.min_teacher_{gate} is not measured of a {kind} head; "
                f"there is {', '.join(METRICS[kind])}"
            )
    if train.loss not in LOSSES[kind]:
        raise ValueError(
            f"train.loss of a {kind} head is one of {', '.join(LOSSES[kind])} (found {train.loss})"
        )
    if kind == "softmax":
        return
    if label.precision == "auto" or label.top_k is not None:
        raise ValueError('`top_k` and `precision = "auto"` are for softmax heads')
    stated = {
        "standardize_logits": train.standardize_logits,
        "example_weight": train.example_weight != "even",
        "label_smoothing": train.label_smoothing > 0,
    }
    for name, is_stated in stated.items():
        if is_stated:
            raise ValueError(f"train.{name} is for softmax heads")


def check_one_number(head: Head, teacher: Teacher) -> None:
    """Refuse a teacher that answers with one number, where that is not for one of two classes.

    Raises:
      ValueError: the head is of another kind or has other classes.
    """
    if teacher.speaks_of is None:
        return
    if head.kind != "softmax" or len(head.classes) != 2:
        raise ValueError(f'`answers = "{teacher.answers}"` is for softmax heads of two classes')
    if teacher.speaks_of not in head.classes:
        raise ValueError(
            f"teacher.speaks_of is one of {', '.join(head.classes)} (found {teacher.speaks_of!r})"
        )

"""What goes with a kind of head: gates, losses and settings."""

from __future__ import annotations

from schemas.head_kinds import HeadKind, has_setting, kinds_with, metrics_of
from schemas.heads import Head
from schemas.label_section import GATES, Label
from schemas.teacher_section import Teacher
from schemas.train_section import Train, losses_of


def check_kind(kind: HeadKind, *, label: Label, train: Train) -> None:
    """Refuse what a kind of head cannot have.

    Raises:
      ValueError: it says what, and what is possible.
    """
    gates = [name for name in GATES if getattr(label, f"min_teacher_{name}") is not None]
    for gate in gates:
        if gate not in metrics_of(kind):
            raise ValueError(
                f"label.min_teacher_{gate} is not measured of a {kind} head; "
                f"there is {', '.join(metrics_of(kind))}"
            )
    if train.loss not in losses_of(kind):
        raise ValueError(
            f"train.loss of a {kind} head is one of {', '.join(losses_of(kind))} "
            f"(found {train.loss})"
        )
    is_cut = label.precision == "auto" or label.top_k is not None
    if is_cut and not has_setting(kind, "top_k"):
        raise ValueError(f'`top_k` and `precision = "auto"` are for {kinds_with("top_k")} heads')
    stated = {
        "standardize_logits": train.standardize_logits,
        "example_weight": train.example_weight != "even",
        "label_smoothing": train.label_smoothing > 0,
    }
    for name, is_stated in stated.items():
        if is_stated and not has_setting(kind, name):
            raise ValueError(f"train.{name} is for {kinds_with(name)} heads")


def check_one_number(head: Head, teacher: Teacher) -> None:
    """Refuse a teacher that answers with one number, where that is not for one of two classes.

    Raises:
      ValueError: the head is of another kind or has other classes.
    """
    if teacher.speaks_of is None:
        return
    if not has_setting(head.kind, "one_number") or len(head.classes) != 2:
        kinds = kinds_with("one_number")
        raise ValueError(f'`answers = "{teacher.answers}"` is for {kinds} heads of two classes')
    if teacher.speaks_of not in head.classes:
        raise ValueError(
            f"teacher.speaks_of is one of {', '.join(head.classes)} (found {teacher.speaks_of!r})"
        )

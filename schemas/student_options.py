"""What the options of the shipped kinds of students may be; those of one's own are its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from schemas.declared import declared, kind_names


@dataclass(frozen=True)
class Sizes:
    """Whole numbers from `least` to `most`."""

    least: int
    most: int

    def holds(self, value: Any) -> bool:
        """Return whether a value is one of them."""
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return is_number and self.least <= value <= self.most

    def __str__(self) -> str:
        return f"a whole number from {self.least} to {self.most}"


class Share:
    """A number from 0 on, below 1."""

    def holds(self, value: Any) -> bool:
        """Return whether a value is one."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and 0 <= value < 1

    def __str__(self) -> str:
        return "a number from 0 on, below 1"


Rule = Sizes | Share
FOLDER = "train/students"


def student_kinds() -> tuple[str, ...]:
    """Return the shipped kinds of students, by name."""
    return kind_names(FOLDER)


def options_of(kind: str) -> dict[str, Rule]:
    """Return what each option of a kind may be, as its module declares; none of one's own."""
    stated = declared(FOLDER).get(kind, {}).get("options", {})
    return {name: Share() if one == "share" else Sizes(*one[:2]) for name, one in stated.items()}


def sizes_of(kind: str) -> dict[str, int]:
    """Return the sizes of a shipped kind where a run file states none."""
    stated = declared(FOLDER)[kind]["options"]
    return {name: one[2] for name, one in stated.items() if one != "share"}


def may_start(kind: str) -> bool:
    """Return whether students of a kind may start from a pretrained encoder."""
    return bool(declared(FOLDER).get(kind, {}).get("starts"))


def weights_of(kind: str, options: Mapping[str, Any], **given: int) -> int:
    """Return about how many weights a student of a shipped kind has.

    Args:
      kind: its module declares them as a sum of products.
      options: as of a run file.
      given: `pieces` and `classes`.
    """
    sizes = {**sizes_of(kind), **options, **given}
    said = declared(FOLDER)[kind]["weights"]
    return int(sum(times * prod(sizes[name] for name in names) for times, *names in said))


def check_options(kind: str, options: Mapping[str, Any]) -> None:
    """Refuse sizes that no student of a kind can have; names that it has not are its builder's.

    Raises:
      ValueError: it says which, what was found and what is expected.
    """
    for name, rule in options_of(kind).items():
        if name in options and not rule.holds(options[name]):
            raise ValueError(
                f"options.{name} of kind {kind!r} is {options[name]!r}, expected {rule}"
            )

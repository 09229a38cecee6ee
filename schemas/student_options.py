"""What the options of the shipped kinds of students may be; those of one's own are its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
_WIDTH, _LAYERS, _HEADS = Sizes(1, 65_536), Sizes(1, 256), Sizes(1, 1024)
_POSITIONS = Sizes(3, 65_536)
_SEQUENCE: dict[str, Rule] = {
    "layers": _LAYERS,
    "hidden_width": _WIDTH,
    "heads": _HEADS,
    "inner_width": _WIDTH,
    "max_length": _POSITIONS,
    "dropout": Share(),
}
OPTIONS: dict[str, dict[str, Rule]] = {
    "bag": {"embedding_width": _WIDTH, "units": _WIDTH, "dropout": Share()},
    "lstm": {"embedding_width": _WIDTH, "units": _WIDTH, "dropout": Share()},
    "cnn": {
        "embedding_width": _WIDTH,
        "filters": _WIDTH,
        "widest": Sizes(2, 64),
        "dropout": Share(),
    },
    "bert": _SEQUENCE,
    "mobilebert": {
        **_SEQUENCE,
        "bottleneck_width": _WIDTH,
        "embedding_width": _WIDTH,
        "feed_forwards": Sizes(1, 64),
    },
}


def check_options(kind: str, options: Mapping[str, Any]) -> None:
    """Refuse sizes that no student of a kind can have; names that it has not are its builder's.

    Raises:
      ValueError: it says which, what was found and what is expected.
    """
    for name, rule in OPTIONS.get(kind, {}).items():
        if name in options and not rule.holds(options[name]):
            raise ValueError(
                f"options.{name} of kind {kind!r} is {options[name]!r}, expected {rule}"
            )

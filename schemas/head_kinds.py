"""What each kind of head declares in its module of `stages/heads`, as a run file needs it.

No kind is named here: those that there are, what a head of each may be and have, and the words in
which the others are refused, all come from `DECLARES` of the modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from schemas.declared import LAST, declared, kind_names, known_kind

FOLDER = "heads"
USUAL_KIND = "softmax"  # where none is stated; fingerprints leave it out


@dataclass(frozen=True)
class Declared:
    """What a kind of head says of itself.

    Attributes:
      place: where it stands when kinds are named; those of one place by name.
      label: of a row in Arrow: `text`, `texts` or `number`; by position a list of texts.
      per: what may have a class, the usual first.
      metrics: of a split; the first keeps an epoch's weights.
      targets: what training measures of validation; the metrics unless stated.
      settings: of those that are not for every kind, the ones that it has.
      fewest, most: classes.
      classes: what they always are; `named` where they are the head's own name.
      refused: the words in which a head is refused: `classes`, `per`.
      precision: of its logits in a table, where the run file states none.
      points: whether it says where among the positions an answer is.
    """

    label: Literal["text", "texts", "number"]
    metrics: tuple[str, ...]
    place: int = LAST
    per: tuple[str, ...] = ("example",)
    targets: tuple[str, ...] = ()
    settings: frozenset[str] = frozenset()
    fewest: int = 1
    most: int | None = None
    classes: tuple[str, ...] = ()
    named: bool = False
    refused: Mapping[str, str] = field(default_factory=dict)
    precision: str | None = None
    points: bool = False

    def allows(self, classes: tuple[str, ...]) -> bool:
        """Return whether a head may have these classes."""
        if self.classes:
            return classes == self.classes
        return self.fewest <= len(classes) and (self.most is None or len(classes) <= self.most)

    def usual(self, name: object) -> dict[str, Any]:
        """Return what a head of a name is where it does not say so itself."""
        usual: dict[str, Any] = {} if self.per[0] == "example" else {"per": self.per[0]}
        if self.classes:
            usual["classes"] = self.classes
        if self.named and isinstance(name, str):
            usual["classes"] = (name,)
        return usual


@cache
def head_kinds() -> Mapping[str, Declared]:
    """Return what each kind of head declares, by its name, in the order in which they are named."""
    found = {}
    for name in kind_names(FOLDER):
        said = declared(FOLDER)[name]
        lists = {key: tuple(value) for key, value in said.items() if isinstance(value, list)}
        found[name] = Declared(**{**said, **lists, "settings": frozenset(said["settings"])})
    return MappingProxyType(found)


def metrics_of(kind: str) -> tuple[str, ...]:
    """Return the metrics of a split; the first keeps an epoch's weights."""
    return head_kinds()[kind].metrics


def targets_of(kind: str) -> tuple[str, ...]:
    """Return what training measures of validation."""
    return head_kinds()[kind].targets or metrics_of(kind)


def has_setting(kind: str, setting: str) -> bool:
    """Return whether a setting that is not for every kind is for this one."""
    return setting in head_kinds()[kind].settings


def kinds_with(setting: str) -> str:
    """Return the names of the kinds that have a setting, as a sentence has them.

    >>> kinds_with("top_k"), kinds_with("probabilities")
    ('softmax', 'softmax and sigmoid')
    """
    names = [name for name, said in head_kinds().items() if setting in said.settings]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


HeadKind = Annotated[str, BeforeValidator(known_kind(FOLDER))]

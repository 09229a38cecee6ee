"""What each kind of input declares in its module of `stages/inputs`, as a run file needs it.

No kind is named here: what a row's features may be, which of a table's inputs is of which kind, and
the words in which others are refused, all come from `DECLARES` of the modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Annotated

import pyarrow as pa
from pydantic import BeforeValidator

from schemas.declared import LAST, declared, kind_names, one_of

FOLDER = "inputs"


@dataclass(frozen=True)
class Declared:
    """What a kind of input says of itself.

    Attributes:
      arrow: type of each feature's column: an alias of Arrow, or `list<alias>`.
      place: where it stands when kinds are named; those of one place by name.
      feature: the kind of its features, as a run file states it; its own name unless stated.
      features: how many columns it is made of.
      points: whether it is what a head that points asks about.
      per: what its positions may be called, where each may have a class.
      teachers: kinds that can be asked about it; all unless stated.
      views: whether others like it may be made from it.
      students: whether there are any that take it.
      refused: the words in which others are refused, in the order in which that is looked at:
        `teachers`, `views`.
    """

    arrow: str
    place: int = LAST
    feature: str = ""
    features: int = 1
    points: bool = False
    per: tuple[str, ...] = ()
    teachers: tuple[str, ...] = ()
    views: bool = True
    students: bool = True
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of each feature's column."""
        inner = self.arrow.removeprefix("list<").removesuffix(">")
        alias = pa.type_for_alias(inner)
        return alias if inner == self.arrow else pa.list_(alias)

    def not_asked(self, *, teacher: str, has_views: bool) -> str | None:
        """Return why a kind of teacher cannot be asked about it, or about views of it."""
        wrong = {
            "teachers": bool(self.teachers) and teacher not in self.teachers,
            "views": has_views and not self.views,
        }
        return self._first_of(wrong, teacher)

    def _first_of(self, wrong: Mapping[str, bool], found: str) -> str | None:
        for what in (*self.refused, *wrong):
            if wrong.get(what):
                said = self.refused.get(what, f"{what} cannot be (found {{found!r}})")
                return said.format(found=found)
        return None


@cache
def input_kinds() -> Mapping[str, Declared]:
    """Return what each kind of input declares, by its name, in the order in which they are named.

    >>> list(input_kinds())[:3]
    ['text', 'words', 'numbers']
    """
    said = declared(FOLDER)
    return MappingProxyType(
        {name: Declared(**{"feature": name, **said[name]}) for name in kind_names(FOLDER)}
    )


def kind_of_input(
    features: Sequence[str], feature_kinds: Mapping[str, str], *, points: bool
) -> str:
    """Return the name of the kind that a row's features are, together.

    Args:
      features: columns.
      feature_kinds: of those that are not of the first kind of all.
      points: whether a head points to where in it the answer is.

    >>> kind_of_input(["one", "other"], {}, points=False)
    'pair'
    """
    feature = feature_kinds.get(features[0], next(iter(input_kinds())))
    return next(_of(feature, len(features), points=points))


def feature_type(feature_kind: str | None) -> pa.DataType:
    """Return the Arrow type of a feature's column; of the first kind of all where none is stated.

    >>> feature_type(None), feature_type("numbers")
    (DataType(string), ListType(list<item: float>))
    """
    kinds = input_kinds()
    return kinds[feature_kind or next(iter(kinds))].type


def feature_kind_of(per: str) -> str | None:
    """Return the kind of feature whose positions are called so; None where none has any.

    >>> feature_kind_of("token"), feature_kind_of("example")
    ('words', None)
    """
    return next((said.feature for said in input_kinds().values() if per in said.per), None)


def _of(feature: str, count: int, *, points: bool) -> Iterator[str]:
    """Yield the kinds of so many features of a kind, the one of such a head first."""
    kinds = input_kinds()
    names = [name for name, said in kinds.items() if said.feature == feature]
    alike = [name for name in names if kinds[name].features == count]
    yield from sorted(alike or names, key=lambda name: kinds[name].points != points)


def _feature_kinds() -> list[str]:
    return [name for name, said in input_kinds().items() if said.feature == name]


FeatureKind = Annotated[str, BeforeValidator(one_of(_feature_kinds))]

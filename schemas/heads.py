"""What is predicted: a head names its classes and the loss family that follows from its kind."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.head_kinds import USUAL_KIND, HeadKind, has_setting, head_kinds, kinds_with
from schemas.spans import TagScheme

HeadPer = Literal["example", "token", "frame", "pixel"]


class Head(BaseModel):
    """One thing to predict about an example.

    Attributes:
      name: identifier; the table's columns are `label_<name>` and `teacher_<name>`.
      kind: `softmax` (one class of several), `sigmoid` (any number of classes, each of them or
        not), `regression` (a number) or `pointer` (one position of several: where an answer begins,
        and where it ends). It decides labels, losses and metrics.
      per: what has a class: the `example`, or each `token` (a word of the corpus, however teacher
        and student cut it into pieces), `frame` or `pixel` (a number of it). It decides the shape
        of logits: a line for each.
      classes: class names in the order of the logits; of a `regression` the head's own, of a
        `pointer` its two ends.
      tags: of a head per token whose classes mark spans (`O`, `B-PER`, …): their scheme. Rows that
        do not keep to it are refused; spans are counted in the same way for all of them.
      out_of_scope: the hard label of rows of none of the classes. They have no hard loss; the
        report says how well a model's confidence tells them from the others.
      column: corpus column with the hard label; `name` unless stated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: HeadKind = USUAL_KIND
    per: HeadPer = "example"
    classes: tuple[str, ...] = Field(min_length=1)
    tags: TagScheme | None = None
    out_of_scope: str | None = None
    column: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _what_a_kind_says_itself(cls, stated: Any) -> Any:
        """Say of a head what its kind says of every one: its classes, or what has them."""
        kind = stated.get("kind", USUAL_KIND) if isinstance(stated, dict) else None
        if not isinstance(kind, str) or kind not in head_kinds():
            return stated
        return {**head_kinds()[kind].usual(stated.get("name")), **stated}

    @field_validator("classes")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        repeated = sorted({name for name in value if value.count(name) > 1})
        if repeated:
            raise ValueError(f"classes repeat {repeated}; every class is named once")
        return value

    @model_validator(mode="after")
    def _has_as_many_classes_as_its_kind(self) -> Self:
        said = head_kinds()[self.kind]
        if not said.allows(self.classes):
            raise ValueError(said.refused["classes"])
        if self.per not in said.per:
            raise ValueError(said.refused["per"])
        return self

    @model_validator(mode="after")
    def _tags_are_of_tokens(self) -> Self:
        if self.tags is not None and (self.per != "token" or "O" not in self.classes):
            raise ValueError("`tags` is for a head per token with a class `O`")
        return self

    @model_validator(mode="after")
    def _is_out_of_its_classes(self) -> Self:
        if self.out_of_scope is None:
            return self
        may = has_setting(self.kind, "out_of_scope") and not self.by_position
        if not may or self.out_of_scope in self.classes:
            raise ValueError(
                f"`out_of_scope` is a label beside the classes of a {kinds_with('out_of_scope')} "
                "head"
            )
        return self

    @property
    def stated_labels(self) -> tuple[str, ...]:
        """The hard labels that a row may have: its classes, and that of rows out of scope."""
        return self.classes if self.out_of_scope is None else (*self.classes, self.out_of_scope)

    @property
    def has_spans(self) -> bool:
        """Whether its classes mark spans."""
        return self.per == "token" and "O" in self.classes

    @property
    def points(self) -> bool:
        """Whether it says where among the positions an answer is."""
        return head_kinds()[self.kind].points

    @property
    def by_position(self) -> bool:
        """Whether an example has several answers."""
        return self.per != "example"

    @property
    def label_column(self) -> str:
        """The table's hard-label column."""
        return f"label_{self.name}"

    @property
    def teacher_column(self) -> str:
        """The table's teacher-logits column."""
        return f"teacher_{self.name}"

    @property
    def presence_column(self) -> str:
        """The column of a table of several heads that says which rows have this one."""
        return f"has_{self.name}"

    @property
    def corpus_column(self) -> str:
        """The corpus column that holds the hard label."""
        return self.column or self.name

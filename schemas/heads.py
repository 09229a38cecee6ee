"""What is predicted: a head names its classes and the loss family that follows from its kind."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.spans import TagScheme

HeadKind = Literal["softmax", "sigmoid", "regression", "pointer"]
POINTER_ENDS = ("start", "end")
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
    kind: HeadKind = "softmax"
    per: HeadPer = "example"
    classes: tuple[str, ...] = Field(min_length=1)
    tags: TagScheme | None = None
    out_of_scope: str | None = None
    column: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _what_a_kind_says_itself(cls, stated: Any) -> Any:
        """Name the classes of a number as the head, and those of a pointer as its ends."""
        kind = stated.get("kind") if isinstance(stated, dict) else None
        if kind == "regression" and isinstance(stated.get("name"), str):
            return {"classes": (stated["name"],), **stated}
        return {"classes": POINTER_ENDS, "per": "token", **stated} if kind == "pointer" else stated

    @field_validator("classes")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        repeated = sorted({name for name in value if value.count(name) > 1})
        if repeated:
            raise ValueError(f"classes repeat {repeated}; every class is named once")
        return value

    @model_validator(mode="after")
    def _has_as_many_classes_as_its_kind(self) -> Self:
        if self.kind == "softmax" and len(self.classes) < 2:
            raise ValueError("a softmax head has two classes or more; one alone is for sigmoid")
        if self.kind == "regression" and len(self.classes) > 1:
            raise ValueError("a regression head is one number; leave its classes out")
        if self.kind == "pointer" and (self.per != "token" or self.classes != POINTER_ENDS):
            raise ValueError("a pointer head is per token; leave its classes and `per` out")
        if self.kind in ("sigmoid", "regression") and self.per != "example":
            raise ValueError(f"a {self.kind} head is per example")
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
        if self.kind != "softmax" or self.by_position or self.out_of_scope in self.classes:
            raise ValueError("`out_of_scope` is a label beside the classes of a softmax head")
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
        return self.kind == "pointer"

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

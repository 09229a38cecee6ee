"""The card of a table of several heads: what was joined, and the card of each head's own table."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from schemas.heads import Head
from schemas.layout import JoinedLayout
from schemas.soft_labels import TableCard


class JoinedCounts(BaseModel):
    """How many rows there are; one that several heads have is counted once.

    Attributes:
      rows: corpus rows; views come on top.
      views: augmented rows.
      split_rows: corpus rows by split.
      shared_rows: rows, views among them, that more than one head has.
      crossing_inputs: inputs that are in several splits, of one head or of several: a student of
        all is then trained on a text that it is also tested on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    views: int
    split_rows: dict[str, int]
    shared_rows: int
    crossing_inputs: int


class JoinedCard(BaseModel):
    """What is written into the commit that makes a version of several heads visible.

    Attributes:
      lacking: by file, from the table's folder, how many of its rows lack each head, in the order
        of the parts.
      parts: of each head the card of the table that it was labelled into, but for `num_shards`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int
    plan_fingerprint: str
    code_version: str
    num_shards: int
    counts: JoinedCounts
    lacking: dict[str, tuple[int, ...]]
    parts: tuple[TableCard, ...]

    @property
    def heads(self) -> tuple[Head, ...]:
        """What it has, in order."""
        return tuple(part.head for part in self.parts)

    @property
    def layout(self) -> JoinedLayout:
        """Its columns."""
        return JoinedLayout(parts=tuple(part.layout for part in self.parts))

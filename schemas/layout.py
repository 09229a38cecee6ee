"""The layout of the soft-label table as Arrow schemas; `schemas/README.md` says it in words."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from schemas.head_kinds import head_kinds
from schemas.heads import Head
from schemas.input_kinds import FeatureKind, feature_type, kind_of_input

Precision = Literal["float32", "float16", "bfloat16"]
SPLITS = ("train", "validation", "test")
ASIDE = "aside"  # answered and kept, but in no split that is used
SPLIT_COLUMN = "split"
DIGEST_BYTES = 16


class Encoding(BaseModel):
    """How logits are kept.

    Attributes:
      precision: mantissa that the float32 values keep: 23, 10 (`float16`) or 7 (`bfloat16`) bits.
      top_k: only so many of the largest logits, and the mass of the others as one number; all
        when None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    precision: Precision = "float16"
    top_k: int | None = Field(default=None, ge=1)

    def __str__(self) -> str:
        kept = "dense" if self.top_k is None else f"top {self.top_k}"
        return f"{kept} {self.precision}"


IDENTITY_FIELDS = (
    pa.field("input_digest", pa.binary(), nullable=False),
    pa.field("parent_digest", pa.binary()),
    pa.field("view", pa.int16(), nullable=False),
    pa.field("example_id", pa.string(), nullable=False),
)
SOURCE_FIELDS = (
    pa.field("source_file", pa.string(), nullable=False),
    pa.field("source_row", pa.int64(), nullable=False),
)
SPLIT_FIELD = pa.field(SPLIT_COLUMN, pa.string(), nullable=False)
_LABEL_TYPES = {"text": pa.string(), "texts": pa.list_(pa.string()), "number": pa.float64()}


def label_type(head: Head) -> pa.DataType:
    """Return the Arrow type of a head's label column."""
    label = head_kinds()[head.kind].label
    if label == "text" and head.by_position:
        return pa.list_(pa.string())
    return _LABEL_TYPES[label]


class Layout(BaseModel):
    """The columns of a table: features, a head and how its logits are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: tuple[str, ...]
    feature_kinds: dict[str, FeatureKind] = {}
    head: Head
    encoding: Encoding = Encoding()

    @property
    def input_kind(self) -> str:
        """The name of the kind of input that the features are, together."""
        return kind_of_input(self.features, self.feature_kinds, points=self.head.points)

    @property
    def logit_fields(self) -> tuple[pa.Field, ...]:
        """The columns that hold the teacher's answer."""
        name = self.head.teacher_column
        kinds = {name: pa.list_(pa.float32())}
        if self.encoding.top_k is not None:
            kinds[f"{name}_classes"] = pa.list_(pa.int32())
            kinds[f"{name}_tail"] = pa.float32()
        return tuple(
            pa.field(name, self._each(kind), nullable=False) for name, kind in kinds.items()
        )

    @property
    def logit_columns(self) -> tuple[str, ...]:
        """Names of the columns that hold the teacher's answer."""
        return tuple(field.name for field in self.logit_fields)

    @property
    def file_schema(self) -> pa.Schema:
        """The schema of one shard file; `split` is in its path, not in it."""
        return pa.schema(
            [
                *IDENTITY_FIELDS,
                *self.feature_fields,
                pa.field(self.head.label_column, label_type(self.head)),
                *self.logit_fields,
                *SOURCE_FIELDS,
            ]
        )

    @property
    def feature_fields(self) -> tuple[pa.Field, ...]:
        """The columns that the teacher saw."""
        return tuple(pa.field(name, self._kind(name), nullable=False) for name in self.features)

    def _each(self, kind: pa.DataType) -> pa.DataType:
        """Return the type of a column that has a value for whatever has a class."""
        return pa.list_(kind) if self.head.by_position else kind

    def _kind(self, feature: str) -> pa.DataType:
        return feature_type(self.feature_kinds.get(feature))

    @property
    def table_schema(self) -> pa.Schema:
        """The schema of the whole table, with its partition column last."""
        return self.file_schema.append(SPLIT_FIELD)


class JoinedLayout(BaseModel):
    """The columns of a table of several heads: those of each one's own table, once.

    Attributes:
      parts: a layout for each head.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: tuple[Layout, ...]

    @property
    def file_schema(self) -> pa.Schema:
        """The schema of one shard file; what a row may lack can be null."""
        features = {field.name: field for part in self.parts for field in part.feature_fields}
        lacked = [field.with_nullable(True) for field in features.values()]
        for part in self.parts:
            lacked += [
                pa.field(part.head.presence_column, pa.bool_(), nullable=False),
                pa.field(part.head.label_column, label_type(part.head)),
                *(field.with_nullable(True) for field in part.logit_fields),
            ]
        return pa.schema([*IDENTITY_FIELDS, *lacked, *SOURCE_FIELDS])

    @property
    def table_schema(self) -> pa.Schema:
        """The schema of the whole table, with its partition column last."""
        return self.file_schema.append(SPLIT_FIELD)

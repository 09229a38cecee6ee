"""The TOML run file as frozen models: one file is one experiment.

Science is in the file, machinery on the command line. Unknown keys are errors that name the
nearest known key; seeds have no default. Reading a file from disk is the caller's work:
this module turns text into a `RunFile`.
"""

from __future__ import annotations

import difflib
import tomllib
import types
import typing
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from schemas.errors import RunFileError
from schemas.heads import Head

CorpusFormat = Literal["parquet", "jsonl", "csv", "tsv", "lines"]
Precision = Literal["float32", "float16"]
Repeats = Literal["keep", "once"]
Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asset(_Section):
    """Where a file or a folder comes from: a local path, a pinned wheel, or a model handle.

    Attributes:
      path: a local path; with `wheel`, the path inside the wheel.
      wheel: `name==version` in the package registry.
      sha256: digest of the one file that `path` names.
      files: for a folder: digest of each file to take from it, by file name.
      handle: `hf://…` or `kaggle://…`, passed to keras-hub (models only).
    """

    path: str | None = None
    wheel: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9._!+-]+$")
    sha256: Sha256 | None = None
    files: dict[str, Sha256] | None = None
    handle: str | None = Field(default=None, pattern=r"^(hf|kaggle)://.+$")

    @model_validator(mode="after")
    def _one_source(self) -> Asset:
        if (self.path is None) == (self.handle is None):
            raise ValueError("an asset has either `path` (local, or inside `wheel`) or `handle`")
        if self.handle is not None and (self.wheel or self.sha256 or self.files):
            raise ValueError("an asset with `handle` takes no `wheel`, `sha256` or `files`")
        if self.wheel is not None and (self.sha256 is None) == (self.files is None):
            raise ValueError("an asset in a wheel states `sha256` (a file) or `files` (a folder)")
        return self


class Split(_Section):
    """How rows become train, validation and test: a column, or fractions decided by digest."""

    column: str | None = None
    validation: Fraction = 0.1
    test: Fraction = 0.1

    @model_validator(mode="after")
    def _leaves_train(self) -> Split:
        if self.validation + self.test >= 1.0:
            raise ValueError("validation + test must leave something for train (sum < 1)")
        return self


class Corpus(_Section):
    """The examples.

    Attributes:
      files: the corpus files; their order does not matter.
      format: how a file is read.
      features: columns that the teacher sees, in order.
      line_pattern: for `lines`: a regular expression with named groups, one row a line.
      encoding: of text formats.
      example_id: column with a caller's own identifier; made from content when absent.
      split: how rows are divided.
      repeats: whether training and evaluation count a row again that repeats another's
        input and label (`keep`) or not (`once`). The table always keeps every row.
    """

    files: tuple[Asset, ...] = Field(min_length=1)
    format: CorpusFormat
    features: tuple[str, ...] = Field(default=("text",), min_length=1, max_length=1)
    line_pattern: str | None = None
    encoding: str = "utf-8"
    example_id: str | None = None
    split: Split = Split()
    repeats: Repeats = "keep"

    @model_validator(mode="after")
    def _pattern_goes_with_lines(self) -> Corpus:
        if (self.format == "lines") != (self.line_pattern is not None):
            raise ValueError('`line_pattern` is needed by format "lines" and by no other')
        return self


class Fit(_Section):
    """How the teacher is fine-tuned on the hard labels of the train split.

    With `train_embeddings = false` the token embeddings stay as pretrained: half of a small
    encoder's weights, and of its optimizer's time.
    """

    seed: Seed
    epochs: int = Field(default=3, ge=1)
    batch_size: int = Field(default=32, ge=1)
    learning_rate: float = Field(default=5e-5, gt=0)
    warmup_fraction: Fraction = 0.1
    weight_decay: float = Field(default=0.01, ge=0)
    dropout: Fraction = 0.1
    patience_epochs: int = Field(default=2, ge=1)
    train_embeddings: bool = True


class Teacher(_Section):
    """The teacher: one that is already there (`path`), or an encoder to fine-tune."""

    path: str | None = None
    encoder: Asset | None = None
    fit: Fit | None = None
    max_length: int = Field(default=128, ge=8)
    lowercase: bool = True

    @model_validator(mode="after")
    def _one_source(self) -> Teacher:
        if (self.path is None) == (self.encoder is None):
            raise ValueError("the teacher has either `path` or `encoder`")
        if (self.encoder is None) != (self.fit is None):
            raise ValueError("[teacher.fit] goes with [teacher.encoder]")
        return self


class Label(_Section):
    """How the table is written. Rows do not depend on `batch_tokens` beyond float rounding."""

    num_shards: int = Field(default=8, ge=1, le=65536)
    precision: Precision = "float16"
    batch_tokens: int = Field(default=4096, ge=1)


class Student(_Section):
    """One student: a shipped `kind`, or `module:function`, with the options it takes."""

    name: Name
    kind: str
    options: dict[str, int | float | str | bool] = {}


class Train(_Section):
    """How every student is trained. `hard_label_weight` w: (1 - w)·T²·KL + w·cross-entropy."""

    seeds: tuple[Seed, ...] = Field(min_length=1)
    students: tuple[Student, ...] = Field(min_length=1)
    temperature: float = Field(default=2.0, gt=0)
    hard_label_weight: float = Field(default=0.3, ge=0, le=1)
    epochs: int = Field(default=20, ge=1)
    batch_size: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    max_length: int = Field(default=64, ge=4)
    baseline: bool = True

    @field_validator("seeds", "students")
    @classmethod
    def _distinct(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [getattr(item, "name", item) for item in value]
        if len(set(names)) != len(names):
            raise ValueError(f"named twice in {names}")
        return value


class Evaluate(_Section):
    """How results are measured."""

    split: Literal["validation", "test"] = "test"
    calibration_bins: int = Field(default=15, ge=2)
    latency_calls: int = Field(default=100, ge=5)


class RunFile(_Section):
    """One experiment, from corpus to report."""

    name: Name
    corpus: Corpus
    heads: tuple[Head, ...] = Field(min_length=1, max_length=1)
    teacher: Teacher
    label: Label = Label()
    train: Train
    evaluate: Evaluate = Evaluate()

    @property
    def head(self) -> Head:
        """The one head."""
        return self.heads[0]


def parse_run_file(text: str, *, source: str, overrides: Sequence[str] = ()) -> RunFile:
    """Return the run file that a TOML text and `section.key=value` overrides state.

    Args:
      text: TOML.
      source: name of the file, for messages.
      overrides: each `section.key=value`; the value is TOML, or else a plain string.

    Raises:
      RunFileError: not TOML, an unknown key, a missing key or a value out of range.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RunFileError(f"run file is not TOML: {source}: {error}. Mend that line.") from error
    for override in overrides:
        _apply_override(data, override)
    try:
        return RunFile.model_validate(data)
    except ValidationError as error:
        raise RunFileError(_explain(error, source=source)) from error


def _apply_override(data: dict[str, Any], override: str) -> None:
    path, equals, value = override.partition("=")
    keys = [key.strip() for key in path.split(".")]
    if not equals or not all(keys):
        raise RunFileError(
            f"override cannot be read: --set {override!r}. Expected section.key=value."
        )
    section = data
    for key in keys[:-1]:
        section = section.setdefault(key, {})
        if not isinstance(section, dict):
            raise RunFileError(f"override cannot be applied: --set {override!r}: {key} is a value.")
    section[keys[-1]] = _toml_value(value.strip())


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explain(error: ValidationError, *, source: str) -> str:
    lines = [_explain_one(dict(item)) for item in error.errors()]
    return f"run file does not hold: {source}: " + "; ".join(lines) + "."


def _explain_one(item: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        known = _known_keys(item["loc"][:-1])
        near = difflib.get_close_matches(str(item["loc"][-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(known))}"
        return f"unknown key {place!r}; {hint}"
    if item["type"] == "missing":
        return f"missing key {place!r}; it has no default, state it"
    message = item["msg"].removeprefix("Value error, ")
    found = "" if isinstance(item["input"], dict) else f" (found {item['input']!r})"
    return f"{place or 'file'}: {message}{found}"


def _known_keys(location: Iterable[int | str]) -> list[str]:
    model: type[BaseModel] = RunFile
    for part in location:
        if isinstance(part, str):
            model = _section_model(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _section_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next(filter(None, map(_section_model, typing.get_args(annotation))), None)

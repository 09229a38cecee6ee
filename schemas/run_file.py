"""The TOML run file as frozen models: one file is one experiment.

Science is in the file, machinery on the command line. Unknown keys are errors that name the
nearest known key; seeds have no default. Reading a file from disk is the caller's work:
this module turns text into a `RunFile`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from schemas.adjust_section import Adjust, Target
from schemas.combine_section import Combine
from schemas.corpus_section import FORMATS_FOLDER, Corpus, Unlabelled
from schemas.declared import declared
from schemas.errors import RunFileError
from schemas.explain import explain
from schemas.head_kinds import has_setting, head_kinds, kinds_with, metrics_of, targets_of
from schemas.heads import Head
from schemas.input_kinds import feature_kind_of, input_kinds
from schemas.kinds import check_kind, check_one_number
from schemas.label_section import Label
from schemas.layout import Encoding, Layout
from schemas.section import Name, Section
from schemas.teacher_section import Teacher
from schemas.toml_text import read_toml
from schemas.train_section import Train


class Evaluate(Section):
    """How results are measured.

    With `keep_to_tags` a row's tags are the likeliest ones that keep to the head's scheme.
    """

    split: Literal["validation", "test"] = "test"
    calibration_bins: int = Field(default=15, ge=2, le=10_000)
    latency_calls: int = Field(default=100, ge=5, le=100_000)
    keep_to_tags: bool = False


class RunFile(Section):
    """One experiment, from corpus to report."""

    name: Name
    corpus: Corpus
    heads: tuple[Head, ...] = Field(min_length=1, max_length=1)
    teacher: Teacher
    label: Label = Label()
    combine: Combine = Combine()
    train: Train
    target: Target | None = None
    adjust: Adjust | None = None
    evaluate: Evaluate = Evaluate()

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_kept_as_they_are(cls, stated: Any) -> Any:
        """Keep logits in the precision that the head's kind asks for, unless one is stated."""
        heads = stated.get("heads") if isinstance(stated, dict) else None
        first = heads[0] if isinstance(heads, list | tuple) and heads else None
        how = stated.get("label", {}) if isinstance(stated, dict) else None
        if not isinstance(first, dict) or not isinstance(how, dict):
            return stated
        said = head_kinds().get(str(first.get("kind")))
        if said is None or said.precision is None or "precision" in how:
            return stated
        return {**stated, "label": {**how, "precision": said.precision}}

    @model_validator(mode="after")
    def _top_k_leaves_a_tail(self) -> Self:
        top_k, classes = self.label.top_k, len(self.head.classes)
        if top_k is not None and top_k >= classes:
            raise ValueError(f"label.top_k must be below the {classes} classes (found {top_k})")
        return self

    @model_validator(mode="after")
    def _a_bucket_needs_a_tail(self) -> Self:
        may_have_one = self.label.top_k is not None or self.label.precision == "auto"
        if self.train.tail == "bucket" and not may_have_one:
            raise ValueError('train.tail = "bucket" needs a table with label.top_k')
        return self

    @model_validator(mode="after")
    def _a_column_sees_no_views(self) -> Self:
        if self.teacher.kind == "column" and self.label.views is not None:
            raise ValueError("[label.views] needs a teacher that can be asked, not a column")
        return self

    @model_validator(mode="after")
    def _features_do_not_tell_the_answer(self) -> Self:
        told = {
            self.teacher.column: "the teacher's answers (teacher.column)",
            self.corpus.split.column: "the split (corpus.split.column)",
            self.head.corpus_column: f"the hard labels of head {self.head.name!r}",
        }
        for name in self.corpus.features:
            if name in told:
                raise ValueError(f"corpus.features has {name!r}, the column of {told[name]}")
        return self

    @model_validator(mode="after")
    def _positions_are_of_their_kind(self) -> Self:
        corpus, head = self.corpus, self.head
        needed = feature_kind_of(head.per)
        if needed is not None and corpus.feature_kinds.get(corpus.features[0]) != needed:
            raise ValueError(
                f"head {head.name!r} per {head.per} needs a list of {needed}: state "
                f'corpus.feature_kinds = {{ {corpus.features[0]} = "{needed}" }}'
            )
        return self

    @model_validator(mode="after")
    def _formats_of_words_have_their_columns(self) -> Self:
        corpus, head = self.corpus, self.head
        of_words = corpus.feature_kinds == {"words": "words"} and head.per == "token"
        parts: list[Corpus | Unlabelled] = [corpus, *corpus.unlabelled]
        for part in parts:
            words = declared(FORMATS_FOLDER)[part.format].get("words")
            if words is None:
                continue
            has_its_labels = part is not corpus or head.corpus_column == words["column"]
            if not (of_words and head.points == words["points"] and has_its_labels):
                raise ValueError(
                    f'format "{part.format}" is for features = ["words"], feature_kinds = '
                    f'{{ words = "words" }} and a head {words["said"]}'
                )
        return self

    @model_validator(mode="after")
    def _inputs_can_be_asked(self) -> Self:
        kind, has_views = input_kinds()[self.layout().input_kind], self.label.views is not None
        if said := kind.not_asked(teacher=self.teacher.kind, has_views=has_views):
            raise ValueError(said)
        return self

    @model_validator(mode="after")
    def _pointers_can_be_asked(self) -> Self:
        if not self.head.points:
            return self
        if self.teacher.kind == "transformers" and self.teacher.word_logits == "mean":
            raise ValueError("pointers begin at a first piece and end at a last; no mean of them")
        return self

    @model_validator(mode="after")
    def _has_a_teacher_for_it(self) -> Self:
        teacher = self.teacher
        if teacher.stride is not None and not self.head.by_position:
            raise ValueError("teacher.stride is for heads per token")
        if self.train.stride is not None and self.head.per != "token":
            raise ValueError("train.stride is for heads per token")
        has_some = has_setting(self.head.kind, "probabilities") and not self.head.by_position
        if teacher.answers == "probabilities" and not has_some:
            some = kinds_with("probabilities")
            raise ValueError(f'`answers = "probabilities"` is for {some} heads per example')
        return self

    @model_validator(mode="after")
    def _suits_its_kind_of_head(self) -> Self:
        check_kind(self.head.kind, label=self.label, train=self.train)
        check_one_number(self.head, self.teacher)
        unsure = [part.min_confidence for part in self.corpus.unlabelled if part.min_confidence]
        if unsure and not has_setting(self.head.kind, "min_confidence"):
            raise ValueError(f"`min_confidence` is for {kinds_with('min_confidence')} heads")
        return self

    @model_validator(mode="after")
    def _tags_have_a_scheme(self) -> Self:
        if self.evaluate.keep_to_tags and self.head.tags is None:
            raise ValueError("evaluate.keep_to_tags needs a head with `tags`")
        return self

    @model_validator(mode="after")
    def _target_is_measured(self) -> Self:
        metric = None if self.target is None else self.target.metric
        if metric is None:
            return self
        if metric.startswith("span_"):
            if not self.head.has_spans:
                raise ValueError("target.metric counts spans, which the head's classes do not mark")
        elif metric not in targets_of(self.head.kind):
            known = ", ".join(targets_of(self.head.kind))
            raise ValueError(f"target.metric of a {self.head.kind} head is one of {known}")
        return self

    @model_validator(mode="after")
    def _adjusts_towards_a_target(self) -> Self:
        if self.adjust is None:
            return self
        if self.target is None:
            raise ValueError("[adjust] needs a [target] to reach")
        names = [student.name for student in self.train.students]
        if self.adjust.student is not None and self.adjust.student not in names:
            raise ValueError(f"adjust.student {self.adjust.student!r} is none of {names}")
        return self

    @property
    def kept_by(self) -> str:
        """The validation figure that decides which epoch of a student is kept."""
        if self.target is not None:
            return self.target.metric
        return "span_f1" if self.head.has_spans else metrics_of(self.head.kind)[0]

    def layout(self, encoding: Encoding | None = None) -> Layout:
        """Return the columns of the run's table, with logits kept in some way."""
        return Layout(
            features=self.corpus.features,
            feature_kinds=self.corpus.feature_kinds,
            head=self.head,
            encoding=encoding or Encoding(),
        )

    @property
    def head(self) -> Head:
        """The one head."""
        return self.heads[0]


def parse_run_file(
    text: str,
    *,
    source: str,
    overrides: Sequence[str] = (),
    train: Mapping[str, Any] | None = None,
) -> RunFile:
    """Return the run file that a TOML text and `section.key=value` overrides state.

    Args:
      text: TOML.
      source: name of the file, for messages.
      overrides: each `section.key=value`; the value is TOML, or else a plain string.
      train: in the place of its `[train]`, where given.

    Raises:
      RunFileError: not TOML, an unknown key, a missing key or a value out of range.
    """
    data = read_toml(text, source=source, overrides=overrides)
    if "tasks" in data or states_heads(data):
        raise RunFileError(
            f"run file has several tasks: {source}. Give it to `run`, or a run file of one task "
            "alone."
        )
    return run_file_of(data, source=source, train=train)


def run_file_of(
    data: Mapping[str, Any], *, source: str, train: Mapping[str, Any] | None = None
) -> RunFile:
    """Return the run file that nested dictionaries state.

    Args:
      data: as TOML has it.
      source: name of the file, for messages.
      train: in the place of its `[train]`, where given.

    Raises:
      RunFileError: an unknown key, a missing key or a value out of range.
    """
    stated = dict(data) if train is None else {**data, "train": dict(train)}
    try:
        return RunFile.model_validate(stated)
    except ValidationError as error:
        raise RunFileError(explain(error, RunFile, source=source, stated=stated)) from error


def states_heads(data: Mapping[str, Any]) -> bool:
    """Return whether several heads are stated."""
    heads = data.get("heads")
    return isinstance(heads, list) and len(heads) > 1

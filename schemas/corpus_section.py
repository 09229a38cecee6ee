"""The corpus as a run file states it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from schemas.asset import Asset
from schemas.crossing import Crossing
from schemas.declared import declared, kind_names, known_kind
from schemas.input_kinds import FeatureKind
from schemas.section import Fraction, Section

FORMATS_FOLDER = "corpus/formats"
CorpusFormat = Annotated[str, BeforeValidator(known_kind(FORMATS_FOLDER))]
Repeats = Literal["keep", "once"]


def _check_format(part: Corpus | Unlabelled) -> None:
    for option, is_stated in (
        ("line_pattern", part.line_pattern is not None),
        ("conll_columns", bool(part.conll_columns)),
    ):
        needing = _formats_with("needs", option)
        if (part.format in needing) != is_stated:
            raise ValueError(f"`{option}` is needed by format {_said(needing)} and by no other")


def _formats_with(key: str, value: object) -> list[str]:
    said = declared(FORMATS_FOLDER)
    return [name for name in kind_names(FORMATS_FOLDER) if said[name].get(key) == value]


def _said(names: list[str]) -> str:
    return " or ".join(f'"{name}"' for name in names)


class CorpusFile(Asset):
    """A corpus file, and the split that all its rows are of, where it is one's.

    `split` is stated for every file or for none.
    """

    split: Literal["train", "validation", "test"] | None = None


class Split(Section):
    """How rows become train, validation and test: a column, or fractions decided by digest."""

    column: str | None = None
    validation: Fraction = 0.1
    test: Fraction = 0.1

    @model_validator(mode="after")
    def _leaves_train(self) -> Split:
        if self.validation + self.test >= 1.0:
            raise ValueError("validation + test must leave something for train (sum < 1)")
        return self


class Unlabelled(Section):
    """More texts without a hard label: the teacher labels them, and the train split takes them.

    A text that the labelled corpus holds too is left out, so none of validation or test is
    trained on.

    Attributes:
      files, format, line_pattern, conll_columns, encoding: as of the corpus; the feature columns
        are its too.
      min_confidence: rows whose largest teacher probability is below it stay in the table, so
        that they are not asked again, but outside of every split that is used.
    """

    files: tuple[Asset, ...] = Field(min_length=1)
    format: CorpusFormat
    line_pattern: str | None = None
    conll_columns: dict[str, int] = {}
    encoding: str = "utf-8"
    min_confidence: Fraction = 0.0

    @model_validator(mode="after")
    def _pattern_goes_with_lines(self) -> Unlabelled:
        _check_format(self)
        return self


class Corpus(Section):
    """The examples.

    Attributes:
      files: the corpus files; their order does not matter.
      format: how a file is read.
      features: columns that the teacher sees, in order: one, or two texts that are asked together;
        none that holds hard labels, splits or the answers of a teacher.
      feature_kinds: of those that are not `text`: `words` is a list of them, or text that is split
        at white space; `numbers` a list of them (an image's pixels, the samples of a sound), in
        Parquet only.
      line_pattern: for `lines`: a regular expression with named groups, one row a line.
      conll_columns: for `conll`: which column is which, from 0, or from the last, which is -1.
      encoding: of text formats.
      example_id: column with a caller's own identifier; made from content when absent.
      split: how rows are divided.
      crossing: what is done with an input that is in several splits, as a column or files may state
        them: its rows stay and are counted (`keep`), those of all splits but the one that is held
        out most (test, else validation) are left out (`drop`), or nothing is made (`error`).
      repeats: whether training and evaluation count a row again that repeats another's
        input and label (`keep`) or not (`once`). The table always keeps every row.
      unlabelled: more texts, for the teacher to label.
    """

    files: tuple[CorpusFile, ...] = Field(min_length=1)
    format: CorpusFormat
    features: tuple[str, ...] = Field(default=("text",), min_length=1, max_length=2)
    feature_kinds: dict[str, FeatureKind] = {}
    line_pattern: str | None = None
    conll_columns: dict[str, int] = {}
    encoding: str = "utf-8"
    example_id: str | None = None
    split: Split = Split()
    crossing: Crossing = Field(default="keep", exclude_if=lambda stated: stated == "keep")
    repeats: Repeats = "keep"
    unlabelled: tuple[Unlabelled, ...] = ()

    @model_validator(mode="after")
    def _pattern_goes_with_lines(self) -> Corpus:
        _check_format(self)
        return self

    @model_validator(mode="after")
    def _kinds_are_of_features(self) -> Corpus:
        if unknown := sorted(set(self.feature_kinds) - set(self.features)):
            raise ValueError(f"feature_kinds names {unknown}, which are no features")
        if len(self.features) == 2 and self.feature_kinds:
            raise ValueError("of two features both are texts; leave feature_kinds out")
        formats = {self.format, *(part.format for part in self.unlabelled)}
        with_numbers = _formats_with("numbers", True)
        if "numbers" in self.feature_kinds.values() and not formats <= set(with_numbers):
            said = _said(with_numbers)
            raise ValueError(f"a feature of numbers is read from format = {said} only")
        return self

    @model_validator(mode="after")
    def _splits_in_one_way(self) -> Corpus:
        stated = {file.split is not None for file in self.files}
        if len(stated) > 1:
            raise ValueError("`split` is stated for every file of the corpus or for none")
        if stated == {True} and self.split.column is not None:
            raise ValueError("split is either a column's or a file's")
        return self

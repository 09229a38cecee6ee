"""The teacher as a run file states it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.asset import Asset
from schemas.section import Fraction, Section, Seed

TeacherKind = Literal[
    "keras", "saved_model", "onnx", "transformers", "keras_hub", "module", "column"
]

Answers = Literal["logits", "probabilities", "one_logit", "one_probability"]
ONE_NUMBER = ("one_logit", "one_probability")


class Fit(Section):
    """How the teacher is fine-tuned on the hard labels of the train split.

    With `train_embeddings = false` the token embeddings stay as pretrained: half of a small
    encoder's weights, and of its optimizer's time.
    """

    seed: Seed
    epochs: int = Field(default=3, ge=1, le=100_000)
    batch_size: int = Field(default=32, ge=1, le=1_000_000)
    learning_rate: float = Field(default=5e-5, gt=0)
    warmup_fraction: Fraction = 0.1
    weight_decay: float = Field(default=0.01, ge=0)
    dropout: Fraction = 0.1
    patience_epochs: int = Field(default=2, ge=1, le=100_000)
    train_embeddings: bool = True


class Teacher(Section):
    """The teacher: one that is already there, or an encoder to fine-tune.

    Attributes:
      kind: what it is.
      path: its folder or file.
      source: the same from a pinned package, or a handle of `transformers` and `keras_hub`.
      callable: of `module`: `package.module:function`.
      column: of `column`: the corpus column that holds its answers.
      answers: whether it answers with logits or with probabilities; a column's are looked at. Of
        two classes also with `one_logit` or `one_probability`, a number for one of them.
      speaks_of: the class that this one number is of.
      signature: of `saved_model`.
      output: name of the output that holds the answers; the only one unless stated.
      encoder, fit: a pretrained encoder, and how it is fine-tuned.
      max_length: tokens of the longest input; longer ones are cut.
      lowercase: how the encoder's tokenizer reads text.
      runtime: of `keras`: what runs it. `onnx` converts it once for ONNX Runtime.
      compute_dtype: of `keras`, `keras_hub` and `transformers`: what its products are computed
        in. The logits are float32 all the same.
      word_logits: of `keras` and `transformers` where each word has a class: those of the word's
        first piece, or the mean over its pieces.
      stride: of `keras` and `transformers` where each word has a class: rows that are longer than
        the window are seen through several, which share so many pieces; they are cut unless stated.
      options: what `module` is called with.
      version: of `module`: stands for its file, whose changes then no longer count; whoever states
        it says by a new one that the answers have changed.
    """

    kind: TeacherKind = "keras"
    path: str | None = None
    source: Asset | None = None
    callable: str | None = Field(default=None, pattern=r"^[\w.]+:[\w.]+$")
    column: str | None = None
    answers: Answers | None = None
    speaks_of: str | None = None
    signature: str = "serving_default"
    output: str | None = None
    encoder: Asset | None = None
    fit: Fit | None = None
    max_length: int = Field(default=128, ge=8, le=65_536)
    lowercase: bool = True
    runtime: Literal["tensorflow", "onnx"] = "tensorflow"
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    word_logits: Literal["first", "mean"] = "first"
    stride: int | None = Field(default=None, ge=0, le=65_536)
    options: dict[str, int | float | str | bool] = {}
    version: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        stated = {
            "path": self.path,
            "source": self.source,
            "encoder": self.encoder,
            "callable": self.callable,
            "column": self.column,
        }
        found = [name for name, value in stated.items() if value is not None]
        expected = _PLACES[self.kind]
        if len(found) != 1 or found[0] not in expected:
            raise ValueError(
                f"a teacher of kind {self.kind!r} has just one of {', '.join(expected)} "
                f"(found {', '.join(found) or 'none'})"
            )
        if (self.encoder is None) != (self.fit is None):
            raise ValueError("[teacher.fit] goes with [teacher.encoder]")
        return self

    @model_validator(mode="after")
    def _one_number_is_of_a_class(self) -> Self:
        if self.gives_one_number != (self.speaks_of is not None):
            raise ValueError(
                "`speaks_of` says of which class the one number of `answers = "
                '"one_logit"` or `"one_probability"` is; state both or neither'
            )
        if self.gives_one_number and self.encoder is not None:
            raise ValueError("a teacher that is fine-tuned has a logit for each class")
        return self

    @model_validator(mode="after")
    def _can_be_run_so(self) -> Self:
        if self.runtime == "onnx" and self.kind != "keras":
            raise ValueError('`runtime = "onnx"` is for a teacher of kind "keras"')
        if self.compute_dtype == "bfloat16" and (
            self.kind not in _CASTABLE or self.runtime == "onnx"
        ):
            raise ValueError(
                f'`compute_dtype = "bfloat16"` is for the kinds {", ".join(_CASTABLE)}, run by '
                "their own framework"
            )
        return self

    @model_validator(mode="after")
    def _version_is_of_code(self) -> Self:
        if self.version is not None and self.kind != "module":
            raise ValueError(
                '`version` is for a teacher of kind "module"; those of other kinds count by the '
                "digest of their files"
            )
        return self

    @model_validator(mode="after")
    def _windows_go_on(self) -> Self:
        if self.stride is None:
            return self
        if self.kind not in ("keras", "transformers"):
            raise ValueError("`stride` is for teachers of kind keras or transformers")
        return self

    @property
    def gives_one_number(self) -> bool:
        """Whether it answers for two classes with one number."""
        return self.answers in ONE_NUMBER

    @property
    def asset(self) -> Asset | None:
        """Where its files come from, if it has any."""
        return Asset(path=self.path) if self.path is not None else self.source


_CASTABLE = ("keras", "keras_hub", "transformers")
_PLACES = {
    "keras": ("path", "encoder"),
    "saved_model": ("path", "source"),
    "onnx": ("path", "source"),
    "transformers": ("path", "source"),
    "keras_hub": ("path", "source"),
    "module": ("callable",),
    "column": ("column",),
}

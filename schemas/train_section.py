"""How students are trained, as a run file states it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from schemas.asset import Asset
from schemas.declared import declared, kind_names, known_kind
from schemas.section import Fraction, Name, Section, Seed
from schemas.student_options import check_options, may_start, student_kinds

LOSSES_FOLDER = "heads/losses"
LossName = Annotated[str, BeforeValidator(known_kind(LOSSES_FOLDER))]
OF_TEACHER = (  # of `[train]`: how the teacher is listened to
    "loss",
    "temperature",
    "hard_label_weight",
    "standardize_logits",
    "tail",
    "example_weight",
    "view_share",
    "views_per_pass",
)
ExampleWeight = Literal["even", "confidence", "certainty", "agreement"]
Start = Literal["random", "teacher"]
ComputeDtype = Literal["float32", "bfloat16", "float16"]


def losses_of(kind: str) -> tuple[str, ...]:
    """Return the losses against the teacher that heads of a kind have, as modules declare them.

    >>> losses_of("regression")
    ('squared_error',)
    """
    said = declared(LOSSES_FOLDER)
    return tuple(name for name in kind_names(LOSSES_FOLDER) if kind in said[name]["heads"])


class Schedule(Section):
    """A number that changes from `start` to `end` over the training, evenly or as half a cosine."""

    start: float
    end: float
    shape: Literal["linear", "cosine"] = "linear"


def ends(number: float | Schedule) -> tuple[float, float]:
    """Return a number where it starts and where it ends."""
    return (number.start, number.end) if isinstance(number, Schedule) else (number, number)


def _tag(value: object) -> str:
    return "schedule" if isinstance(value, dict | Schedule) else "number"


_Schedule = Annotated[Schedule, Tag("schedule")]
Positive = Annotated[Annotated[float, Field(gt=0), Tag("number")] | _Schedule, Discriminator(_tag)]
Weight = Annotated[
    Annotated[float, Field(ge=0, le=1), Tag("number")] | _Schedule, Discriminator(_tag)
]


class EncoderStart(Asset):
    """A pretrained BERT that a student of kind `bert` starts from.

    A folder of Hugging Face or Keras, or one of `teach`; or from a package or a handle.

    Attributes:
      layers: which of its layers, from 0; all unless stated. Every other one is a start that was
        found good.

    Reference:
      Sanh, Debut, Chaumond, Wolf. DistilBERT, a Distilled Version of BERT. 2019.
    """

    layers: tuple[int, ...] | None = Field(default=None, min_length=1)


class Student(Section):
    """One student: a shipped `kind`, `module:function`, or a saved `.keras`, with its options.

    Attributes:
      embeddings: what the word embeddings start from: random numbers, or the teacher's own,
        reduced by principal components to the student's width.
      start: of a kind that can (`bert`): a pretrained encoder, which states its sizes too.
      vocabulary: the teacher's, as far as its pieces occur in the train split, and single
        characters for other words (`train`); all of the teacher's (`teacher`); or a file, a piece
        a line.
    """

    name: Name
    kind: str
    embeddings: Start = "random"
    start: EncoderStart | None = None
    vocabulary: str = "train"
    options: dict[str, int | float | str | bool] = {}

    @model_validator(mode="after")
    def _can_have_such_sizes(self) -> Self:
        check_options(self.kind, self.options)
        return self

    @model_validator(mode="after")
    def _starts_once(self) -> Self:
        if self.start is not None and (not may_start(self.kind) or self.embeddings == "teacher"):
            kinds = " or ".join(f'"{kind}"' for kind in student_kinds() if may_start(kind))
            raise ValueError(f'`start` is for kind {kinds}, with embeddings = "random"')
        if self.kind.endswith(".keras") and self.vocabulary in ("train", "teacher"):
            raise ValueError("a saved student needs its own `vocabulary`: name its file")
        return self


class Train(Section):
    """How every student is trained: (1 - w) · loss to the teacher + w · cross-entropy.

    Attributes:
      seeds: a student a seed; no default.
      students: each on every seed.
      loss: against the teacher; each is for some kinds of head.
      temperature: T of both sides; a number, or a schedule.
      hard_label_weight: w; a number, or a schedule.
      standardize_logits: give each row's logits mean 0 and deviation 1 first, on both sides.
      tail: of a table with `top_k`, for `kl`: what was dropped shares its mass evenly (`smear`), or
        is one outcome whose mass alone counts (`bucket`).
      example_weight: how much the teacher's word on an example counts: evenly; by its largest
        probability (`confidence`); by 1 - entropy / log classes (`certainty`); only where it does
        not contradict the hard label (`agreement`).
      views_per_pass: how many views of each example a pass has, drawn anew for each pass; all
        unless stated.
      view_share: of the loss against the teacher, that of augmented views; by their number unless
        stated.
      label_smoothing: of the hard labels.
      epochs, batch_size, learning_rate: of each; Adam.
      hard_label_epochs: more epochs afterwards on the hard labels alone, at a tenth of the rate.
      max_length: tokens of the longest input.
      stride: of heads per token: rows that are longer are seen through several windows, which share
        so many pieces; cut where it is None. A batch is asked with all of its windows at once, so
        its memory grows with its longest row.
      compute_dtype: what products are computed in; weights, losses and what is saved are float32.
      xla: compile the step with XLA; token ids are then padded to `max_length`, and rows of words
        compile once for each width. Dropout draws other numbers than without.
      baseline: train each student on hard labels only beside it.
    """

    seeds: tuple[Seed, ...] = Field(min_length=1)
    students: tuple[Student, ...] = Field(min_length=1)
    loss: LossName = "kl"
    temperature: Positive = 2.0
    hard_label_weight: Weight = 0.3
    standardize_logits: bool = False
    tail: Literal["smear", "bucket"] = "smear"
    example_weight: ExampleWeight = "even"
    views_per_pass: int | None = Field(default=None, ge=0, le=10_000)
    view_share: Fraction | None = None
    label_smoothing: Fraction = 0.0
    epochs: int = Field(default=20, ge=1, le=100_000)
    batch_size: int = Field(default=64, ge=1, le=1_000_000)
    learning_rate: float = Field(default=1e-3, gt=0)
    hard_label_epochs: int = Field(default=0, ge=0, le=100_000)
    max_length: int = Field(default=64, ge=4, le=65_536)
    stride: int | None = Field(default=None, ge=0, le=65_536)
    compute_dtype: ComputeDtype = "float32"
    xla: bool = False
    baseline: bool = True

    @field_validator("seeds", "students")
    @classmethod
    def _distinct(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [getattr(item, "name", item) for item in value]
        if len(set(names)) != len(names):
            raise ValueError(f"named twice in {names}")
        return value

    @model_validator(mode="after")
    def _schedules_stay_in_range(self) -> Self:
        if min(ends(self.temperature)) <= 0:
            raise ValueError("temperature must stay above 0")
        low, high = ends(self.hard_label_weight)
        if not (0 <= low <= 1 and 0 <= high <= 1):
            raise ValueError("hard_label_weight must stay in [0, 1]")
        return self

    @model_validator(mode="after")
    def _windows_go_on(self) -> Self:
        if self.stride is not None and self.xla:
            raise ValueError("`stride` is without `xla`: rows have any number of windows")
        if self.stride is not None and self.stride > (self.max_length - 2) // 2:
            raise ValueError("`stride` is at most half of the pieces that `max_length` leaves")
        return self

    @model_validator(mode="after")
    def _tail_goes_with_kl(self) -> Self:
        bucketed = [name for name, said in declared(LOSSES_FOLDER).items() if said.get("bucket")]
        if self.tail == "bucket" and (self.loss not in bucketed or self.standardize_logits):
            names = " or ".join(f'"{name}"' for name in bucketed)
            raise ValueError(f'`tail = "bucket"` goes with loss = {names} on logits as they are')
        return self

"""Whether what transformers loaded is the whole model that the file holds, made for the task."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from schemas.errors import TeacherError
from schemas.head_kinds import head_kinds
from stages.heads import head_kind
from stages.networks.weights import Unmatched
from stages.teachers.parts.source import TeacherSource

# Weights that a trained classifier may come with and that take no part in its answers.
_OF_PRETRAINING = re.compile(
    r"(^|\.)(pooler\..*|position_ids|lm_head\..*|cls\.(predictions|seq_relationship)\..*"
    r"|final_logits_bias|(lm|mask)_predictions\..*|(discriminator|generator)_\w*predictions\..*)$"
)
# Tasks whose weights may have the same names and shapes as those of another.
_TASKS = ("SequenceClassification", "TokenClassification", "QuestionAnswering", "MultipleChoice")

_OF_ONE_NUMBER = "multi_label_classification"  # a problem, whose one class is a yes or a no


def check_whole(place: str, model: Any, info: Mapping[str, Collection[Any]], *, task: str) -> None:
    """Refuse a model whose weights are not all from its file, or that was made for another task.

    Args:
      place: where it is from, for messages.
      model: as it was loaded.
      info: `missing_keys`, `unexpected_keys` and `mismatched_keys`, as transformers says them.
      task: as transformers names it.

    Raises:
      TeacherError: weights are missing, left over or of another shape; or its configuration names
        a class of another task.
    """
    found = Unmatched(
        missing=tuple(info["missing_keys"]),
        left_over=tuple(one for one in info["unexpected_keys"] if not _OF_PRETRAINING.search(one)),
        misshapen=tuple(
            f"{name}: {list(kept)} in it, {list(wanted)} by its configuration"
            for name, kept, wanted in info["mismatched_keys"]
        ),
    )
    if found:
        raise TeacherError(
            f"teacher is not whole: {place}: as {type(model).__name__} {found}. Use a folder that "
            "a model trained for this task was saved to; [teacher.encoder] and [teacher.fit] make "
            "one from an encoder."
        )
    saved = model.config.architectures or [type(model).__name__]
    other = [name for name in _TASKS if name != task and saved[0].endswith(f"For{name}")]
    if other:
        raise TeacherError(
            f"teacher is of another task: {place}: its configuration says {saved[0]}, expected "
            f"one for {task}. State another head, or use another model."
        )


def check_problem(place: str, config: Any, source: TeacherSource) -> None:
    """Refuse a head of another kind than the model's configuration says, where it says one.

    Raises:
      TeacherError: it does, with the kind to state.
    """
    said = getattr(config, "problem_type", None)
    of_problems = {head_kind(name).problem: name for name in head_kinds()}
    kind = of_problems.get(said, source.kind) if said is not None else source.kind
    one = source.how.gives_one_number and said == _OF_ONE_NUMBER
    fits = kind == source.kind or one or head_kind(source.kind).problem is None
    if fits or source.how.answers == "one_probability":
        return
    remedy = f'State kind = "{kind}" for the head' if source.per == "example" else "State another"
    raise TeacherError(
        f"teacher is of another kind: {place}: its configuration says problem_type {said!r}, "
        f"expected one for a {source.kind} head. {remedy}, or use another model."
    )


def check_tokenizer(place: str, tokenizer: Any, model: Any) -> None:
    """Refuse a tokenizer that has no pieces, or has some that the model cannot look up.

    Raises:
      TeacherError: it has only special pieces, or numbers beyond the model's word embeddings.
    """
    pieces = tokenizer.get_vocab()
    special = {*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}
    numbers = [number for piece, number in pieces.items() if piece not in special]
    if not numbers:
        raise TeacherError(
            f"teacher has no vocabulary: {place}: its tokenizer has {len(pieces)} pieces, all of "
            "them special. Put tokenizer.json, or the vocabulary's file, into the folder."
        )
    rows = model.get_input_embeddings().weight.shape[0]
    if max(numbers) >= rows:
        raise TeacherError(
            f"teacher has another vocabulary: {place}: its tokenizer numbers pieces up to "
            f"{max(numbers)}, and the model has embeddings for {rows}. Use the tokenizer that "
            "belongs to it."
        )

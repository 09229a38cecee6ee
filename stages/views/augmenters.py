"""Text augmenters: one function each, from an example's words to another example's.

An augmenter draws only from the source of randomness that it is given, so a view is a pure
function of its parent, of the other examples in its shard, and of the seed. Change what one does
and raise `VERSION`: tables made with another version are made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from schemas.errors import PipelineError, RunFileError, UserCodeError
from schemas.provenance import digest_file
from stages.machine.plugins import guarded, import_function, is_ctrl_c, source_of, user_code_error

VERSION = 1

Words = list[str]
Draw = Callable[[], float]  # uniform in [0, 1)


@dataclass(frozen=True)
class Around:
    """What an augmenter may draw on.

    Attributes:
      rate: share of words that are touched.
      token: what `mask` writes.
      other: gives the words of another example of the train split.
    """

    rate: float
    token: str
    other: Callable[[], Words]


class Augment(Protocol):
    """An augmenter."""

    def __call__(self, words: Words, draw: Draw, around: Around) -> Words:
        """Return the view's words; `words` is not changed."""


def word_dropout(words: Words, draw: Draw, around: Around) -> Words:
    """Leave each word out with probability `rate`; one word at least stays."""
    kept = [word for word in words if draw() >= around.rate]
    return kept or [words[pick(draw, len(words))]]


def swap(words: Words, draw: Draw, around: Around) -> Words:
    """Swap neighbours, `rate` · words times and at least once."""
    found = list(words)
    for _ in range(max(1, round(around.rate * len(words))) if len(words) > 1 else 0):
        place = pick(draw, len(words) - 1)
        found[place], found[place + 1] = found[place + 1], found[place]
    return found


def mask(words: Words, draw: Draw, around: Around) -> Words:
    """Write `token` in place of each word with probability `rate`."""
    return [around.token if draw() < around.rate else word for word in words]


def crossover(words: Words, draw: Draw, around: Around) -> Words:
    """Join the head of this example to the tail of another, both cut at random."""
    other = around.other()
    head = words[: 1 + pick(draw, len(words))]
    return head + other[pick(draw, len(other)) :]


def replace(words: Words, draw: Draw, around: Around) -> Words:
    """Write a word of another example in place of each with probability `rate`."""
    found = []
    for word in words:
        if draw() < around.rate:
            other = around.other()
            word = other[pick(draw, len(other))]
        found.append(word)
    return found


AUGMENTERS: dict[str, Augment] = {
    "word_dropout": word_dropout,
    "swap": swap,
    "mask": mask,
    "crossover": crossover,
    "replace": replace,
}
_OF_OTHERS = {"crossover", "replace"}


def find_augmenters(kind: str) -> tuple[Augment, ...]:
    """Return the augmenters that a kind names: one, or several joined by `+`, in order.

    Raises:
      RunFileError: a name is neither shipped nor a `module:function` that can be imported.
      UserCodeError: its module raises when it is imported.
    """
    return tuple(_find(name) for name in _names(kind))


def code_of(kinds: Iterable[str]) -> dict[str, str]:
    """Return the digest of the file of each augmenter of a user's own.

    Raises:
      RunFileError: one cannot be imported.
    """
    own = {name for kind in kinds for name in _names(kind) if name not in AUGMENTERS}
    for name in own:
        _find(name)
    return {name: digest_file(source_of(name)) for name in sorted(own)}


def looks_around(kind: str, *, same: bool) -> bool:
    """Return whether a view of a kind may be another one, though parent and augmenter are the same.

    Args:
      kind: one augmenter, or several joined by `+`.
      same: whether the other inputs of its shard are the same; what an augmenter of one's own
        reads beside them nobody knows.
    """
    names = _names(kind)
    own = any(name not in AUGMENTERS for name in names)
    return own or (not same and any(name in _OF_OTHERS for name in names))


def _names(kind: str) -> list[str]:
    return [name.strip() for name in kind.split("+")]


def _find(name: str) -> Augment:
    if name in AUGMENTERS:
        return AUGMENTERS[name]
    try:
        function = import_function(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise RunFileError(
            f"unknown augmenter: {name!r}: {error}. Use one of {', '.join(AUGMENTERS)}, or a "
            "module:function that can be imported."
        ) from error
    return _OwnAugmenter(name, guarded(name, function))


@dataclass(frozen=True)
class _OwnAugmenter:
    """An augmenter of a user's own, whose answers are looked at."""

    name: str
    augment: Augment

    def __call__(self, words: Words, draw: Draw, around: Around) -> Words:
        """Return the view's words.

        Raises:
          UserCodeError: it raises, takes other arguments, or returns something else, or words that
            no table can hold.
        """
        try:
            found = self.augment(words, draw, around)
            views = None if found is None or isinstance(found, str) else list(found)
        except PipelineError:
            raise
        except BaseException as error:  # it takes other arguments, or its answer is no list
            if is_ctrl_c(error):
                raise
            raise user_code_error(self.name, error, function=self.augment) from error
        if views is None or not all(isinstance(one, str) for one in views):
            raise UserCodeError(
                f"your own code does not answer: {self.name}: found {str(found)[:80]!r}, expected "
                "the list of a view's words. Mend it."
            )
        for word in views:
            if not is_text(word):
                raise UserCodeError(
                    f"your own code does not answer: {self.name}: found the word "
                    f"{ascii(word[:80])}, expected UTF-8 text without NUL. Mend it."
                )
        return views


def is_text(word: str) -> bool:
    r"""Return whether a table can hold a word: UTF-8 without NUL.

    >>> is_text("naïve"), is_text("a\0"), is_text("\ud800")
    (True, False, False)
    """
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in word


def pick(draw: Draw, count: int) -> int:
    """Return an integer in [0, count)."""
    return int(draw() * count)

"""Text augmenters: a module each, from an example's words to another example's.

An augmenter draws only from the source of randomness that it is given, so a view is a pure
function of its parent, of the other examples in its shard, and of the seed. Change what one does
and raise `VERSION`: tables made with another version are made anew. Imports `machine`. To add one:
a module with `augment` and `DECLARES`, which says `looks_around` where it asks for other texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from schemas.declared import declared, kind_names
from schemas.errors import PipelineError, RunFileError, UserCodeError
from schemas.provenance import digest_file
from stages.machine.plugins import guarded, import_function, is_ctrl_c, source_of, user_code_error
from stages.views.augmenters.around import Around, Draw, Words

VERSION = 1
FOLDER = "views/augmenters"


class Augment(Protocol):
    """An augmenter."""

    def __call__(self, words: Words, draw: Draw, around: Around) -> Words:
        """Return the view's words; `words` is not changed."""


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
    own = {name for kind in kinds for name in _names(kind) if name not in augmenter_names()}
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
    own = any(name not in augmenter_names() for name in names)
    return own or (not same and any(_looks_around(name) for name in names))


def augmenter_names() -> tuple[str, ...]:
    """Return the names of those that are shipped."""
    return kind_names(FOLDER)


def _looks_around(name: str) -> bool:
    return bool(declared(FOLDER)[name].get("looks_around"))


def _names(kind: str) -> list[str]:
    return [name.strip() for name in kind.split("+")]


def _find(name: str) -> Augment:
    if name in augmenter_names():
        shipped: Augment = import_module(f"{__name__}.{name}").augment
        return shipped
    try:
        function = import_function(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise RunFileError(
            f"unknown augmenter: {name!r}: {error}. Use one of {', '.join(augmenter_names())}, "
            "or a module:function that can be imported."
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

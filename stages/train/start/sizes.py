"""How large a shipped student is, told from its options without Keras, before memory is taken.

The sums are of the matrices; scales, shifts and biases are left out, so they are a little low.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from schemas.errors import StudentError
from schemas.train_section import Student

_COPIES = 4  # of each weight in training: itself, its gradient and Adam's two moments
_BYTES = 4
_GIB = 2**30
Options = Mapping[str, Any]
_SEQUENCE = {"inner_width": 512, "max_length": 512}
DEFAULTS: dict[str, dict[str, int]] = {  # of the builders' sizes
    "bag": {"embedding_width": 64, "units": 128},
    "bert": {"layers": 2, "hidden_width": 128, "heads": 2, **_SEQUENCE},
    "cnn": {"embedding_width": 64, "filters": 64, "widest": 4},
    "lstm": {"embedding_width": 64, "units": 64},
    "mobilebert": {
        "layers": 24,
        "hidden_width": 512,
        "bottleneck_width": 128,
        "embedding_width": 128,
        "heads": 4,
        "feed_forwards": 4,
        **_SEQUENCE,
    },
}


def check_memory(student: Student, *, classes: int, vocabulary_size: int = 0) -> None:
    """Refuse a student whose training this machine has no memory for.

    Args:
      student: of any kind; one of a user's own, and one that starts from an encoder, is let pass.
      classes: of its head.
      vocabulary_size: pieces, as far as that is known.

    Raises:
      StudentError: it says how much is needed, and which options to mend.
    """
    if student.kind not in _WEIGHTS or student.start is not None:
        return
    weights = weights_of(
        student.kind, student.options, vocabulary_size=vocabulary_size, classes=classes
    )
    needed, there = weights * _COPIES * _BYTES, _memory_bytes()
    if needed > there:
        names = ", ".join(DEFAULTS[student.kind])
        raise StudentError(
            f"student is too large: {student.name!r} of kind {student.kind!r}: {weights:,} weights "
            f"need {needed / _GIB:,.0f} GiB to be trained, this machine has {there / _GIB:,.0f}. "
            f"State smaller options: {names}."
        )


def weights_of(kind: str, options: Options, *, vocabulary_size: int, classes: int) -> int:
    """Return about how many weights a student of a shipped kind has."""
    return _WEIGHTS[kind](vocabulary_size, classes, {**DEFAULTS[kind], **options})


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _bag(pieces: int, classes: int, o: Options) -> int:
    return int(pieces * o["embedding_width"] + (o["embedding_width"] + classes) * o["units"])


def _lstm(pieces: int, classes: int, o: Options) -> int:
    width, units = o["embedding_width"], o["units"]
    return int(pieces * width + 8 * units * (width + units) + 2 * units * classes)


def _cnn(pieces: int, classes: int, o: Options) -> int:
    width, filters, widest = o["embedding_width"], o["filters"], o["widest"]
    seen = sum(range(2, widest + 1))
    return int(pieces * width + seen * width * filters + (widest - 1) * filters * classes)


def _bert(pieces: int, classes: int, o: Options) -> int:
    width, inner = o["hidden_width"], o["inner_width"]
    each = 4 * width * width + 2 * width * inner
    others = (pieces + o["max_length"] + classes + width) * width
    return int(others + o["layers"] * each)


def _mobilebert(pieces: int, classes: int, o: Options) -> int:
    width, narrow, inner = o["hidden_width"], o["bottleneck_width"], o["inner_width"]
    each = 4 * width * narrow + 3 * narrow * narrow + 2 * o["feed_forwards"] * narrow * inner
    others = (pieces + 3 * width) * o["embedding_width"] + (o["max_length"] + classes) * width
    return int(others + o["layers"] * each)


_WEIGHTS: dict[str, Callable[[int, int, Options], int]] = {
    "bag": _bag,
    "bert": _bert,
    "cnn": _cnn,
    "lstm": _lstm,
    "mobilebert": _mobilebert,
}

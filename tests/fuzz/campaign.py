"""A campaign: inputs made from one seed until the time is spent, each judged in the same way.

An input ends in a result or in a stated failure of one line; never in another exception, and never
later than its limit. `SOFTSHARDS_FUZZ_SECONDS` is the time of the whole suite [600], and
`SOFTSHARDS_FUZZ_SEED` its seed [new each time, and printed]. `SOFTSHARDS_FUZZ_INPUT` is the number
of one input, to see it alone.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import contextmanager

import click

from schemas.errors import PipelineError

SECONDS = float(os.environ.get("SOFTSHARDS_FUZZ_SECONDS", "600"))
SEED = int(os.environ.get("SOFTSHARDS_FUZZ_SEED", random.SystemRandom().randrange(2**31)))
ONLY = os.environ.get("SOFTSHARDS_FUZZ_INPUT")
TARGETS = 20  # among which the time is shared
LIMIT_SECONDS = 30.0  # of one input; the machine may be busy
LONGEST = 4000  # characters of a message
SAID: list[str] = []  # by the campaigns so far


class Hang(BaseException):
    """An input took longer than its limit; nothing may catch it."""


@contextmanager
def limited():
    """Raise `Hang` where what is within takes too long."""

    def ring(number, frame):
        raise Hang(f"after {LIMIT_SECONDS} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def campaign(name: str, ask: Callable[[random.Random], object], *, share: float = 1.0) -> None:
    """Ask with input after input; say how many there were.

    Args:
      name: of the target.
      ask: makes an input by a random generator, asks, and asserts what must hold of the result.
      share: of a target's usual time.

    Raises:
      AssertionError: an input ended otherwise than it may; it says how to make it again.
    """
    ends, number, stated = time.monotonic() + SECONDS / TARGETS * share, 0, 0
    first = int(ONLY) if ONLY else 0
    while number == 0 or (time.monotonic() < ends and not ONLY):
        stated += _judged(name, ask, first + number)
        number += 1
    SAID.append(f"fuzz {name}: seed {SEED}, {number} inputs, {stated} refused")


def _judged(name: str, ask: Callable[[random.Random], object], number: int) -> bool:
    """Ask with one input; return whether it was refused."""
    again = f"fuzz {name}: SOFTSHARDS_FUZZ_SEED={SEED} SOFTSHARDS_FUZZ_INPUT={number}"
    try:
        with limited():
            ask(random.Random(f"{SEED} {name} {number}"))
    except PipelineError as error:
        text = str(error)
        assert text.isprintable(), f"{again}: more than one line: {text!r}"
        assert 10 < len(text) < LONGEST, f"{again}: {len(text)} characters: {text[:200]!r}"
        return True
    except click.ClickException:
        return True
    except AssertionError as error:
        raise AssertionError(f"{again}: {error}") from error
    except (Exception, Hang) as error:
        raise AssertionError(f"{again}: {type(error).__name__}: {error}") from error
    return False

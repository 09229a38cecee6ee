"""Processes that stop at a moment of their work, for tests of what others do then, or after."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_STOPPING = """
import importlib, sys, time

module, name, when, *arguments = sys.argv[1:]

def stop(*given, **named):
    if when not in str(given):
        return real(*given, **named)
    print("there", flush=True)
    time.sleep(600)

place, _, attribute = (module + "." + name).rpartition(".")
try:
    owner = importlib.import_module(place)
except ModuleNotFoundError:
    place, _, within = place.rpartition(".")
    owner = getattr(importlib.import_module(place), within)
real = getattr(owner, attribute)
setattr(owner, attribute, stop)

from run_pipeline import main

sys.argv = ["softshards", *arguments]
main()
"""


@contextmanager
def stopped_at(
    module: str, name: str, *arguments: str, when: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """Yield a command's process that stands still where it calls a function; killed in the end.

    Args:
      module: that has the function.
      name: of it there; of a method `Class.name`.
      arguments: of the command.
      when: text in the arguments of the call that it stands still at.
    """
    process = started(_STOPPING, module, name, when, *arguments)
    try:
        assert process.stdout is not None
        seen = process.stdout.readline()
        assert seen == "there\n", process.stderr.read() if process.stderr else seen
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def started(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start an interpreter that has this one's modules."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )

"""What is said of an input: its losses, its scores while training, its metrics in a report.

Imports `machine` and `rows`. To add a kind of head: a module with `DECLARES` and `KIND`, named as a
run file names it; `protocol.py` says what it is asked.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from stages.heads.protocol import Kind


@cache
def head_kind(name: str) -> Kind:
    """Return the kind of head of a name, of those in `schemas.head_kinds.head_kinds`.

    >>> head_kind("softmax").has_class_numbers
    True
    """
    kind: Kind = import_module(f"stages.heads.{name}").KIND
    return kind

"""Inputs made from whole ones: bytes, texts and JSON-like values, each a little otherwise."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

ODD_BYTES = (b"\0", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b"\n\n", b"\t", b'"', b"\\", b"{", b"]")
ODD_TEXTS = (
    "",
    " ",
    "\0",
    "\n",
    "\ud83d",
    "\u2028",
    "é",
    "漢字",
    "-1",
    "nan",
    "x" * 300,
    "../x",
    "/etc/hostname",
    "a:b",
    "**",
    "[",
    "owner/name",
)
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    10**18,
    10**400,
    0.5,
    -0.5,
    1e308,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    [None],
    {"": 1},
    {"a": {"b": 1}},
)


def mutated_bytes(random: Random, data: bytes, *, most: int = 3) -> bytes:
    """Return other bytes: flipped, cut, doubled, moved or put in, a few times."""
    found = data
    while found == data:
        for _ in range(random.randint(1, most)):
            found = _one_change(random, found)
    return found


def _one_change(random: Random, data: bytes) -> bytes:
    at = random.randint(0, len(data))
    end = min(len(data), at + random.choice((1, 1, 2, 8, 64)))
    how = random.randrange(6)
    if how == 0 and at < len(data):
        return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]
    if how == 1:
        return data[:at] + data[end:]
    if how == 2:
        return data[:end] + data[at:end] + data[end:]
    if how == 3:
        return data[:at] + random.choice(ODD_BYTES) + data[at:]
    if how == 4:
        return data[:at] + random.choice(ODD_TEXTS).encode("utf-8", "surrogatepass") + data[end:]
    return data[:at] if random.random() < 0.2 else data[:at] + random.randbytes(2) + data[end:]


def mutated_lines(random: Random, text: str) -> str:
    """Return other lines: without one, with one doubled, swapped, or changed within."""
    lines = text.split("\n")
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    how = random.randrange(5)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(other, lines[at])
    elif how == 2:
        lines[at], lines[other] = lines[other], lines[at]
    else:
        changed = mutated_bytes(random, lines[at].encode() or b" ", most=2)
        lines[at] = changed.decode("utf-8", errors="replace")
    return "\n".join(lines)


def mutated_value(random: Random, value: Any, *, most: int = 3) -> Any:
    """Return a JSON-like value with a few of its parts replaced, removed, doubled or moved."""
    found = copy.deepcopy(value)
    for _ in range(random.randint(1, most)):
        holders = [one for one in _holders(found) if one]
        if not holders:
            return found
        _change_within(random, random.choice(holders))
    return found


def _holders(value: Any) -> list[Any]:
    """Return every section and list within a value, itself too."""
    if not isinstance(value, dict | list):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [value, *(one for each in inner for one in _holders(each))]


def _change_within(random: Random, holder: Any) -> None:
    name = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    how = random.randrange(5)
    if how == 0:
        del holder[name]
    elif how == 1 and isinstance(holder, dict):
        holder[random.choice((*ODD_TEXTS, *map(str, holder)))] = holder[name]
    elif how == 1:
        holder.append(copy.deepcopy(holder[name]))
    elif how == 2:
        holder[name] = random.choice(ODD_TEXTS)
    elif how == 3:
        holder[name] = [holder[name]]
    else:
        holder[name] = copy.deepcopy(random.choice(ODD_VALUES))


def odd_json(random: Random, value: Any) -> bytes:
    """Return a mutated value as JSON, sometimes with bytes changed too."""
    text = json.dumps(mutated_value(random, value)).encode()
    return mutated_bytes(random, text) if random.random() < 0.3 else text

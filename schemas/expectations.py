"""What pydantic expected, in the words of this project, by its type of error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_LONGEST = 80
EXPECTED = {  # filled in with what pydantic says beside the type
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a section of keys and values",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of {ge} or more",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of 64 bits",
    "int_type": "a whole number",
    "json_invalid": "JSON that can be read",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of {le} or less",
    "literal_error": "{expected}",
    "model_attributes_type": "a section of keys and values",
    "model_type": "a section of keys and values",
    "string_pattern_mismatch": "a text of the form `{pattern}`",
    "string_too_short": "a text of {min_length} characters or more",
    "string_type": "a text",
    "string_unicode": "a text in UTF-8",
    "too_long": "{max_length} or fewer",
    "too_short": "{min_length} or more",
    "tuple_type": "a list",
}
_FORMS = {  # of patterns, in words
    r"^[a-z][a-z0-9_-]*$": "small letters, digits, `-` and `_`, a letter first",
    r"^[a-z][a-z0-9_]*$": "small letters, digits and `_`, a letter first",
    r"^[0-9a-f]{64}$": "64 hexadecimal digits",
    r"^[\w.]+:[\w.]+$": '"module:function"',
    r"^(hf|kaggle|tfds)://[A-Za-z0-9].+$": '"hf://…", "kaggle://…" or "tfds://…"',
    r"^[A-Za-z0-9][\w.-]*==[\w.!+-]+$": '"name==version"',
    r"^(@[a-z0-9][\w.-]*/)?[a-z0-9][\w.-]*@\d[\w.+-]*$": '"name@version"',
    r"^[a-z0-9][a-z0-9+.-]+=[\w.+~:-]+$": '"name=version"',
}
_COUNTED = ("too_long", "too_short")  # whose input is a list
_WHERE = re.compile(r" at line \d+ column \d+$")


def expectation(item: Mapping[str, Any]) -> str:
    """Return what was expected where one of pydantic's errors is.

    Args:
      item: of `ValidationError.errors()`, of a type in `EXPECTED`.

    >>> expectation({"type": "less_than", "ctx": {"lt": 1.0}})
    'a number below 1.0'
    """
    context = item.get("ctx", {})
    if context.get("pattern") in _FORMS:
        return _FORMS[context["pattern"]]
    return EXPECTED[item["type"]].format(**context)


def expectations(items: list[dict[str, Any]]) -> str:
    """Return what was expected where errors of several alternatives are: any of it."""
    numbers = [item for item in items if item["type"] == "finite_number"]
    found = list(dict.fromkeys(expectation(item) for item in numbers or items))
    if "a number" in found and "a whole number" in found:
        found.remove("a whole number")
    return " or ".join(found)


def shown(item: Mapping[str, Any]) -> str:
    """Return what was found, cut to be read.

    >>> shown({"type": "too_short", "ctx": {"actual_length": 0}})
    '0 entries'
    """
    if item["type"] == "json_invalid":
        return _WHERE.sub("", str(item["ctx"]["error"]))
    if item["type"] in _COUNTED:
        return f"{item['ctx']['actual_length']} entries"
    return cut(item["input"])


def cut(value: object) -> str:
    """Return a value as it is written, its middle left out where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        text = f"{type(value).__name__} that is too long"
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} … {text[-half:]}"

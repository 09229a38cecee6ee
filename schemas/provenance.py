"""Fingerprints: what determined a result.

A digest is of bytes; a fingerprint is of everything that determined a result, as canonical
JSON. Equal fingerprints mean that the result would be equal, so it need not be made again.
Never Python's `hash()`, which is salted per process.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FINGERPRINT_BYTES = 16
_CHUNK_BYTES = 1 << 20


def canonical_json(value: Any) -> bytes:
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN.

    Raises:
      TypeError, ValueError: the value is not plain JSON data.

    >>> canonical_json({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def fingerprint(parts: Mapping[str, Any]) -> str:
    """Return the 128-bit BLAKE2b of a mapping's canonical JSON, in hexadecimal.

    >>> fingerprint({"teacher": "x"}) == fingerprint({"teacher": "x"})
    True
    """
    return digest_bytes(canonical_json(dict(parts)))


def digest_bytes(data: bytes | memoryview) -> str:
    """Return the 128-bit BLAKE2b of bytes, in hexadecimal."""
    return hashlib.blake2b(data, digest_size=FINGERPRINT_BYTES).hexdigest()


def digest_file(path: Path) -> str:
    """Return the 128-bit BLAKE2b of a file's bytes, in hexadecimal; memory does not grow."""
    return _digest_stream(path, hashlib.blake2b(digest_size=FINGERPRINT_BYTES))


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal, as package registries state it."""
    return _digest_stream(path, hashlib.sha256())


def _digest_stream(path: Path, state: Any) -> str:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            state.update(chunk)
    return str(state.hexdigest())

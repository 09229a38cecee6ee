"""Files that are whole or absent: written beside their place, synced, then renamed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import StorageError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on a clean exit it becomes `path`, else it is gone.

    A reader sees the old file or the new one, never a part. Two writers at once: the last wins.

    Raises:
      StorageError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        raise StorageError(
            f"file cannot be written: {path}: {error.strerror or error}. What was there before is "
            "kept. Make room or mend permissions, and run again."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write bytes to a file that is whole or absent."""
    with whole_file(path) as part:
        part.write_bytes(data)

"""A wordpiece vocabulary as a file: a piece a line, in order of id. Read without TensorFlow."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import AssetError, first_line
from schemas.expectations import cut

_LONGEST_BYTES = 256  # of a piece without its mark, for tensorflow-text
_CONTINUED = "##"


def read_vocabulary(path: Path) -> list[str]:
    """Return a vocab.txt's pieces in order of id.

    Raises:
      AssetError: it cannot be read, or a line cannot be a piece; it says which.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AssetError(
            f"vocabulary cannot be read: {path}: {error.strerror or first_line(error)}. Mend the "
            "path."
        ) from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise AssetError(_unfit(path, line, f"is no UTF-8: {error.reason}")) from error
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    _check(path, lines)
    return lines


def _check(path: Path, pieces: list[str]) -> None:
    """Refuse pieces that no tokenizer can tell apart, or hold.

    Raises:
      AssetError: it says which line.
    """
    first: dict[str, int] = {}
    for line, piece in enumerate(pieces, start=1):
        if (before := first.setdefault(piece, line)) != line:
            raise AssetError(_unfit(path, line, f"repeats {cut(piece)} of line {before}"))
        if "\0" in piece:
            raise AssetError(_unfit(path, line, f"has a NUL: {cut(piece)}"))
        if len(piece.removeprefix(_CONTINUED).encode()) > _LONGEST_BYTES:
            raise AssetError(_unfit(path, line, f"is longer than {_LONGEST_BYTES} bytes"))


def _unfit(path: Path, line: int, said: str) -> str:
    return (
        f"vocabulary cannot be used: {path}: line {line} {said}. Expected a piece a line, each "
        "once, in UTF-8. Mend the file."
    )

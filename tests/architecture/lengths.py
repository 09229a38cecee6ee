"""How long the functions and files of the house are.

`python -m tests.architecture.lengths [ROOT]` prints it, of this checkout or of another. A function
is as long as its body without its docstring.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[2]
MOST_OF_A_FUNCTION, MOST_OF_A_FILE = 50, 300


@dataclass(frozen=True)
class Length:
    """How many lines something has."""

    name: str
    lines: int


def code(root: Path) -> list[Path]:
    """Return the files of Python that are not tests."""
    rooms = [*root.glob("stages/**/*.py"), *root.glob("schemas/**/*.py")]
    return sorted([*rooms, root / "run_pipeline.py"])


def functions(path: Path) -> Iterator[Length]:
    """Yield every function of a file, those within others too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            first, last = (body[0].lineno, body[-1].end_lineno) if body else (1, 0)
            yield Length(node.name, (last or 0) - first + 1)


def length(path: Path) -> Length:
    """Return a file's."""
    return Length(path.as_posix(), len(path.read_text(encoding="utf-8").splitlines()))


def main(root: Path) -> None:
    """Print how many there are, their median, 90th percentile and longest, and what is too long."""
    files = [length(path) for path in code(root)]
    found = [one for path in code(root) for one in functions(path)]
    kinds = (("functions", found, MOST_OF_A_FUNCTION), ("files", files, MOST_OF_A_FILE))
    for what, lengths, most in kinds:
        lines = [one.lines for one in lengths]
        median, high = np.percentile(lines, [50, 90])
        longest = max(lengths, key=lambda one: one.lines)
        over = [f"{one.name} ({one.lines})" for one in lengths if one.lines > most]
        print(
            f"{what}: {len(lines)}; lines: median {median:g}, 90th percentile {high:g}, longest "
            f"{longest.lines} ({longest.name}); over {most}: {', '.join(over) or 'none'}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)

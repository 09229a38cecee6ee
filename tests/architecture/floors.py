"""The drawing of the imports: rooms, floors, circles, loose modules.

`python -m tests.architecture.floors [ROOT]` prints it, of this checkout or of another.
A room is a folder of `stages` with what is below it, or `schemas`; an import anywhere in a file
counts. A room's floor is 1 more than the highest that it imports.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
Graph = Mapping[str, set[str]]


def modules(root: Path) -> dict[str, Path]:
    """Return every module of `stages` and `schemas` by its dotted name."""
    found = {}
    for path in sorted([*root.glob("stages/**/*.py"), *root.glob("schemas/**/*.py")]):
        name = path.relative_to(root).with_suffix("").as_posix().replace("/", ".")
        found[name.removesuffix(".__init__")] = path
    return found


def _imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


def imports(root: Path) -> dict[str, set[str]]:
    """Return which modules each module imports, of those that are here."""
    known = modules(root)
    return {
        name: {other for other in _imported(path, known) if other in known and other != name}
        for name, path in known.items()
    }


def folder(name: str, root: Path) -> str:
    """Return the folder that a module is in: `stages.label.beam`; a loose one is its own."""
    parts = name.split(".")
    inside = parts if (root / Path(*parts)).is_dir() else parts[:-1]
    return ".".join(inside if len(inside) > 1 or inside == ["schemas"] else parts)


def room(name: str, root: Path) -> str:
    """Return the room that a module is in: the folder of `stages`, with what is below it."""
    return ".".join(folder(name, root).split(".")[:2])


def between(graph: Graph, place: Mapping[str, str]) -> dict[str, set[str]]:
    """Return which places import which others."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, others in graph.items():
        found[place[name]] |= {place[other] for other in others} - {place[name]}
    return dict(found)


def reachable(graph: Graph, start: str) -> set[str]:
    """Return what a place imports, directly or not."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - seen
        seen |= new
        waiting.extend(new)
    return seen


def circles(graph: Graph) -> list[tuple[str, ...]]:
    """Return the sets of places that import each other."""
    below = {name: reachable(graph, name) for name in graph}
    found = {
        tuple(sorted(other for other in below[name] if name in below[other]))
        for name in graph
        if name in below[name]
    }
    return sorted(found)


def floors(graph: Graph) -> dict[str, int]:
    """Return the floor of each place; the places of a circle are on one."""
    circle_of = {name: circle for circle in circles(graph) for name in circle}

    @cache
    def floor(name: str) -> int:
        inside = circle_of.get(name, (name,))
        below = {other for one in inside for other in graph.get(one, set())} - set(inside)
        return 1 + max(map(floor, below), default=0)

    return {name: floor(name) for name in graph}


def main(root: Path) -> None:
    """Print the drawing, the highest floor first, and its figures."""
    graph = imports(root)
    rooms = between(graph, {name: room(name, root) for name in graph})
    folders = between(graph, {name: folder(name, root) for name in graph})
    level = floors(rooms)
    for floor in range(max(level.values()), 0, -1):
        on_it = sorted(name for name in level if level[name] == floor)
        print(f"{floor:3}  {'  '.join(name.removeprefix('stages.') for name in on_it)}")
    loose = [name for name in graph if name.count(".") == 1 and name.startswith("stages.")]
    loose = [name for name in loose if not (root / name.replace(".", "/")).is_dir()]
    for what, drawn in (("rooms", rooms), ("folders", folders)):
        print(
            f"{what}: {len(drawn)}, on {max(floors(drawn).values())} floors, "
            f"{len(circles(drawn))} circles {circles(drawn) or ''}"
        )
    print(f"loose modules: {len(loose)}; modules: {len(graph)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)

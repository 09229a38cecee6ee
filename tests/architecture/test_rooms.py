"""The rooms of the house: their floors, their sizes, what each says of itself, nothing loose."""

import ast
from pathlib import Path

import pytest

from tests.architecture.floors import HERE, between, circles, floors, folder, imports, room

FLOORS = (
    ("schemas",),
    ("machine", "rows"),
    ("heads", "inputs", "places"),
    ("corpus", "networks", "table"),
    ("teachers", "views"),
    ("asking", "train"),
    ("evaluate", "label", "teach"),
    ("adjust", "combine", "export"),
    ("run",),
)
LARGER = {  # may only shrink
    "stages.train": 15,
}
LARGEST = 14  # modules in a folder, its `__init__` not counted
GRAPH = imports(HERE)
FOLDERS = sorted(
    path for path in (HERE / "stages").rglob("*") if path.is_dir() and any(path.glob("*.py"))
)


def drawn(place):
    """Return which places import which, the package itself left out."""
    return between(
        {name: others - {"stages"} for name, others in GRAPH.items() if name != "stages"},
        {name: place(name, HERE) for name in GRAPH},
    )


def test_a_room_imports_rooms_of_lower_floors_only():
    number = {name: floor for floor, names in enumerate(FLOORS) for name in names}
    for name, others in drawn(room).items():
        for other in others:
            above, below = name.removeprefix("stages."), other.removeprefix("stages.")
            assert number[below] < number[above], f"{above} imports {below}"


def test_every_room_has_its_floor_and_there_are_nine():
    named = {name.removeprefix("stages.") for name in drawn(room)}
    assert named == {name for names in FLOORS for name in names}
    assert max(floors(drawn(room)).values()) == len(FLOORS) == 9


@pytest.mark.parametrize("place", [room, folder])
def test_no_rooms_import_each_other(place):
    assert circles(drawn(place)) == []


def test_a_drawing_of_a_circle_names_it():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a", "c"}}
    assert circles(graph) == [("b", "c")]
    assert floors(graph) == {"b": 1, "c": 1, "a": 2, "d": 3}


def test_nothing_lies_loose():
    loose = {path.name for path in (HERE / "stages").iterdir() if path.is_file()}
    assert loose == {"__init__.py", "README.md"}


def name_of(path):
    return path.relative_to(HERE).as_posix().replace("/", ".")


@pytest.mark.parametrize("path", FOLDERS, ids=name_of)
def test_a_folder_is_small(path):
    count = len([file for file in path.glob("*.py") if file.name != "__init__.py"])
    assert count <= LARGER.get(name_of(path), LARGEST)


def test_the_larger_folders_are_as_large_as_is_said():
    for name, count in LARGER.items():
        files = (HERE / Path(*name.split("."))).glob("*.py")
        assert len([file for file in files if file.name != "__init__.py"]) == count


@pytest.mark.parametrize("path", FOLDERS, ids=name_of)
def test_a_folder_says_what_is_in_it_and_how_to_add_to_it(path):
    text = (path / "__init__.py").read_text(encoding="utf-8")
    said = ast.get_docstring(ast.parse(text)) or ""
    assert len(said.splitlines()) >= 3, said
    assert "add" in said or path.name == "stages"

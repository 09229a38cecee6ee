"""A kind of input is named in its own module; what else has the same words is listed."""

import ast

from schemas.input_kinds import FOLDER, input_kinds
from tests.architecture.floors import HERE
from tests.architecture.test_kinds import declares

ALLOWED = {  # may only shrink: module, and how often it has the name of a kind as a text
    "schemas/corpus_section.py": 2,  # what formats may have numbers
    "schemas/export_card.py": 1,  # what an exported student takes
    "schemas/run_file.py": 3,  # formats that need words
    "schemas/scores.py": 2,  # lines of a report
    "stages/corpus/files.py": 1,  # which columns are read as lists
    "stages/corpus/formats/__init__.py": 1,  # what a format declares
    "stages/corpus/formats/entities.py": 1,  # a column of this name
    "stages/corpus/formats/squad.py": 2,  # likewise
    "stages/export/pipeline.py": 2,  # what an exported student takes
    "stages/export/writers.py": 1,  # likewise
    "stages/table/class_rows.py": 1,  # a noun
}
ELSEWHERE = {"text", "question"}  # names of columns, as corpora of questions and lines have them


def names_in(path):
    """Return the kinds of inputs that a module has as texts of their own."""
    kinds = set(input_kinds()) - ELSEWHERE
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = [node for node in tree.body if not declares(node)]
    found = (node for part in parts for node in ast.walk(part) if isinstance(node, ast.Constant))
    return [node.value for node in found if isinstance(node.value, str) and node.value in kinds]


def test_no_kind_of_input_is_named_outside_its_module():
    paths = [*HERE.glob("schemas/**/*.py"), *HERE.glob("stages/**/*.py")]
    found = {path.relative_to(HERE).as_posix(): len(names_in(path)) for path in paths}
    assert set(input_kinds()) - ELSEWHERE == {"words", "numbers", "pair"}
    assert {
        name: count
        for name, count in found.items()
        if count and not name.startswith(f"stages/{FOLDER}/")
    } == ALLOWED

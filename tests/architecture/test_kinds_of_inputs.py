"""A kind of input is named in its own module; what else has the same words is listed."""

from schemas.input_kinds import FOLDER, input_kinds
from tests.architecture.floors import HERE
from tests.architecture.test_kinds import names_in

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
KINDS = set(input_kinds()) - ELSEWHERE


def test_no_kind_of_input_is_named_outside_its_module():
    paths = [*HERE.glob("schemas/**/*.py"), *HERE.glob("stages/**/*.py")]
    found = {path.relative_to(HERE).as_posix(): len(names_in(path, KINDS)) for path in paths}
    assert {"words", "numbers", "pair"} == KINDS
    assert {
        name: count
        for name, count in found.items()
        if count and not name.startswith(f"stages/{FOLDER}/")
    } == ALLOWED

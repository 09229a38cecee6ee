"""Run files and overrides: what is accepted states what is written, and all else is one line."""

import pytest

from schemas.errors import RunFileError
from schemas.multi_task import has_tasks, parse_multi_task
from schemas.provenance import fingerprint
from schemas.run_file import parse_run_file, run_file_of
from schemas.toml_text import check_plain, read_toml
from tests import tiny, tiny_heads
from tests.fuzz.campaign import campaign
from tests.fuzz.mutations import ODD_TEXTS, ODD_VALUES, mutated_bytes, mutated_lines, mutated_value
from tests.schemas.test_explain import PYDANTICS, WHOLE, places

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(0)]
PLACES = [".".join(map(str, place)) for place in places(WHOLE) if place]


def check_accepted(run):
    """Compare a run file with one that states what it holds."""
    stated = run.model_dump(mode="json")
    assert run_file_of(stated, source="again") == run
    assert fingerprint({"run": stated})


def checked(error):
    assert not PYDANTICS.search(str(error)), str(error)
    raise error


def test_texts():
    def ask(random):
        text = random.choice((tiny.RUN_TEXT, tiny_heads.RUN_TEXT))
        for _ in range(random.randint(1, 4)):
            text = mutated_lines(random, text)
        if random.random() < 0.3:
            text = mutated_bytes(random, text.encode()).decode("utf-8", errors="replace")
        try:
            if has_tasks(text, source="x.toml"):
                parse_multi_task(text, source="x.toml")
            else:
                check_accepted(parse_run_file(text, source="x.toml"))
        except RunFileError as error:
            checked(error)

    campaign("texts of run files", ask)


def test_sections():
    def ask(random):
        try:
            stated = mutated_value(random, WHOLE)
            check_plain(stated, "run file does not hold: x.toml")
            check_accepted(run_file_of(stated, source="x.toml"))
        except RunFileError as error:
            checked(error)

    campaign("sections of run files", ask)


def test_overrides():
    def ask(random):
        value = random.choice((*ODD_TEXTS, *map(repr, ODD_VALUES), "[" * 200, "9" * 5000, "{a=1}"))
        if random.random() < 0.2:
            value = mutated_bytes(random, value.encode("utf-8", "replace")).decode(
                "utf-8", "replace"
            )
        key = random.choice((*PLACES, *ODD_TEXTS, "train" + ".x" * 100))
        overrides = [f"{key}={value}"]
        try:
            read_toml(tiny.RUN_TEXT, source="x.toml", overrides=overrides)
            check_accepted(parse_run_file(tiny.RUN_TEXT, source="x.toml", overrides=overrides))
        except RunFileError as error:
            checked(error)

    campaign("overrides", ask)

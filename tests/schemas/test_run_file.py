"""Run files: what is accepted, and one clear line for what is not."""

import pytest

from schemas.errors import RunFileError
from schemas.run_file import parse_run_file

MINIMAL = """
name = "tiny"

[corpus]
format = "jsonl"
files = [{path = "corpus.jsonl"}]

[[heads]]
name = "topic"
classes = ["a", "b"]

[teacher]
path = "teacher"

[train]
seeds = [1]
students = [{name = "bag", kind = "bag"}]
"""


def parse(text=MINIMAL, *overrides):
    return parse_run_file(text, source="tiny.toml", overrides=overrides)


def test_reads_a_minimal_file_with_defaults():
    run = parse()
    assert run.head.teacher_column == "teacher_topic"
    assert run.train.temperature == 2.0
    assert run.corpus.split.test == 0.1


def test_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        parse().name = "other"


def test_override_takes_toml_values_and_plain_strings():
    run = parse(MINIMAL, "train.temperature=4.5", "train.seeds=[3, 4]", "corpus.format=csv")
    assert run.train.temperature == 4.5
    assert run.train.seeds == (3, 4)
    assert run.corpus.format == "csv"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("temperature = 2", "temprature = 2"), "'train.temprature'; did you mean 'temperature'"),
        (("[corpus]", "[corpsu]"), "unknown key 'corpsu'; did you mean 'corpus'"),
        (("seeds = [1]", ""), "missing key 'train.seeds'; it has no default"),
        (("temperature = 2", "schedule = 2"), "unknown key 'train.schedule'"),
        (("[train]", "[schedule]\n[train]"), "unknown key 'schedule'"),
        (("temperature = 2", "temperature = 0"), "train.temperature: Input should be greater"),
        (('path = "teacher"', ""), "kind 'keras' has just one of path, encoder (found none)"),
        (('path = "teacher"', 'kind = "module"\npath = "t"'), "one of callable (found path)"),
        (('["a", "b"]', '["a", "a"]'), "classes repeat"),
        (('"jsonl"', '"lines"'), "`line_pattern` is needed"),
        (("seeds = [1]", "seeds = [1, 1]"), "named twice"),
        (("name = ", "name : "), "is not TOML"),
        (('{path = "corpus.jsonl"}', "{}"), "an asset has either"),
        (('{path = "corpus.jsonl"}', '{path = "x", wheel = "a==1"}'), "states `sha256`"),
    ],
)
def test_says_what_is_wrong_in_one_line(change, message):
    text = MINIMAL.replace("seeds = [1]", "seeds = [1]\ntemperature = 2")
    with pytest.raises(RunFileError) as failure:
        parse(text.replace(*change))
    assert message in str(failure.value)
    assert "tiny.toml" in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("override", ["temperature", "=4", "train..x=1", "name.key=1"])
def test_refuses_an_override_it_cannot_apply(override):
    with pytest.raises(RunFileError, match="--set"):
        parse(MINIMAL, override)

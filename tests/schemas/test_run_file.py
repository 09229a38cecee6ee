"""Run files: what is accepted, and one clear line for what is not."""

import pytest

from schemas.errors import RunFileError, UsageError
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


def test_an_override_that_assigns_nothing_is_wrong_usage():
    with pytest.raises(UsageError, match="--set 'foo'. Expected section.key=value."):
        parse_run_file(MINIMAL, source="x", overrides=["foo"])


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
        (
            ("temperature = 2", "temperature = 0"),
            "train.temperature: found 0, expected a number above 0",
        ),
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


OF_A_SEARCH = 'target={metric="accuracy",at_least=0.5}'


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999", "'nan'"])
@pytest.mark.parametrize(
    "key",
    [
        "train.learning_rate={}",
        "train.temperature={}",
        "train.temperature={{start={}, end=1.0}}",
        "train.hard_label_weight={{start=0.5, end={}}}",
        "label.kl_budget_nats={}",
        "label.max_quarantined={}",
        "corpus.split.validation={}",
        "combine.weights=[{}, 1.0]",
        'target={{metric="accuracy",at_least={}}}',
        "adjust={{seed=1, minutes={}, search={{temperature=[1.0, 2.0]}}}}",
        "adjust={{seed=1, search={{temperature={{low=1.0, high={}}}}}}}",
    ],
)
def test_no_key_takes_a_number_that_is_not_finite(key, number):
    with pytest.raises(RunFileError) as failure:
        parse(MINIMAL, OF_A_SEARCH, key.format(number))
    assert number.strip("'").replace("1e999", "inf") in str(failure.value)


@pytest.mark.parametrize("number", ["nan", "inf", "1e999"])
@pytest.mark.parametrize(
    "key",
    [
        'train.students=[{{name="b", kind="bag", options={{dropout={}}}}}]',
        'teacher={{kind="module", callable="a:b", options={{x={}}}}}',
        "adjust={{seed=1, search={{temperature=[1.0, {}]}}}}",
    ],
)
def test_no_option_of_ones_own_takes_a_number_that_is_not_finite(key, number):
    with pytest.raises(RunFileError, match="finite"):
        parse(MINIMAL, OF_A_SEARCH, key.format(number))


LONG, DEEP = "9" * 5000, "[" * 900 + "]" * 900


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (LONG, "a number of more than 4300 digits, expected 64 bits"),
        (str(2**63), "found 9223372036854775808, expected a whole number of 64 bits"),
        (DEEP, "more than 32 deep"),
        ("[" * 40 + "]" * 40, "more than 32 sections or lists deep"),
        (r'"a\u0000b"', "expected a text without NUL"),
        (r'{"a\u0000b" = 1}', "expected a text without NUL"),
    ],
)
@pytest.mark.parametrize("as_override", [False, True])
def test_what_no_key_can_take_is_said_in_one_short_line(value, message, as_override):
    text = MINIMAL if as_override else f"odd = {value}\n{MINIMAL}"
    with pytest.raises(RunFileError) as failure:
        parse(text, *([f"odd={value}"] if as_override else []))
    assert message in str(failure.value)
    assert str(failure.value).isprintable()
    assert len(str(failure.value)) < 300


def test_a_key_too_deep_for_any_section_is_refused():
    for text, overrides in ((f"{'a.' * 900}b = 1\n{MINIMAL}", ()), (MINIMAL, [f"{'a.' * 900}b=1"])):
        with pytest.raises(RunFileError, match="deep"):
            parse(text, *overrides)


def test_a_message_is_one_line_whatever_it_quotes():
    error = RunFileError("no file: a\nb\r\u2028c \x1b[2J\ud83d. Mend 'é 漢'.")
    assert str(error) == "no file: a b  c \\x1b[2J\\ud83d. Mend 'é 漢'."


def test_half_a_character_of_an_argument_is_refused():
    with pytest.raises(RunFileError, match="expected a text without NUL or half characters"):
        parse(MINIMAL, "name=\udcff")

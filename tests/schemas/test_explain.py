"""What is wrong in a run file is said in our words, for every field and every kind of wrong."""

import ast
import copy
import re

import pytest

from schemas.errors import RunFileError
from schemas.expectations import EXPECTED, expectation
from schemas.multi_task import parse_multi_task
from schemas.run_file import RunFile, parse_run_file, run_file_of
from tests import tiny_heads
from tests.schemas.test_run_file import MINIMAL

WHOLE = {  # every section that a run file may have
    "name": "whole",
    "corpus": {
        "format": "conll",
        "files": [{"path": "a.txt", "sha256": "0" * 64}],
        "features": ["words"],
        "feature_kinds": {"words": "words"},
        "conll_columns": {"words": 0, "tags": -1},
        "encoding": "utf-8",
        "example_id": "id",
        "split": {"column": "part", "validation": 0.1, "test": 0.1},
        "repeats": "once",
        "unlabelled": [
            {
                "format": "lines",
                "line_pattern": "(?P<words>.*)",
                "files": [{"wheel": "a==1", "path": "b", "files": {"c": "0" * 64}}],
                "encoding": "utf-8",
                "min_confidence": 0.5,
            }
        ],
    },
    "heads": [
        {"name": "tag", "per": "token", "classes": ["O", "B-X"], "tags": "iob2", "column": "tags"}
    ],
    "teacher": {
        "encoder": {"handle": "hf://owner/name"},
        "fit": {
            "seed": 1,
            "epochs": 1,
            "batch_size": 1,
            "learning_rate": 0.1,
            "warmup_fraction": 0.1,
            "weight_decay": 0.1,
            "dropout": 0.1,
            "patience_epochs": 1,
            "train_embeddings": True,
        },
        "max_length": 16,
        "lowercase": True,
        "stride": 2,
        "options": {"a": 1},
    },
    "label": {
        "num_shards": 1,
        "precision": "float16",
        "top_k": 1,
        "kl_budget_nats": 0.1,
        "batch_tokens": 1,
        "max_quarantined": 1,
        "views": {"seed": 1, "augmenters": [{"kind": "swap", "count": 1, "rate": 0.1}]},
        "min_teacher_accuracy": 0.5,
    },
    "combine": {"weights": [1.0, 2.0]},
    "train": {
        "seeds": [1],
        "students": [{"name": "s", "kind": "lstm", "options": {"units": 4}}],
        "temperature": {"start": 2.0, "end": 1.0},
        "hard_label_weight": 0.5,
        "views_per_pass": 1,
        "view_share": 0.5,
        "epochs": 1,
        "batch_size": 1,
        "learning_rate": 0.1,
        "stride": 2,
        "max_length": 16,
    },
    "target": {"metric": "accuracy", "at_least": 0.5},
    "adjust": {
        "seed": 1,
        "trials": 1,
        "minutes": 1.0,
        "student": "s",
        "search": {"temperature": {"low": 1.0, "high": 2.0}, "loss": ["kl", "reverse_kl"]},
    },
    "evaluate": {"split": "test", "calibration_bins": 2, "latency_calls": 5, "keep_to_tags": True},
}
WRONG = [[], {}, [[]], "", "x", -1, 10**12, 1.5, float("nan"), True, None, [1, "x"], {"x": 1}]
PYDANTICS = re.compile(
    r"Input should|should have|should match|unable to parse|Extra inputs|validation error|"
    r"Value error|\[type=|Field required|after validation|constrained-|literal\[|\.str\b"
)


def places(value, before=()):
    """Yield the place of every value, sections and lists too."""
    yield before
    if isinstance(value, dict | list):
        named = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in named:
            yield from places(inner, (*before, name))


def replaced(place, value):
    whole = copy.deepcopy(WHOLE)
    inner = whole
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    return whole


def problem(data):
    """Return what is said of a run file; nothing where it holds."""
    try:
        run_file_of(data, source="x.toml")
    except RunFileError as error:
        return str(error)
    return ""


def test_the_whole_run_file_holds():
    assert problem(WHOLE) == ""


@pytest.mark.parametrize("place", [place for place in places(WHOLE) if place], ids=str)
def test_no_field_says_anything_in_other_words_than_ours(place):
    for value in WRONG:
        said = problem(replaced(place, value))
        assert not PYDANTICS.search(said), said
        assert said.isprintable()
        assert len(said) < 1500


def test_every_field_is_wrong_in_some_way_that_is_said_where_it_is():
    for place in places(WHOLE):
        if len(place) < 2:
            continue
        said = [problem(replaced(place, value)) for value in WRONG]
        name = ".".join(map(str, place))
        assert any(name in one or repr(place[-1])[1:-1] in one for one in said), name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": {"seeds": []}}, "train.seeds: found 0 entries, expected 1 or more"),
        ({"train": {"epochs": "x"}}, "train.epochs: found 'x', expected a whole number"),
        ({"train": {"epochs": 10**9}}, "found 1000000000, expected a number of 100000 or less"),
        ({"train": {"batch_size": 10**12}}, "train.batch_size: found 1000000000000, expected a"),
        ({"train": {"epochs": 1.5}}, "train.epochs: found 1.5, expected a whole number"),
        ({"train": {"learning_rate": []}}, "train.learning_rate: found [], expected a number"),
        ({"train": {"loss": "k"}}, "train.loss: found 'k', expected 'kl', 'reverse_kl', "),
        ({"train": {"xla": "no idea"}}, "train.xla: found 'no idea', expected true or false"),
        ({"train": 5}, "train: found 5, expected a section of keys and values"),
        ({"name": "A B"}, "name: found 'A B', expected small letters, digits, `-` and `_`, "),
        ({"teacher": {"callable": "mine"}}, "found 'mine', expected \"module:function\"."),
        (
            {"teacher": {"source": {"handle": "owner/name"}}},
            'expected "hf://…", "kaggle://…" or "tfds://…"',
        ),
        ({"name": 5}, "name: found 5, expected a text"),
        ({"corpus": {"features": "t"}}, "corpus.features: found 't', expected a list"),
        (
            {"corpus": {"features": ["a", "b", "c"]}},
            "corpus.features: found 3 entries, expected 2 or fewer",
        ),
        (
            {"label": {"max_quarantined": "x"}},
            "label.max_quarantined: found 'x', expected a number",
        ),
        (
            {"combine": {"weights": "odd"}},
            "combine.weights: found 'odd', expected 'even' or 'validation' or a list",
        ),
        (
            {"train": {"temperature": {"start": 1}}},
            "missing key 'train.temperature.end'; it has no default",
        ),
        (
            {"train": {"students": [{"name": "a", "kind": "bag", "options": {"units": [1]}}]}},
            "train.students.0.options.units: found [1], expected a number or a text or true",
        ),
    ],
)
def test_it_says_what_was_found_and_what_was_expected(change, said):
    data = copy.deepcopy(WHOLE)
    for name, value in change.items():
        data[name] = {**data[name], **value} if isinstance(value, dict) else value
    assert said in problem(data)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("train.class_weight=1", "unknown key 'train.class_weight'; known here: baseline, batch_"),
        ("label.temperature=1", "unknown key 'label.temperature'; there is train.temperature"),
        ("train.top_k=1", "unknown key 'train.top_k'; there is label.top_k"),
        ("fit={}", "unknown key 'fit'; there is teacher.fit"),
        ("corpus.seed=1", "there is teacher.fit.seed, label.views.seed, adjust.seed"),
        ("train.epoch=1", "unknown key 'train.epoch'; did you mean 'epochs'?"),
        ("train.batchsize=1", "did you mean 'batch_size'?"),
        ("train.zzz=1", "known here: baseline, batch_size"),
    ],
)
def test_an_unknown_key_comes_with_the_one_that_is_meant_or_with_all(key, said):
    with pytest.raises(RunFileError) as failure:
        parse_run_file(MINIMAL, source="x.toml", overrides=[key])
    assert said in str(failure.value)
    assert not str(failure.value).endswith("?.")


def test_every_pattern_of_a_run_file_is_said_in_words():
    patterns = re.findall(r"'pattern': '([^']+)'", str(RunFile.model_json_schema()))
    assert len(set(patterns)) >= 6
    for pattern in patterns:
        item = {
            "type": "string_pattern_mismatch",
            "ctx": {"pattern": ast.literal_eval(f"'{pattern}'")},
        }
        assert "text of the form" not in expectation(item), pattern


def test_tasks_say_nothing_in_other_words_either():
    for key in ("tasks", "train", "train.seeds", "batches", "heads", "name", "train.students"):
        for value in ("[]", "{}", "'x'", "-1", "nan", "[[]]", "[{}]", "true"):
            try:
                parse_multi_task(tiny_heads.RUN_TEXT, source="x", overrides=[f"{key}={value}"])
            except RunFileError as error:
                assert not PYDANTICS.search(str(error)), error


def test_every_sort_of_error_that_the_models_can_make_has_words():
    found = set()
    for place in places(WHOLE):
        for value in WRONG if place else ():
            try:
                RunFile.model_validate(replaced(place, value))
            except ValueError as error:
                found |= {one["type"] for one in error.errors()}
    assert found - EXPECTED.keys() <= {"value_error", "missing", "extra_forbidden"}

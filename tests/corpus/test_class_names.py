"""Classes that a file has as numbers and names beside them, as data sets on a hub are."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import CorpusError
from schemas.heads import Head
from stages.corpus.files import named_of
from stages.corpus.formats.class_names import with_class_names
from tests import tiny, tiny_kinds, tiny_words

COLUMNS = ("label", "tags", "other")
NAMES = ["no", "yes"]


def described(columns, **features):
    info = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    return pa.table(columns).replace_schema_metadata(info)


def classes(names):
    return {"names": names, "_type": "ClassLabel"}


def list_of(feature, kind="List"):
    return [feature] if kind is None else {"feature": feature, "_type": kind}


@pytest.mark.parametrize("kind", [pa.int64(), pa.int8(), pa.uint16()])
def test_numbers_become_names(kind):
    numbers = pa.array([1, 0, None, 7], kind)
    found = with_class_names(
        described({"label": numbers, "n": numbers}, label=classes(NAMES)), COLUMNS
    )
    assert found["label"].to_pylist() == ["yes", "no", None, "7"]
    assert found["n"].to_pylist() == [1, 0, None, 7]


def test_below_zero_is_no_label():
    found = with_class_names(described({"label": [-1, 1]}, label=classes(NAMES)), COLUMNS)
    assert found["label"].to_pylist() == [None, "yes"]


@pytest.mark.parametrize("kind", ["List", "Sequence", "LargeList", None])
@pytest.mark.parametrize("part", [slice(None), slice(1, 4)])
def test_lists_of_numbers_become_lists_of_names(kind, part):
    lists = [[0, 1], [], None, [1, None, -1], [9]]
    rows = described({"tags": lists}, tags=list_of(classes(NAMES), kind))
    rows = rows.slice(part.start or 0, len(lists[part]))
    expected = [["no", "yes"], [], None, ["yes", None, None], ["9"]]
    assert with_class_names(rows, COLUMNS)["tags"].to_pylist() == expected[part]


@pytest.mark.parametrize(
    "said",
    [b"", b"[]", b"{", b'{"info": {}}', b'{"info": {"features": []}}', b'{"info": 3}'],
)
def test_a_file_that_states_no_names_is_left_alone(said):
    rows = pa.table({"label": [1]}).replace_schema_metadata({b"huggingface": said})
    assert with_class_names(rows, COLUMNS)["label"].to_pylist() == [1]


@pytest.mark.parametrize(
    "feature",
    [3, classes(None), classes([1, 2]), {"_type": "Value"}, list_of({"_type": "Value"}), {}],
)
def test_a_feature_of_another_kind_is_left_alone(feature):
    assert with_class_names(described({"label": [1]}, label=feature), COLUMNS)[
        "label"
    ].to_pylist() == [1]


def test_texts_and_columns_that_are_not_there_are_left_alone():
    rows = described({"label": ["1"]}, label=classes(NAMES), other=classes(NAMES))
    assert with_class_names(rows, COLUMNS).to_pydict() == {"label": ["1"]}


PARQUET = ('corpus.files=[{path="corpus.parquet"}]', "corpus.format=parquet")


def test_a_table_of_tags_by_number_is_that_of_tags_by_name(tmp_path):
    def kept(*how):
        found = tiny_words.label(tmp_path, *how).read("train", ["input_digest", "label_thing"])
        return sorted(map(str, found.to_pylist()))

    rows = tiny_words.examples()
    tiny_words.write_corpus(tmp_path, rows)
    names = list(tiny_words.CLASSES[::-1])
    tags = [[names.index(tag) for tag in row["tags"]] for row in rows]
    columns = {"words": [row["words"] for row in rows], "tags": tags}
    pq.write_table(described(columns, tags=list_of(classes(names))), tmp_path / "corpus.parquet")
    assert kept() == kept(*PARQUET, "label.num_shards=2")


def test_a_number_without_a_name_is_refused_by_it(experiment):
    rows = tiny.examples(8)
    columns = {"text": [row["text"] for row in rows], "thing": [0] * 7 + [44]}
    described_rows = described(columns, thing=classes(list(tiny.CLASSES)))
    pq.write_table(described_rows, experiment / "corpus.parquet")
    with pytest.raises(CorpusError, match=r"unknown class: .*row 8 .*'44'"):
        tiny.label(experiment, experiment / "labels", *PARQUET)


def test_numbers_stay_where_the_head_has_numbers(experiment):
    rows = tiny_kinds.examples()[:40]
    stars = [int(row["score"]) for row in rows]
    stated = classes([f"{number} stars" for number in range(9)])
    columns = {"text": [row["text"] for row in rows], "score": stars}
    pq.write_table(described(columns, score=stated), experiment / "corpus.parquet")
    table = tiny.label_run(experiment, tiny_kinds.run(tiny_kinds.OF_VALUES, *PARQUET))
    assert sorted(row["label_score"] for row in tiny.rows_of(table)) == sorted(stars)


@pytest.mark.parametrize(
    ("head", "named"),
    [
        ({"name": "t", "classes": ("no", "yes")}, {"t"}),
        ({"name": "t", "classes": ("0", "1")}, set()),
        ({"name": "t", "kind": "sigmoid", "classes": ("a", "b")}, {"t"}),
        ({"name": "t", "kind": "sigmoid", "classes": ("click",)}, set()),
        ({"name": "t", "kind": "regression"}, set()),
        ({"name": "t", "kind": "pointer", "per": "token"}, set()),
        ({"name": "t", "per": "token", "classes": ("O", "B-X"), "column": "tags"}, {"tags"}),
    ],
)
def test_which_columns_have_names(head, named):
    assert named_of(Head(**head)) == named

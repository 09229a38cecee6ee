"""One corpus of words, tags and answers with every flaw that these can have, labelled for each."""

import json

import pyarrow.parquet as pq
import pytest

from stages.table.verify import verify
from tests import tiny_words

SAID = ["who", "[SEP]", "Ada", "Lovelace", "did"]
WHOLE = ["O", "O", "B-PER", "I-PER", "O"]
ROWS = {
    "whole": {},
    "whole without labels": {"tags": None, "answers": None},
    "broken tags": {"tags": ["O", "O", "I-PER", "I-PER", "O"]},
    "unknown tag": {"tags": ["O", "O", "B-GOD", "O", "O"]},
    "too few tags": {"tags": ["O"]},
    "no words": {"words": []},
    "a null among the words": {"words": ["who", "[SEP]", None, "Lovelace", "did"]},
    "no list": {"words": {"who": 1}},
    "outside of the row": {"answers": ["4:9"]},
    "not in the context": {"answers": ["0:0 who"]},
    "not a span": {"answers": ["Ada"]},
    "backwards": {"answers": ["3:2"]},
    "several, that overlap": {"answers": ["2:3", "3:4"]},
}
OF_WORDS = {"no words": "no words", "a null among the words": "no word", "no list": "wrong type"}
OF_TAGS = {
    "broken tags": "broken tags",
    "unknown tag": "unknown class",
    "too few tags": "other number of labels",
}
OF_ANSWERS = dict.fromkeys(
    ("outside of the row", "not in the context", "not a span", "backwards"), "no such answer"
)
HEADS = {
    "tags": '{name="tag", per="token", column="tags", tags="iob2", classes=["O","B-PER","I-PER"]}',
    "answers": '{name="answer", kind="pointer", column="answers"}',
}


def no_opinion(*, width):
    """Return a teacher that says the same of every word."""
    return lambda lists: [[[0.0] * width] * len(words) for words in lists]


@pytest.mark.parametrize(("column", "flaws"), [("tags", OF_TAGS), ("answers", OF_ANSWERS)])
def test_flaws_are_quarantined_with_their_reason_and_the_rest_is_labelled(column, flaws, tmp_path):
    lines = [
        {"words": SAID, "tags": WHOLE, "answers": ["2:3 Ada Lovelace"], "id": name, **row}
        for name, row in ROWS.items()
    ]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    expected = {**OF_WORDS, **flaws}
    width = {"tags": 3, "answers": 2}[column]
    table = tiny_words.label(
        tmp_path,
        "corpus.split={validation=0.0, test=0.0}",
        "corpus.example_id=id",
        f"heads=[{HEADS[column]}]",
        f"label.max_quarantined={len(expected)}",
        'teacher={kind="module", callable="tests.label.test_mixed:no_opinion"}',
        f"teacher.options={{width={width}}}",
    )
    assert verify(table).rows == len(ROWS) - len(expected)
    kept = table.read("train", ["words"]).num_rows
    assert kept == len(ROWS) - len(expected)
    [file] = (tmp_path / "labels" / "_quarantine").rglob("*.parquet")
    names = list(ROWS)
    found = {names[one["source_row"] - 1]: one["error"] for one in pq.read_table(file).to_pylist()}
    assert found.keys() == expected.keys()
    for name, said in expected.items():
        assert found[name].startswith(said), found[name]

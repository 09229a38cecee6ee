"""Entities as spans of characters: what is read as words and tags, and what is refused."""

import json

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import CorpusError, RunFileError
from stages.corpus.formats.entities import read as read_entities
from stages.corpus.formats.units import TextFormat, Unit
from stages.heads.metrics.spans import broken_at
from stages.rows.intake import Intake
from stages.table.verify import verify
from tests import tiny_words

TEXT = "Ada Lovelace met Babbage, in London."
TAGS = ["B-PER", "I-PER", "O", "B-PER", "O", "O", "B-LOC", "O"]


def read(folder, *rows, tolerant=False):
    """Return the rows that are read, and what is refused."""
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "e.jsonl").write_text("\n".join(lines), encoding="utf-8")
    unit = Unit(str(folder / "e.jsonl"), "e.jsonl")
    intake = Intake("e.jsonl", tolerant=tolerant)
    found = [
        one for raw in read_entities(unit, TextFormat(), intake) for one in raw.table.to_pylist()
    ]
    return found, [one.error for one in intake.refused]


def stated(*entities, text=TEXT, **more):
    return {"text": text, "entities": list(entities), **more}


def test_entities_are_tags_of_words(tmp_path):
    spans = [28, 34, "LOC"], {"start": 0, "end": 12, "label": "PER"}, [17, 24, "PER"]
    [row], _ = read(tmp_path, stated(*spans, id=7))
    words = ["Ada", "Lovelace", "met", "Babbage", ",", "in", "London", "."]
    assert row == {"words": words, "tags": TAGS, "id": "7"}


def test_none_is_no_entity_and_not_stated_is_no_label(tmp_path):
    rows, _ = read(tmp_path, stated(), {"text": TEXT}, {"text": TEXT, "entities": None})
    assert [row["tags"] for row in rows] == [["O"] * 8, None, None]


def test_an_entity_within_a_word_has_the_word_and_white_space_is_none_of_it(tmp_path):
    [row], _ = read(tmp_path, stated([18, 20, "PER"], [3, 13, "PER"]))
    assert row["tags"] == ["O", "B-PER", "O", "B-PER", "O", "O", "O", "O"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "not JSON: e.jsonl row 1: "),
        ("[]", "not a JSON object: e.jsonl row 1: "),
        (
            '{"text": "cut \\ud83d", "entities": []}',
            "half a character: e.jsonl row 1: found \\ud83d",
        ),
        (stated(text="  "), "no text: e.jsonl row 1 column 'text': found '  '."),
        (stated(text=None), "no text: "),
        ({"text": TEXT, "entities": "PER"}, "entities are no list: "),
        (stated([0, 3]), "no entity: e.jsonl row 1 column 'entities': found '[0, 3]', expected"),
        (stated([0, 3, None]), "no entity: "),
        (stated([True, 3, "PER"]), "no entity: "),
        (stated({"start": 0, "label": "PER"}), "no entity: "),
        (stated([0, 99, "PER"]), "entity is of no text: "),
        (stated([-3, 3, "PER"]), "entity is of no text: "),
        (stated([3, 4, "PER"]), "entity is of no text: "),
        (stated([3, 0, "PER"]), "entity is of no text: "),
        (stated([0, 3, ""]), "entity is of no text: "),
        (stated([0, 12, "PER"], [4, 16, "PER"]), "entities overlap: e.jsonl row 1 column"),
        (stated([0, 12, "PER"], [0, 12, "LOC"]), "entities overlap: "),
        (stated([17, 20, "PER"], [20, 24, "LOC"]), "entities share a word: "),
    ],
)
def test_what_cannot_be_used_is_refused_and_the_rest_is_read(row, said, tmp_path):
    rows, refused = read(tmp_path, row, stated([28, 34, "LOC"]), tolerant=True)
    assert [one["tags"][6] for one in rows] == ["B-LOC"]
    assert len(refused) == 1
    assert refused[0].startswith(said)
    assert refused[0].endswith((". Mend the row.", ". Mend the line."))
    with pytest.raises(CorpusError):
        read(tmp_path, row)


@given(st.text(min_size=1), st.data())
def test_words_of_an_entity_hold_its_text_and_tags_are_whole(tmp_path_factory, text, data):
    folder = tmp_path_factory.mktemp("any")
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    line = json.dumps(stated([start, end, "X"], text=text))
    rows, refused = read(folder, line, tolerant=True)
    assert bool(refused) == (not text[start:end].strip())
    for row in rows:
        assert broken_at(row["tags"], "iob2") is None
        assert "".join(row["words"]) == "".join(text.split())
        tagged = zip(row["words"], row["tags"], strict=True)
        within = "".join(word for word, tag in tagged if tag != "O")
        assert "".join(text[start:end].split()) in within


MIXED = [
    stated([0, 12, "PER"]),
    stated([0, 12, "PER"], [4, 16, "PER"]),
    stated(text=""),
    stated([28, 99, "LOC"]),
    stated([0, 3, "GOD"]),
    "{",
    stated([28, 34, "LOC"]),
    {"text": "nobody said"},
]


def tags():
    """Return a teacher of the tags that are stated here, without an opinion."""
    return lambda lists: [[[0.0] * 5] * len(words) for words in lists]


def test_a_corpus_with_every_flaw_is_labelled_but_for_them(tmp_path):
    """Overlaps, empty texts, spans outside, unknown types, broken lines: with their reasons."""
    read(tmp_path, *MIXED, tolerant=True)
    classes = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    table = tiny_words.label(
        tmp_path,
        "corpus.format=entities",
        'corpus.files=[{path="e.jsonl"}]',
        "corpus.split={validation=0.0, test=0.0}",
        f'heads=[{{name="entity", per="token", column="tags", classes={json.dumps(classes)}}}]',
        "label.max_quarantined=5",
        'teacher={kind="module", callable="tests.corpus.test_entities:tags"}',
    )
    assert verify(table).rows == 3
    found = table.read("train", ["words", "label_entity"]).to_pylist()
    assert {row["words"][0]: row["label_entity"] and len(row["label_entity"]) for row in found} == {
        "Ada": 8,
        "nobody": None,
    }
    [file] = (tmp_path / "labels" / "_quarantine").rglob("*.parquet")
    refused = pq.read_table(file).to_pylist()
    assert {one["source_row"]: one["error"].split(":")[0] for one in refused} == {
        2: "entities overlap",
        3: "no text",
        4: "entity is of no text",
        5: "unknown class",
        6: "not JSON",
    }


@pytest.mark.parametrize(
    "stated",
    [
        ['heads=[{name="a", kind="pointer", column="tags"}]'],
        ['heads=[{name="a", per="token", classes=["O", "B-X"]}]'],
        ['heads=[{name="a", column="tags", classes=["O", "B-X"]}]'],
        [
            "corpus.format=squad",
            'heads=[{name="a", kind="pointer", column="answers"}]',
            'corpus.unlabelled=[{files=[{path="u"}], format="entities"}]',
        ],
    ],
)
def test_other_columns_or_heads_are_refused(stated):
    with pytest.raises(RunFileError, match='format "entities" is for features'):
        tiny_words.run("corpus.format=entities", *stated)

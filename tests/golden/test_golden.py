"""Tables that earlier releases wrote are still read: schema and rows."""

import json

import pytest

from schemas.soft_labels import FORMAT_VERSION, READABLE_VERSIONS
from stages.table.artefacts import read_embeddings, read_measures
from stages.table.opening import open_table, open_version
from stages.table.shard import read_shard
from tests import tiny
from tests.golden.write import FOLDER, JOINED, MAKERS, of_heads, plain

VERSIONS = sorted(path.stem for path in FOLDER.glob("v?.json"))
OF_OTHER_KINDS = sorted(path.stem for path in FOLDER.glob("v*-*.json") if path.stem != JOINED)


def test_every_readable_format_has_a_golden_table():
    assert FORMAT_VERSION in READABLE_VERSIONS
    assert [f"v{version}" for version in READABLE_VERSIONS] == [*VERSIONS, JOINED.split("-")[0]]
    assert (FOLDER / JOINED).is_dir()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_golden_table_is_read_row_for_row(version):
    table = open_table(FOLDER / version)
    expected = json.loads((FOLDER / f"{version}.json").read_text())
    assert plain(tiny.rows_of(table)) == expected
    assert table.card.counts.rows == len(expected) == 25
    assert read_measures(table).parameters > 0
    embeddings = read_embeddings(table)
    assert embeddings is None if int(version[1:]) < 4 else embeddings.shape == (27, 3)
    schema = table.card.layout.file_schema
    assert read_shard(table.shards[0], schema.names).schema.equals(schema)


@pytest.mark.parametrize("version", OF_OTHER_KINDS)
def test_a_golden_table_of_another_kind_is_read_row_for_row(version):
    table = open_table(FOLDER / version)
    expected = json.loads((FOLDER / f"{version}.json").read_text())
    assert plain(tiny.rows_of(table)) == expected
    schema = table.card.layout.file_schema
    assert read_shard(table.shards[0], schema.names).schema.equals(schema)


@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind])
def test_the_same_corpus_of_another_kind_gives_its_golden_rows_again(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = json.loads((FOLDER / f"v{FORMAT_VERSION}{kind}.json").read_text())
    assert plain(tiny.rows_of(MAKERS[kind](tmp_path))) == expected
    what_is_new = {
        "-words": lambda row: None in row["teacher_thing"],
        "-labels": lambda row: row["label_thing"] == [],
        "-values": lambda row: row["label_score"] is None,
        "-pointers": lambda row: row["label_answer"] == [],
    }
    assert any(what_is_new[kind](row) for row in expected)


def test_the_same_corpus_and_teacher_give_the_golden_rows_again(experiment):
    rows = [*tiny.examples(24), {"text": "one fig", "thing": None}]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    table = tiny.label(experiment, experiment / "labels", "label.num_shards=1")
    expected = json.loads((FOLDER / f"v{FORMAT_VERSION}.json").read_text())
    found = plain(tiny.rows_of(table))
    for one, other in zip(found, expected, strict=True):
        assert one.pop("teacher_thing") == pytest.approx(other.pop("teacher_thing"), rel=2e-3)
        assert one == other


def test_a_golden_table_of_several_heads_is_read_row_for_row():
    table = open_version(FOLDER / JOINED)
    expected = json.loads((FOLDER / f"{JOINED}.json").read_text())
    assert plain(tiny.rows_of_files(table)) == expected
    schema = table.card.layout.file_schema
    assert read_shard(table.shards[0], schema.names).schema.equals(schema)
    for part in table.parts():
        has = part.card.head.presence_column
        own = [row["example_id"] for row in expected if row[has]]
        assert sorted(row["example_id"] for row in tiny.rows_of(part)) == sorted(own)
        assert read_measures(part).parameters == 0


def test_the_same_corpora_give_the_golden_rows_of_several_heads_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = json.loads((FOLDER / f"{JOINED}.json").read_text())
    assert plain(tiny.rows_of_files(of_heads(tmp_path))) == expected
    assert any(row["has_thing"] and row["has_word"] for row in expected)
    assert any(row["has_kinds"] and not row["has_word"] for row in expected)

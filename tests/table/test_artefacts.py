"""What a teacher leaves beside its table."""

import json

import numpy as np
import pytest

from schemas.errors import DamagedTableError, StorageError, TableError
from stages.combine.pipeline import combine
from stages.table.artefacts import read_embeddings, read_measures
from stages.train.building import vocabulary_of
from tests import tiny
from tests.teachers.kinds import column, keras_hub, labelled_by, module, probabilities, transformers


def test_embeddings_are_the_teachers_own_a_row_a_piece(labelled, table):
    import keras

    model = keras.saving.load_model(labelled / "teacher" / "teacher.keras")
    found = read_embeddings(table)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, model.get_weights()[0][: len(tiny.VOCABULARY)])
    stated = read_measures(table).embeddings
    assert (stated.pieces, stated.width) == found.shape == (len(tiny.VOCABULARY), 3)


@pytest.mark.parametrize("make", [keras_hub, transformers])
def test_an_encoders_embeddings_go_with_its_vocabulary(make, experiment):
    from stages.inputs.wordpiece import read_vocabulary
    from tests.tiny_berts import weights

    table = labelled_by(experiment, make(experiment))
    np.testing.assert_array_equal(read_embeddings(table), weights()["words"])
    assert read_vocabulary(table.artefacts_path / "vocab.txt") == tiny.VOCABULARY


@pytest.mark.parametrize("make", [module, probabilities])
def test_a_teacher_without_embeddings_leaves_none(make, experiment, monkeypatch):
    import sys

    monkeypatch.setattr(sys, "path", list(sys.path))
    table = labelled_by(experiment, make(experiment))
    sys.modules.pop("own_teacher", None)
    assert read_embeddings(table) is None
    assert not (table.artefacts_path / "embeddings.npy").exists()


def test_a_flipped_bit_in_the_embeddings_is_found(table):
    path = table.artefacts_path / "embeddings.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedTableError, match=r"embeddings are damaged: .*embeddings.npy: found"):
        read_embeddings(table)
    path.unlink()
    with pytest.raises(DamagedTableError, match="found no file, expected digest"):
        read_embeddings(table)


def test_another_letter_in_the_vocabulary_is_found(table, run):
    path = table.artefacts_path / "vocab.txt"
    path.write_text(path.read_text().replace("cat", "cot"))
    with pytest.raises(DamagedTableError, match=r"vocabulary is damaged: .*vocab.txt: found"):
        vocabulary_of([table], run.train.students[0], lowercase=True)
    with pytest.raises(DamagedTableError, match=r"vocabulary is damaged: .*vocab.txt: found"):
        combine(run, [table, tiny.copied(table)], labels=table.path.parent / "combined")


def test_artefacts_that_are_gone_are_stated_and_made_again(labelled, table):
    (table.artefacts_path / "teacher_measures.json").unlink()
    with pytest.raises(
        TableError,
        match=r"artefacts are missing.*The table is whole: run again what made it: `label`, ",
    ):
        read_measures(table)
    tiny.label(labelled, labelled / "labels")
    assert read_measures(table).parameters > 0


def missing(path):
    path.unlink()


def damaged(path):
    path.write_bytes(path.read_bytes() + b"x")


@pytest.mark.parametrize("name", ["vocab.txt", "embeddings.npy"])
@pytest.mark.parametrize("harm", [missing, damaged])
def test_a_part_that_is_missing_or_damaged_is_written_again(harm, name, labelled, table):
    path, before = table.artefacts_path / name, read_measures(table)
    whole = path.read_bytes()
    harm(path)
    tiny.label(labelled, labelled / "labels")
    assert path.read_bytes() == whole
    assert read_measures(table) == before


def test_a_folder_in_the_place_of_the_vocabulary_is_stated(labelled, table):
    path = table.artefacts_path / "vocab.txt"
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError, match=r"cannot be written: .*vocab.txt: .* Remove that fold"):
        tiny.label(labelled, labelled / "labels")


@pytest.mark.parametrize("name", ["vocab.txt", "embeddings.npy"])
def test_what_is_missing_beside_a_mean_is_written_again(name, run, table):
    place = table.path.parent / "combined"
    tables = [table, tiny.copied(table)]
    path = combine(run, tables, labels=place).artefacts_path / name
    whole = path.read_bytes()
    path.unlink()
    combine(run, tables, labels=place)
    assert path.read_bytes() == whole


def test_the_teachers_speed_is_of_the_calls_that_made_the_table(table):
    speed = read_measures(table).speed
    assert (speed.calls, speed.as_labelled) == (5, True)
    assert speed.latency_ms_batch_1 > 0
    assert speed.examples_per_second_batch_64 > 0


def test_a_speed_that_nobody_saw_is_none_and_one_that_was_seen_stays(labelled, table, monkeypatch):
    path = table.artefacts_path / "teacher_measures.json"
    seen = json.loads(path.read_text())
    path.write_text(json.dumps({**seen, "format_version": 1}))
    tiny.label(labelled, labelled / "labels")
    assert read_measures(table).speed.model_dump() == seen["speed"]
    path.unlink()
    monkeypatch.setattr("stages.teachers.keras.KerasTeacher.logits", None)
    tiny.label(labelled, labelled / "labels")
    assert read_measures(table).speed is None
    assert read_measures(table).parameters == seen["parameters"]


def test_artefacts_of_an_earlier_release_are_completed(labelled, table):
    path = table.artefacts_path / "teacher_measures.json"
    old = json.loads(path.read_text())
    for name in ("format_version", "vocabulary_made_for", "embeddings"):
        del old[name]
    path.write_text(json.dumps(old))
    (table.artefacts_path / "embeddings.npy").unlink()
    assert read_embeddings(table) is None
    tiny.label(labelled, labelled / "labels")
    assert read_embeddings(table).shape == (len(tiny.VOCABULARY), 3)


def test_a_vocabulary_that_was_made_follows_the_corpus(experiment, monkeypatch):
    overrides = column(experiment)
    first = labelled_by(experiment, overrides)
    rows = [json.loads(line) for line in (experiment / "corpus.jsonl").read_text().splitlines()]
    more = [{**row, "text": f"zebra {row['text']}"} for row in rows]
    lines = "".join(json.dumps(row) + "\n" for row in [*rows, *more])
    (experiment / "corpus.jsonl").write_text(lines)
    grown = labelled_by(experiment, overrides)
    pieces = (grown.artefacts_path / "vocab.txt").read_text().split("\n")
    assert "zebra" in pieces
    assert grown.version > first.version


def test_a_vocabulary_of_another_version_is_not_trained_on(experiment, monkeypatch):
    overrides = module(experiment)
    labelled_by(experiment, overrides)
    tiny.write_corpus(experiment / "corpus.jsonl", tiny.examples(60))
    with monkeypatch.context() as killed:  # after its commit, before its artefacts
        killed.setattr("stages.label.pipeline.export_artefacts", lambda *some, **more: None)
        table = labelled_by(experiment, overrides)
    with pytest.raises(
        TableError, match="artefacts are of another version: .*run again what made it: `label`, "
    ):
        read_measures(table)
    again = labelled_by(experiment, overrides)
    assert again.version == table.version
    assert read_measures(again).vocabulary_made_for == again.card.plan_fingerprint

"""Heads by pixel over a column of numbers: nothing in the table assumes words."""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import CorpusError, RunFileError, StudentError
from stages.inputs.find import input_digests
from stages.rows.codec import decode
from stages.run.experiment import run_all
from stages.table.opening import open_table
from stages.table.verify import verify
from stages.table.writing.quarantine import quarantine_path
from stages.train.pipeline import train
from tests import tiny, tiny_pixels


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_pixels.write_corpus(tmp_path)
    return tmp_path


def test_every_pixel_has_its_logits_and_its_label_again(folder):
    corpus = tiny_pixels.write_corpus(folder).to_pylist()
    table = tiny_pixels.label(folder, "label.precision=float32")
    assert verify(table).rows == 40
    found = {tuple(row["image"]): row for row in tiny.rows_of(open_table(folder / "labels"))}
    assert len(found) == 40
    [teacher] = [tiny_pixels.make()]
    for row in corpus:
        kept = found[tuple(row["image"])]
        assert kept["label_shade"] == row["shade"]
        np.testing.assert_array_equal(
            np.array(kept["teacher_shade"], np.float32),
            teacher([row["image"]])[0].astype(np.float32),
        )
    layout = table.card.layout
    assert layout.file_schema.field("image").type == pa.list_(pa.float32())
    answers = decode(table.read("train", layout.logit_columns), layout)
    assert set(np.diff(answers.offsets)) == {15, 16}
    assert table.card.quality.splits["test"].accuracy == 1.0
    assert table.card.counts.unseen_positions == 0


def test_labelled_again_in_another_order_no_image_is_asked_for(folder):
    before = tiny_pixels.label(folder)
    rows = pq.read_table(folder / "images.parquet")
    pq.write_table(rows.take(list(range(39, -1, -1))), folder / "images.parquet")
    again = tiny_pixels.label(folder)
    assert again.card.counts.teacher_calls == 0
    kept = ("image", "label_shade", "teacher_shade", "input_digest")
    found = [[[row[name] for name in kept] for row in tiny.rows_of(t)] for t in (before, again)]
    assert found[0] == found[1]


def test_a_digest_is_of_the_count_and_the_numbers(folder):
    column = pa.array([[1.0, 2.5], [], [0.25]], pa.list_(pa.float32()))
    for row, found in zip(column.to_pylist(), input_digests([column]).to_pylist(), strict=True):
        framed = b"n" + len(row).to_bytes(8, "little") + np.array(row, "<f4").tobytes()
        said = hashlib.blake2b(framed, digest_size=16, person=b"softshards.in.1").digest()
        assert found == said


def test_images_that_do_not_hold_are_quarantined(folder):
    images = pa.array(
        [[0.5, float("nan")], [], None, [0.25, 0.75], [0.5], [0.5, None]], pa.list_(pa.float32())
    )
    shades = pa.array([["dark"] * 2, [], None, ["dark", "light"], ["dark"] * 2, None])
    pq.write_table(pa.table({"image": images, "shade": shades}), folder / "images.parquet")
    table = tiny_pixels.label(folder, "label.max_quarantined=5")
    assert [row["image"] for row in tiny.rows_of(table)] == [[0.25, 0.75]]
    refused = pq.read_table(quarantine_path(table.path, table.card.plan_fingerprint))
    reasons = [error.split(":")[0] for error in refused["error"].to_pylist()]
    assert reasons == [
        "no number",
        "no numbers",
        "no numbers",
        "other number of labels",
        "no number",
    ]


def test_what_numbers_need_is_said(folder):
    texts = pa.table({"image": ["a"], "shade": [["dark"]]})
    pq.write_table(texts, folder / "images.parquet")
    with pytest.raises(CorpusError, match="wrong type: column 'image'.*expected lists of numbers"):
        tiny_pixels.label(folder)
    for stated, said in (
        ("corpus.format=jsonl", 'a feature of numbers is read from format = "parquet" only'),
        ('corpus.feature_kinds={image="words"}', 'corpus.feature_kinds = { image = "numbers" }'),
        ('teacher={path="x"}', "numbers need a teacher of kind module"),
        ("label.views={seed=1, augmenters=[{kind='swap'}]}", "not of numbers"),
    ):
        with pytest.raises(RunFileError, match="does not hold") as caught:
            tiny_pixels.run(stated)
        assert said in str(caught.value)


def test_no_student_takes_numbers_yet(folder):
    with pytest.raises(StudentError, match="no student takes numbers yet: "):
        run_all(tiny_pixels.run(), out=folder / "out")
    assert not (folder / "out").exists()  # no teacher was asked
    table = tiny_pixels.label(folder)
    with pytest.raises(StudentError, match="no student takes numbers yet: .*read it with any"):
        train(tiny_pixels.run(), table, out=folder / "out")

"""Data sets of TensorFlow Datasets: one is made here, as its own tool leaves it, and taken."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas.asset import Asset
from schemas.errors import AssetError
from stages.places import catalogue
from stages.places.assets import resolve_files, resolve_model

HANDLE = "tfds://tiny_set:1.0.0"
MAKE = """
import sys

import numpy as np
import tensorflow_datasets as tfds


class TinySet(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "text": tfds.features.Text(),
                    "label": tfds.features.ClassLabel(names=["no", "yes"]),
                    "score": np.float32,
                    "words": tfds.features.Sequence(tfds.features.Text()),
                    "tags": tfds.features.Sequence(tfds.features.ClassLabel(names=["O", "B"])),
                    "pixels": tfds.features.Tensor(shape=(2, 2), dtype=np.uint8),
                    "ragged": tfds.features.Sequence(
                        tfds.features.Sequence(tfds.features.Text())
                    ),
                    "nested": tfds.features.Sequence({"text": tfds.features.Text()}),
                }
            )
        )

    def _split_generators(self, manager):
        few = self._generate_examples(2, known=False)
        return {"train": self._generate_examples(5), "test": few}

    def _generate_examples(self, count, known=True):
        for number in range(count):
            yield number, {
                "text": f"text {number} é",
                "label": number % 2 if known else -1,
                "score": number / 4,
                "words": ["a", "b"][: number % 3],
                "tags": [0, 1][: number % 3],
                "pixels": np.arange(4, dtype=np.uint8).reshape(2, 2),
                "ragged": [["a"], []],
                "nested": [{"text": "x"}],
            }


TinySet(data_dir=sys.argv[1]).download_and_prepare()
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Make the data set in another process, so that here only its files are known."""
    pytest.importorskip("tensorflow_datasets")
    folder = tmp_path_factory.mktemp("tfds")
    env = {**os.environ, "NO_GCE_CHECK": "true"}
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(folder)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def here(prepared, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    monkeypatch.setenv("SOFTSHARDS_CACHE", str(tmp_path / "cache"))
    return tmp_path


def rows_of_file(here, split):
    (found,) = resolve_files(Asset(handle=HANDLE, path=split), base=here)
    assert found.source == f"{HANDLE}/{split}"
    return found


def rows_of(here, split="train"):
    found = rows_of_file(here, split)
    return found, pq.read_table(found.location)


def test_a_split_is_kept_as_rows(here):
    _, table = rows_of(here)
    assert table.column_names == ["label", "pixels", "score", "tags", "text", "words"]
    rows = sorted(table.to_pylist(), key=lambda row: row["text"])
    assert rows[3] == {
        "text": "text 3 é",
        "label": "yes",
        "score": 0.75,
        "words": [],
        "tags": [],
        "pixels": [0, 1, 2, 3],
    }
    assert rows[2]["words"] == ["a", "b"]
    assert rows[2]["tags"] == ["O", "B"]
    assert str(table.schema.field("score").type) == "float"


def test_a_class_that_is_not_stated_is_none(here):
    _, table = rows_of(here, "test")
    assert table["label"].to_pylist() == [None, None]


def test_a_kept_split_is_taken_without_the_data_set(here, monkeypatch):
    found, _ = rows_of(here, "train[:60%]")
    assert pq.read_metadata(found.location).num_rows == 3
    monkeypatch.setenv("TFDS_DATA_DIR", str(here / "none"))
    assert rows_of(here, "train[:60%]")[0] == found


def test_a_split_counts_by_its_name_and_not_by_the_bytes_of_its_file(here):
    found, _ = rows_of(here, "test")
    kept = Path(found.location).read_bytes()
    Path(found.location).write_bytes(kept + b" ")
    assert rows_of_file(here, "test").digest == found.digest != rows_of(here)[0].digest


def test_cells_that_are_no_rows_are_said_and_nothing_is_kept(here, monkeypatch):
    def fails(*asked):
        raise UnicodeDecodeError("utf-8", b"x", 0, 1, "invalid")

    monkeypatch.setattr(catalogue, "_cell", fails)
    said = "data set cannot be kept as rows: tfds://tiny_set:1.0.0 split train: 'utf-8'"
    with pytest.raises(AssetError, match=said):
        rows_of(here)
    assert not list((here / "cache").rglob("*.parquet"))


@pytest.mark.parametrize(
    ("handle", "split", "said"),
    [
        (HANDLE, "other", "data set cannot be had: tfds://tiny_set:1.0.0 split other: "),
        ("tfds://tiny_set", "train", "not pinned: tfds://tiny_set. State its version"),
        ("tfds://tiny_set:1.*.*", "train", "not pinned"),
        ("tfds://no_such_set:1.0.0", "train", "data set cannot be had: tfds://no_such_set:1.0.0"),
    ],
)
def test_what_cannot_be_had_is_said_and_nothing_is_kept(handle, split, said, here):
    with pytest.raises(AssetError, match=said.replace("*", r"\*").replace("[", r"\[")):
        resolve_files(Asset(handle=handle, path=split), base=here)
    assert not list((here / "cache").rglob("*.parquet"))


def test_a_data_set_is_no_model(here):
    with pytest.raises(AssetError, match="not a model: tfds://tiny_set:1.0.0: it is a data set"):
        resolve_model(Asset(handle=HANDLE, path="train"), base=here)

"""A repository of the hub, at its boundary: the client's cache as it leaves it, no network."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from schemas.errors import AssetError
from stages.places.hub import Snapshot
from stages.teachers.places import find_teacher
from tests import tiny, tiny_berts
from tests.loopback import serving

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CHILD = """
import json, sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from stages.teachers.load import load_teacher
from stages.places.hub import Snapshot
from stages.teachers.places import find_teacher
from tests import tiny

run = tiny.run('teacher={kind="transformers", source={handle="%s"}, max_length=16}' % sys.argv[1])
source = find_teacher(run, base=Path("."), fitted=Path("."))
teacher = load_teacher(source)
answer = teacher.logits(teacher.encode(pa.table({"text": ["the old cat", "fig"]})), np.arange(2))
print(json.dumps([source.location, source.vocabulary.name, answer.argmax(axis=1).tolist()]))
"""


@pytest.fixture
def hub(tmp_path):
    pytest.importorskip("transformers")
    place = tmp_path / "hub" / "models--owner--name"
    tiny_berts.write_transformers(place / "snapshots" / COMMIT)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(COMMIT)
    return tmp_path


def asked(hub, handle, *, script=CHILD, offline=True):
    env = {**os.environ, "HF_HOME": str(hub), "HF_HUB_OFFLINE": str(int(offline))}
    env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-c", script, handle]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("revision", ["", "@main", f"@{COMMIT}"])
def test_a_handle_is_fixed_to_a_commit_and_asked(revision, hub):
    done = asked(hub, f"hf://owner/name{revision}")
    assert done.returncode == 0, done.stderr
    expected = [f"hf://owner/name@{COMMIT}", "vocab.txt", [0, 1]]
    assert json.loads(done.stdout.splitlines()[-1]) == expected


def test_a_repository_that_cannot_be_had_is_named(hub):
    done = asked(hub, "hf://owner/other")
    assert "AssetError: repository cannot be had: hf://owner/other: " in done.stderr


ROWS = """
import json, sys
from pathlib import Path

from schemas.asset import Asset
from stages.places.assets import resolve_files

handle, path = sys.argv[1].split(" ")
found = resolve_files(Asset(handle=handle, path=path), base=Path("."))
print(json.dumps([[one.source, Path(one.location).read_text(), one.digest] for one in found]))
"""
FILES = {"data/train-0.jsonl": "a", "data/train-1.jsonl": "b", "data/test-0.jsonl": "c"}
HANDLE = "hf://datasets/owner/rows"


@pytest.fixture
def rows_hub(tmp_path, monkeypatch):
    """A hub of one data set on loopback, and an empty cache of its client and of ours."""
    pytest.importorskip("huggingface_hub")
    at = f"/datasets/owner/rows/resolve/{COMMIT}"
    tree = [
        {"type": "file", "path": path, "size": len(text), "oid": "0" * 40}
        for path, text in FILES.items()
    ]
    info = {"id": "owner/rows", "sha": COMMIT, "siblings": [{"rfilename": one} for one in FILES]}
    answers = {f"{at}/{path}": text.encode() for path, text in FILES.items()}
    for revision in ("main", COMMIT):
        answers[f"/api/datasets/owner/rows/revision/{revision}"] = json.dumps(info).encode()
        answers[f"/api/datasets/owner/rows/tree/{revision}"] = json.dumps(tree).encode()
    monkeypatch.setenv("SOFTSHARDS_CACHE", str(tmp_path / "ours"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    with serving(answers, {"X-Repo-Commit": COMMIT, "ETag": f'"{"1" * 40}"'}) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield tmp_path


def rows_of(hub, path, *, offline=False, handle=HANDLE):
    done = asked(hub, f"{handle} {path}", script=ROWS, offline=offline)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else done.stderr


def test_files_of_a_data_set_are_fixed_to_a_commit_and_taken_again_offline(rows_hub):
    found = rows_of(rows_hub, "data/train-*.jsonl")
    at = f"{HANDLE}@{COMMIT}/data/train"
    assert [one[0] for one in found] == [f"{at}-0.jsonl", f"{at}-1.jsonl"]
    assert rows_of(rows_hub, "data/train-*.jsonl", offline=True) == found


def test_a_cache_that_was_filled_in_part_is_not_taken_for_all(rows_hub):
    assert rows_of(rows_hub, "data/train-0.jsonl")[0][1] == "a"
    for trees in (rows_hub / "hub").rglob(
        "trees"
    ):  # as another program, or an older one, leaves it
        shutil.rmtree(trees)
    said = rows_of(rows_hub, "data/train-*.jsonl", offline=True)
    assert "AssetError: files cannot be listed: data/train-*.jsonl of hf://datasets/own" in said
    assert rows_of(rows_hub, "data/train-0.jsonl", offline=True)[0][1] == "a"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("data/none.jsonl", "no such file: data/none.jsonl in hf://datasets/owner/rows"),
        ("none/*.jsonl", "no such file: none/*.jsonl in hf://datasets/owner/rows"),
        ("../rows/a.jsonl", "path leaves the data set: '../rows/a.jsonl' of hf://datasets/own"),
        ("/etc/hostname", "path leaves the data set: '/etc/hostname' of hf://datasets/owner"),
    ],
)
def test_a_path_that_a_data_set_does_not_have_is_named(path, said, rows_hub):
    assert f"AssetError: {said}" in rows_of(rows_hub, path)


def test_a_data_set_is_no_teacher(tmp_path):
    source = 'source={handle="hf://datasets/owner/rows", path="a"}'
    run = tiny.run(f'teacher={{kind="transformers", {source}}}')
    with pytest.raises(AssetError, match="not a model: hf://datasets/owner/rows: it is a data set"):
        find_teacher(run, base=tmp_path, fitted=tmp_path)


def test_a_handle_of_another_hub_is_refused(tmp_path):
    run = tiny.run('teacher={kind="transformers", source={handle="kaggle://owner/name"}}')
    with pytest.raises(AssetError, match="not a repository of the hub: kaggle://owner/name"):
        find_teacher(run, base=tmp_path, fitted=tmp_path)


def test_what_else_is_in_the_cache_is_no_part_of_a_teacher(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    digest = Snapshot("hf://owner/name@1", tmp_path).digest
    (tmp_path / "README.md").write_text("of another program")
    assert Snapshot("hf://owner/name@1", tmp_path).digest == digest
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "vocabulary.spm").write_bytes(b"pieces")
    assert Snapshot("hf://owner/name@1", tmp_path).digest != digest

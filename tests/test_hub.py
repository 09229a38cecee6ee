"""A repository of the hub, at its boundary: the client's cache as it leaves it, no network."""

import json
import os
import subprocess
import sys

import pytest

from schemas.errors import AssetError
from stages.teacher_places import find_teacher
from tests import tiny, tiny_berts

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CHILD = """
import json, sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from stages.label.teachers import load_teacher
from stages.teacher_places import find_teacher
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


def asked(hub, handle, *, script=CHILD):
    env = {**os.environ, "HF_HOME": str(hub), "HF_HUB_OFFLINE": "1"}
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
from stages.assets import resolve_files

found = resolve_files(Asset(handle=sys.argv[1], path="data/train-*.jsonl"), base=Path("."))
print(json.dumps([[one.source, Path(one.location).read_text(), one.digest] for one in found]))
"""


@pytest.fixture
def rows_hub(tmp_path):
    pytest.importorskip("huggingface_hub")
    place = tmp_path / "hub" / "datasets--owner--rows"
    for part, text in (("train-0", "a"), ("train-1", "b"), ("test-0", "c")):
        path = place / "snapshots" / COMMIT / "data" / f"{part}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(COMMIT)
    return tmp_path


def test_files_of_a_data_set_are_fixed_to_a_commit(rows_hub):
    done = asked(rows_hub, "hf://datasets/owner/rows", script=ROWS)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    at = f"hf://datasets/owner/rows@{COMMIT}/data"
    assert [one[:2] for one in found] == [
        [f"{at}/train-0.jsonl", "a"],
        [f"{at}/train-1.jsonl", "b"],
    ]
    assert found[0][2] != found[1][2]


def test_a_data_set_without_the_file_is_named(rows_hub):
    script = ROWS.replace("data/train-*.jsonl", "data/none.jsonl")
    done = asked(rows_hub, "hf://datasets/owner/rows@main", script=script)
    assert (
        "AssetError: no such file: data/none.jsonl in hf://datasets/owner/rows@main" in done.stderr
    )


def test_a_handle_of_another_hub_is_refused(tmp_path):
    run = tiny.run('teacher={kind="transformers", source={handle="kaggle://owner/name"}}')
    with pytest.raises(AssetError, match="not a repository of the hub: kaggle://owner/name"):
        find_teacher(run, base=tmp_path, fitted=tmp_path)

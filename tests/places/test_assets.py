"""Assets: pinned, verified, cached, and never outside their place.

Wheels are built here and served to pip from a folder, without a network.
"""

import hashlib
import zipfile
from pathlib import Path

import pytest

from schemas.asset import Asset
from schemas.errors import AssetError
from stages.places.assets import resolve_files, resolve_model

DATA = b"what is it\n"
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder of wheels that pip takes everything from, and an empty cache."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    metadata = "Metadata-Version: 2.1\nName: tinycorpus\nVersion: 1.0\n"
    with zipfile.ZipFile(folder / "tinycorpus-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tinycorpus/data.txt", DATA)
        wheel.writestr("tinycorpus/more.txt", DATA)
        wheel.writestr("tinycorpus-1.0.dist-info/METADATA", metadata)
        wheel.writestr("tinycorpus-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("tinycorpus-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("SOFTSHARDS_CACHE", str(tmp_path / "cache"))
    return folder


def wheel_file(sha=SHA, path="tinycorpus/data.txt", wheel="tinycorpus==1.0"):
    return Asset(wheel=wheel, path=path, sha256=sha)


def test_a_file_of_a_wheel_is_fetched_once(wheels, tmp_path):
    (found,) = resolve_files(wheel_file(), base=tmp_path)
    assert Path(found.location).read_bytes() == DATA
    for wheel in wheels.glob("*.whl"):
        wheel.unlink()
    assert resolve_files(wheel_file(), base=tmp_path)[0].digest == found.digest


def test_another_digest_is_refused_and_leaves_nothing(wheels, tmp_path):
    with pytest.raises(AssetError, match="digest differs: .*nothing was used"):
        resolve_files(wheel_file(sha="0" * 64), base=tmp_path)
    assert not list((tmp_path / "cache").rglob("data.txt"))


def test_a_cached_file_that_was_changed_is_fetched_again(wheels, tmp_path):
    (found,) = resolve_files(wheel_file(), base=tmp_path)
    Path(found.location).write_bytes(DATA + b"x")
    assert resolve_files(wheel_file(), base=tmp_path) == [found]
    assert Path(found.location).read_bytes() == DATA


def test_a_file_that_is_not_in_the_wheel(wheels, tmp_path):
    with pytest.raises(AssetError, match="no such file in the wheel: tinycorpus/other.txt"):
        resolve_files(wheel_file(path="tinycorpus/other.txt"), base=tmp_path)


def test_a_wheel_that_does_not_exist(wheels, tmp_path):
    with pytest.raises(AssetError, match="wheel cannot be fetched: tinycorpus==9.9"):
        resolve_files(wheel_file(wheel="tinycorpus==9.9"), base=tmp_path)


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/hostname"])
def test_a_path_may_not_leave_the_wheel(path, wheels, tmp_path):
    with pytest.raises(AssetError, match="path leaves the wheel"):
        resolve_files(wheel_file(path=path), base=tmp_path)


def test_a_folder_of_a_wheel_is_a_model(wheels, tmp_path):
    asset = Asset(
        wheel="tinycorpus==1.0", path="tinycorpus", files={"data.txt": SHA, "more.txt": SHA}
    )
    found = resolve_model(asset, base=tmp_path)
    assert found.location.endswith("tinycorpus")


def test_a_local_file_and_its_digest(tmp_path):
    (tmp_path / "c.txt").write_bytes(DATA)
    assert resolve_files(Asset(path="c.txt", sha256=SHA), base=tmp_path)[0].source == "c.txt"
    with pytest.raises(AssetError, match="digest differs"):
        resolve_files(Asset(path="c.txt", sha256="0" * 64), base=tmp_path)


def test_a_local_file_that_is_missing_names_the_nearest(tmp_path):
    with pytest.raises(AssetError, match=r"c\.txt"):
        resolve_files(Asset(path="c.txt"), base=tmp_path)


def test_a_handle_is_passed_on_as_it_is(tmp_path):
    found = resolve_model(Asset(handle="hf://someone/some-bert"), base=tmp_path)
    assert found.location == "hf://someone/some-bert"


def test_a_handle_is_no_corpus(tmp_path):
    with pytest.raises(AssetError, match="handle"):
        resolve_files(Asset(handle="hf://someone/some-data"), base=tmp_path)


@pytest.mark.parametrize("resolve", [resolve_files, resolve_model])
def test_a_mistyped_path_comes_with_the_one_near_it_or_with_the_hub(resolve, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "support.csv").write_text("a")

    def said(path):
        with pytest.raises(AssetError) as failure:
            resolve(Asset(path=path), base=tmp_path)
        return str(failure.value).partition("). ")[2]

    assert said("data/suport.csv") == "Did you mean data/support.csv?"
    assert said("data/other") == "Mend the path."
    assert said("owner/name").startswith("Mend the path; that of the Hugging Face hub is ")

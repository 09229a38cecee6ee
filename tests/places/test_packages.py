"""Packages of npm and Debian: made here, served from loopback or a folder, by the real tools."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.asset import Asset
from schemas.errors import AssetError
from stages.machine.atomic import own_name
from stages.places import packages
from stages.places.assets import resolve_files, resolve_model
from stages.places.packages import _from_npm, read_package
from tests.loopback import serving

DATA = b"what is it\n"
SHA = hashlib.sha256(DATA).hexdigest()


def tar_of(files, *, link=None):
    """Return a gzipped tar of files, and of a link that points elsewhere."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        if link is not None:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
            archive.addfile(member)
    return whole.getvalue()


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A registry of one npm package, and an empty cache."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not on this machine")
    files = {"package/package.json": b"{}", "package/data/a.txt": DATA, "package/b.txt": DATA}
    archive = tar_of(files, link="package/link.txt")
    answers = {"/tiny/-/tiny-1.0.0.tgz": archive}
    with serving(answers) as address:
        dist = {
            "tarball": f"{address}/tiny/-/tiny-1.0.0.tgz",
            "shasum": hashlib.sha1(archive).hexdigest(),
        }
        version = {"name": "tiny", "version": "1.0.0", "dist": dist}
        whole = {"name": "tiny", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        answers["/tiny"] = json.dumps(whole).encode()
        monkeypatch.setenv("npm_config_registry", address)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
        monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "npmrc"))
        monkeypatch.setenv("npm_config_update_notifier", "false")
        monkeypatch.setenv("npm_config_fetch_retry_mintimeout", "10")
        monkeypatch.setenv("npm_config_fetch_retry_maxtimeout", "10")
        monkeypatch.setenv("SOFTSHARDS_CACHE", str(tmp_path / "cache"))
        yield answers


@pytest.fixture
def deb(tmp_path, monkeypatch):
    """A repository of one Debian package, known to apt, and an empty cache."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip("apt is not on this machine")
    tree, repository, apt = tmp_path / "tree", tmp_path / "repository", tmp_path / "apt"
    for folder in (tree / "DEBIAN", tree / "usr/share/tiny", repository, apt / "lists/partial"):
        folder.mkdir(parents=True)
    control = "Package: tiny\nVersion: 1.0-1\nArchitecture: all\nMaintainer: n <n@localhost>\n"
    (tree / "DEBIAN/control").write_text(f"{control}Description: tiny\n")
    (tree / "usr/share/tiny/a.txt").write_bytes(DATA)
    package = repository / "tiny_1.0-1_all.deb"
    ask("dpkg-deb", "--root-owner-group", "--build", str(tree), str(package))
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    place = f"Filename: ./{package.name}\nSize: {package.stat().st_size}\nSHA256: {digest}\n"
    (repository / "Packages").write_text(f"{control}{place}Description: tiny\n")
    (apt / "sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
    (apt / "status").touch()
    (apt / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{apt}/sources.list"; Dir::Etc::sourceparts "-";\n'
        f'Dir::State "{apt}"; Dir::State::lists "{apt}/lists"; Dir::State::status "{apt}/status";\n'
        f'Dir::Cache "{apt}"; APT::Sandbox::User ""; \n'
    )
    monkeypatch.setenv("APT_CONFIG", str(apt / "apt.conf"))
    monkeypatch.setenv("SOFTSHARDS_CACHE", str(tmp_path / "cache"))
    ask("apt-get", "update", "--quiet")


def ask(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_file_of_an_npm_package_is_fetched_once(npm, tmp_path):
    asset = Asset(npm="tiny@1.0.0", path="data/a.txt", sha256=SHA)
    (found,) = resolve_files(asset, base=tmp_path)
    assert Path(found.location).read_bytes() == DATA
    assert found.source == "tiny@1.0.0/data/a.txt"
    npm.clear()
    assert resolve_files(asset, base=tmp_path) == [found]


def test_files_of_a_package_are_corpus_files_each(npm, tmp_path):
    asset = Asset(npm="tiny@1.0.0", path=".", files={"data/a.txt": SHA, "b.txt": SHA})
    found = resolve_files(asset, base=tmp_path)
    assert [one.source for one in found] == ["tiny@1.0.0/data/a.txt", "tiny@1.0.0/b.txt"]
    assert found[0].digest != found[1].digest


def test_a_folder_of_an_npm_package_is_a_model(npm, tmp_path):
    asset = Asset(npm="tiny@1.0.0", path="data", files={"a.txt": SHA})
    found = resolve_model(asset, base=tmp_path)
    assert (Path(found.location) / "a.txt").read_bytes() == DATA


@pytest.mark.parametrize("name", ["data/none.txt", "link.txt", "../data/a.txt"])
def test_what_is_no_regular_file_of_a_package_is_not_in_it(name, npm, tmp_path):
    with pytest.raises(AssetError, match="no such file in the npm: .*Mend `path`"):
        read_package("npm", "tiny@1.0.0", [name], place=tmp_path)


def test_another_digest_than_stated_leaves_nothing(npm, tmp_path):
    asset = Asset(npm="tiny@1.0.0", path="data/a.txt", sha256="0" * 64)
    with pytest.raises(AssetError, match="digest differs: data/a.txt in tiny@1.0.0"):
        resolve_files(asset, base=tmp_path)
    assert not list((tmp_path / "cache").rglob("a.txt"))


def test_an_npm_version_that_does_not_exist(npm, tmp_path):
    with pytest.raises(AssetError, match="npm cannot be fetched: tiny@9.9.9: .*No matching"):
        read_package("npm", "tiny@9.9.9", ["a"], place=tmp_path)


def test_an_archive_that_is_broken(npm, monkeypatch, tmp_path):
    archive = npm["/tiny/-/tiny-1.0.0.tgz"]
    npm["/tiny/-/tiny-1.0.0.tgz"] = archive[: len(archive) // 2]
    with pytest.raises(AssetError, match="npm cannot be fetched: tiny@1.0.0"):
        read_package("npm", "tiny@1.0.0", ["data/a.txt"], place=tmp_path)  # its own digest differs
    npm["/tiny/-/tiny-1.0.0.tgz"] = archive

    def cut(path, wanted):
        path.write_bytes(archive[: len(archive) // 2])
        return _from_npm(path, wanted)

    registry = replace(packages._REGISTRIES["npm"], read=cut)
    monkeypatch.setitem(packages._REGISTRIES, "npm", registry)
    with pytest.raises(AssetError, match="npm cannot be read: tiny@1.0.0: .*Try again"):
        read_package("npm", "tiny@1.0.0", ["data/a.txt"], place=tmp_path)


def test_a_kept_file_that_was_changed_is_fetched_again(npm, tmp_path):
    asset = Asset(npm="tiny@1.0.0", path="data/a.txt", sha256=SHA)
    (found,) = resolve_files(asset, base=tmp_path)
    Path(found.location).write_bytes(b"x")
    assert resolve_files(asset, base=tmp_path) == [found]
    assert Path(found.location).read_bytes() == DATA


def test_what_a_killed_fetch_left_in_the_cache_goes_with_the_next(npm, tmp_path, monkeypatch):
    root = tmp_path / "cache" / "npm" / "tiny@1.0.0"
    mine = own_name("fetched")
    left = root / mine.replace(f"-{mine.split('-')[2]}-", "-1-")
    left.mkdir(parents=True)
    (left / "tiny-1.0.0.tgz").write_bytes(b"half")
    seen = []

    def read(path, wanted):
        seen.append(path.parent)
        return _from_npm(path, wanted)

    registry = replace(packages._REGISTRIES["npm"], read=read)
    monkeypatch.setitem(packages._REGISTRIES, "npm", registry)
    resolve_files(Asset(npm="tiny@1.0.0", path="data/a.txt", sha256=SHA), base=tmp_path)
    [folder] = seen
    assert folder.parent == root
    assert [path.name for path in root.iterdir()] == ["data"]


def test_a_file_of_a_debian_package(deb, tmp_path):
    asset = Asset(deb="tiny=1.0-1", path="usr/share/tiny/a.txt", sha256=SHA)
    (found,) = resolve_files(asset, base=tmp_path)
    assert Path(found.location).read_bytes() == DATA
    assert found.source == "tiny=1.0-1/usr/share/tiny/a.txt"


def test_a_debian_version_that_does_not_exist(deb, tmp_path):
    with pytest.raises(AssetError, match="deb cannot be fetched: tiny=9: E: Version '9'"):
        read_package("deb", "tiny=9", ["a"], place=tmp_path)


def test_a_registry_whose_tool_is_absent_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssetError, match="npm cannot be fetched: .*no npm on this machine"):
        read_package("npm", "tiny@1.0.0", ["a"], place=tmp_path)


@pytest.mark.parametrize(
    "stated",
    [
        {"wheel": "--target==1", "path": "a", "sha256": SHA},
        {"npm": "--global@1.0.0", "path": "a", "sha256": SHA},
        {"npm": "tiny@latest", "path": "a", "sha256": SHA},
        {"npm": "../tiny@1.0.0", "path": "a", "sha256": SHA},
        {"deb": "-o=1", "path": "a", "sha256": SHA},
        {"deb": "tiny=1", "npm": "tiny@1.0.0", "path": "a", "sha256": SHA},
        {"deb": "tiny=1", "path": "a"},
        {"deb": "tiny=1", "path": "a", "files": {}},
        {"handle": "hf://owner/name", "path": "a"},
        {"handle": "hf://datasets/owner/name"},
        {"handle": "tfds://tiny:1.0.0", "path": "train", "sha256": SHA},
    ],
)
def test_an_asset_that_says_too_little_or_too_much(stated):
    with pytest.raises(ValueError, match="an asset|pattern|at least 1"):
        Asset(**stated)

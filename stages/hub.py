"""A model repository of the Hugging Face hub: one commit of it, in the hub client's own cache.

Only weights, as safetensors or HDF5, configuration and tokenizer files are taken; no code of the
repository is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.errors import AssetError, first_line
from schemas.provenance import fingerprint, sha256_file

_SCHEME = "hf://"
_TAKEN = ["*.safetensors", "*.h5", "*.json", "*.txt", "*.model"]


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
        """Fingerprint of the files' content: another commit may have the same."""
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
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
    name, _, revision = handle.removeprefix(_SCHEME).partition("@")
    try:
        from huggingface_hub import snapshot_download

        found = snapshot_download(
            name,
            revision=revision or None,
            allow_patterns=_TAKEN,
            local_files_only=here_only,
        )
    except ImportError as error:
        raise AssetError(f"no hub client: {handle}: {error}. Install softshards[torch].") from error
    except Exception as error:  # whatever the client raises
        said = first_line(error)
        raise AssetError(
            f"repository cannot be had: {handle}: {said} Check the name and the network."
        ) from error
    folder = Path(found)
    return Snapshot(f"{_SCHEME}{name}@{folder.name}", folder)

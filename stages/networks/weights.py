"""Whether a model's file holds the model's weights: which are missing, left over, of another shape.

Libraries give what is missing random numbers, and pass over what is left, at most with a warning.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import first_line

if TYPE_CHECKING:
    import keras

_NAMED = 3
_WEIGHTS = "model.weights.h5"  # in a `.keras` file, and beside the configuration of a preset
_OF_TRAINING = ("optimizer/", "metrics/", "_metrics/")
_UNSAFE = "deserialization of a|safe_mode=False|unsafe_deserialization"
_UNLOADED = ".*freshly-initialized weights"


@dataclass(frozen=True)
class Unmatched:
    """Weights by name that a file and a model do not share."""

    missing: tuple[str, ...] = ()
    left_over: tuple[str, ...] = ()
    misshapen: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.missing or self.left_over or self.misshapen)

    def __str__(self) -> str:
        """Say how many there are, and name a few.

        >>> str(Unmatched(missing=("head.bias", "head.weight")))
        'its file lacks 2 weights of the model (head.bias, head.weight), which would be random'
        """
        said = []
        if self.missing:
            of = _weights(self.missing, "of the model")
            said.append(f"its file lacks {of}, which would be random")
        if self.misshapen:
            said.append(f"its file has {_weights(self.misshapen, 'of another shape')}")
        if self.left_over:
            said.append(f"its file has {_weights(self.left_over, 'that the model has no use for')}")
        return "; ".join(said)


def why_unloaded(error: Exception) -> str:
    """Return what Keras says of a file that it cannot load, without a final stop.

    Of code in a file it would have the user run it; softshards never does.

    >>> why_unloaded(ValueError("Requested the deserialization of a Lambda layer."))
    'it has code of its own (a Lambda layer), which is never run. Save it with a layer instead'
    """
    said = first_line(error).rstrip(".")
    if not re.search(_UNSAFE, said):
        return said
    layer = " (a Lambda layer)" if "Lambda" in said else ""
    return f"it has code of its own{layer}, which is never run. Save it with a layer instead"


def why_untraced(error: Exception) -> str:
    r"""Return what was raised inside of a graph that cannot be traced, without a final stop.

    >>> why_untraced(TypeError("in user code:\n\n    TypeError: no such mask.\n"))
    'TypeError: no such mask'
    """
    lines = (line.strip() for line in str(error).splitlines())
    raised = (line for line in lines if re.match(r"\w+(Error|Exception): ", line))
    return first_line(ValueError(next(raised, str(error)))).rstrip(".")


def _weights(names: tuple[str, ...], said: str) -> str:
    """Return how many there are, and the first few."""
    shown = ", ".join(sorted(names)[:_NAMED])
    more = ", …" if len(names) > _NAMED else ""
    return f"{len(names)} weight{'' if len(names) == 1 else 's'} {said} ({shown}{more})"


@contextmanager
def unloaded_is_an_error() -> Iterator[None]:
    """Let Keras raise where it would keep a layer's random weights with a warning.

    Raises:
      UserWarning: of Keras, which says so.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=_UNLOADED, category=UserWarning)
        yield


def left_in_keras_file(path: Path, model: keras.Model) -> Unmatched:
    """Return the weights of a `.keras` or `.h5` file that a model loaded from it has no place for.

    An optimizer's are passed over. Files are told apart from models by how many weights of each
    shape they have, so names that a release of Keras changed do not matter.
    """
    import h5py

    if path.suffix == ".h5":
        with h5py.File(path, "r") as file:
            return _left_over(file, model)
    with zipfile.ZipFile(path) as archive:
        if _WEIGHTS not in archive.namelist():  # in several files
            return Unmatched()
        with archive.open(_WEIGHTS) as stream, h5py.File(stream, "r") as file:
            return _left_over(file, model)


def left_in_preset(folder: Path, backbone: keras.Model) -> Unmatched:
    """Return the same of a backbone that keras-hub loaded from a folder of Keras or Hugging Face.

    Of Hugging Face the layers that its configuration does not count; heads are not a backbone's.
    """
    if (folder / _WEIGHTS).is_file():
        return left_in_keras_file(folder / _WEIGHTS, backbone)
    layers = getattr(backbone, "num_layers", None)
    if layers is None:
        return Unmatched()
    return Unmatched(left_over=tuple(_beyond(_tensors_in(folder), int(layers))))


def _left_over(file: Any, model: keras.Model) -> Unmatched:
    """Return the weights of an open HDF5 file that a model has fewer of, by their shape."""
    import h5py

    have = Counter(tuple(one.shape) for one in model.variables)
    found: list[str] = []

    def visit(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or name.startswith(_OF_TRAINING):
            return
        have[tuple(item.shape)] -= 1
        if have[tuple(item.shape)] < 0:
            found.append(name)

    file.visititems(visit)
    return Unmatched(left_over=tuple(found))


def _tensors_in(folder: Path) -> list[str]:
    """Return the names of the tensors in a folder's safetensors."""
    from safetensors import safe_open

    names: list[str] = []
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="np") as file:
            names += file.keys()
    return names


def _beyond(names: Iterable[str], layers: int) -> Iterator[str]:
    """Yield the tensors of layers from a number on.

    >>> list(_beyond(["bert.encoder.layer.1.output.bias", "encoder.layer.2.output.bias"], 2))
    ['encoder.layer.2.output.bias']
    """
    for name in names:
        place = re.search(r"(?:^|\.)layer\.(\d+)\.", name)
        if place is not None and int(place[1]) >= layers:
            yield name

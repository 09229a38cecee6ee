"""Find the teacher that a run file names, whatever its kind; nothing of it is loaded here.

A fingerprint covers the digest of every file, the options, the classes and the maths mode. Of
a teacher in code it covers the file that its function is in, not what that imports; or, where one
is stated, its `version` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from schemas.errors import AssetError, TeacherError
from schemas.head_kinds import USUAL_KIND
from schemas.provenance import digest_file
from schemas.run_file import RunFile
from schemas.teacher_card import VOCABULARY_FILE
from schemas.teacher_section import Teacher
from stages.inputs.vocabulary_file import read_vocabulary
from stages.machine.plugins import source_of
from stages.places.assets import resolve_model
from stages.places.hub import is_hub_handle, snapshot
from stages.teachers.folder import open_teacher, windows
from stages.teachers.parts.source import (
    STATED_APART,
    TeacherSource,
    answer_parts,
    teacher_fingerprint,
)

_STATED_APART = STATED_APART | {"path", "source", "encoder", "fit"}
_VOCABULARIES = (VOCABULARY_FILE, "assets/tokenizer/vocabulary.txt")  # keras-hub's own place


def find_teacher(run: RunFile, *, base: Path, fitted: Path) -> TeacherSource:
    """Return the run's teacher.

    Args:
      run: states its kind and place.
      base: folder that relative paths start from.
      fitted: where one is fine-tuned to, where the run file has an encoder.

    Raises:
      AssetError: its files are not there.
      TeacherError: it is not whole, or has other classes.
    """
    how = run.teacher
    if how.kind == "keras":
        folder = fitted if how.path is None else base / how.path
        head = run.head
        return open_teacher(folder, classes=head.classes, how=how, per=head.per, kind=head.kind)
    return _FINDERS.get(how.kind, _in_files)(run, base)


def _in_files(run: RunFile, base: Path) -> TeacherSource:
    asset = run.teacher.asset
    if asset is None:
        raise TeacherError(f"no teacher: kind {run.teacher.kind!r} without a place. State one.")
    found = resolve_model(asset, base=base)
    source = _source(run, run.teacher, {"asset": found.digest}, location=found.location)
    return _with_vocabulary(source, Path(found.location))


def _with_vocabulary(source: TeacherSource, folder: Path) -> TeacherSource:
    found = [folder / name for name in _VOCABULARIES if (folder / name).is_file()]
    for path in found[:1]:
        read_vocabulary(path)  # its students read by it
    return replace(source, vocabulary=found[0]) if found else source


def _in_hub(run: RunFile, base: Path) -> TeacherSource:
    stated = run.teacher.source
    handle = None if stated is None or stated.of_dataset else stated.handle
    if handle is None:
        return _in_files(run, base)
    if not is_hub_handle(handle):
        raise AssetError(
            f"not a repository of the hub: {handle}. State hf://owner/name, or its path."
        )
    found = snapshot(handle)
    source = _source(run, run.teacher, {"asset": found.digest}, location=found.handle)
    return _with_vocabulary(source, found.folder)


def _in_module(run: RunFile, base: Path) -> TeacherSource:
    name = str(run.teacher.callable)
    try:
        digest = digest_file(source_of(name))
    except (ImportError, AttributeError, ValueError) as error:
        raise TeacherError(
            f"teacher cannot be imported: {name}: {error}. Mend teacher.callable."
        ) from error
    version = run.teacher.version
    return _source(run, run.teacher, {"code": digest} if version is None else {"version": version})


def _in_column(run: RunFile, base: Path) -> TeacherSource:
    from stages.corpus.files import plan_corpus
    from stages.teachers.column import answers_in_column

    corpus = plan_corpus(run, base=base)
    how = run.teacher.model_copy(update={"answers": answers_in_column(corpus, run)})
    return _source(run, how, {"corpus": corpus.digest})


def _source(
    run: RunFile, how: Teacher, parts: dict[str, object], *, location: str = ""
) -> TeacherSource:
    stated = how.model_dump(mode="json", exclude=_STATED_APART)
    classes = run.head.classes
    parts = {**parts, "classes": classes, "how": stated, "compute_dtype": how.compute_dtype}
    if run.head.by_position:
        parts = {**parts, "per": run.head.per, "word_logits": how.word_logits, **windows(how)}
    if run.head.kind != USUAL_KIND or how.gives_one_number:
        parts = {**parts, **answer_parts(how, run.head.kind)}
    return TeacherSource(
        how=how,
        location=location,
        classes=classes,
        fingerprint=teacher_fingerprint(parts),
        max_length=how.max_length,
        lowercase=how.lowercase,
        per=run.head.per,
        kind=run.head.kind,
    )


_FINDERS: dict[str, Callable[[RunFile, Path], TeacherSource]] = {
    "transformers": _in_hub,
    "keras_hub": _in_hub,
    "module": _in_module,
    "column": _in_column,
}

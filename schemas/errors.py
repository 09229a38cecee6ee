"""Every error a user can meet, in one tree.

    PipelineError
    ├── RunFileError        the TOML run file, or an override of it
    │   └── UsageError           an override that assigns nothing; exit code 2
    ├── AssetError          a package, file, folder or handle that cannot be had
    ├── StorageError        a file that cannot be written
    ├── BusyError           another process is at work on the folder; exit code 75
    ├── CorpusError         a corpus file, column, row or class
    │   └── QuarantineError      more rows cannot be used than may be left out
    ├── TeacherError        a teacher that cannot be loaded, or answers wrongly
    │   └── QualityError         a teacher that is not good enough on the hard labels
    ├── TableError          the soft-label table
    │   ├── MissingTableError    there is no committed version
    │   ├── StaleTableError      made by another teacher, format or class order
    │   ├── DamagedTableError    a shard is missing, truncated or not what the log says
    │   ├── TeacherDriftError    its teacher answers otherwise now
    │   └── PublishError         the commit did not happen; nothing became visible
    ├── ConservationError   rows were lost or doubled; nothing was committed
    ├── StudentError        a student that cannot be built, trained or loaded
    ├── UserCodeError       a user's own code that raised: a teacher, a student, an augmenter
    └── EngineError         Beam options or a runner that cannot do the work

A message says what failed and where, what was found and what was expected, and what to
do. Every class takes exactly one string: Beam rebuilds a worker's exception as
`type(error)(one string)`.
"""

from __future__ import annotations

import re
from typing import ClassVar

_DOUBLED_STOP = re.compile(r"(?<=[\w)\]'\"`])\.\. ")  # of a sentence that is quoted within one

_LONGEST = 500  # characters of what another library says


class PipelineError(Exception):
    """A stated failure: the command prints its message without a traceback and exits with 1.

    The message is one line, whatever names, values and words of others it quotes.

    Attributes:
      exit_code: of the command that it ends.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        super().__init__(_DOUBLED_STOP.sub(". ", one_line(message)))


class RunFileError(PipelineError):
    """The run file or an override does not say something that can be done."""


class UsageError(RunFileError):
    """An override on the command line is none."""

    exit_code = 2


class AssetError(PipelineError):
    """A file or model that the run file names cannot be had, or is not the one it names."""


class StorageError(PipelineError):
    """A file cannot be written: no room, no permission; what was there before is kept."""


class BusyError(PipelineError):
    """Another process is at work on the folder; nothing was done, and trying again later may do."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h


class CorpusError(PipelineError):
    """A corpus file, column, row or class is not what the run file declares."""


class QuarantineError(CorpusError):
    """More rows cannot be used than the run file allows to be left out; nothing was committed."""


class TeacherError(PipelineError):
    """The teacher cannot be loaded or its answers cannot be used."""


class QualityError(TeacherError):
    """The teacher is worse on the hard labels than the run file asks for; nothing was committed."""


class TableError(PipelineError):
    """The soft-label table cannot be used."""


class MissingTableError(TableError):
    """There is no committed table version where one was asked for."""


class StaleTableError(TableError):
    """The table was made by another teacher, format version or class order than asked for."""


class DamagedTableError(TableError):
    """A shard's bytes are not those that were committed."""


class TeacherDriftError(TableError):
    """The teacher that made the table, asked again, does not say what the table says."""


class PublishError(TableError):
    """The commit failed; the version before it is still the visible one."""


class ConservationError(PipelineError):
    """Rows read and rows written differ; nothing was committed."""


class StudentError(PipelineError):
    """A student cannot be built, trained or loaded."""


class UserCodeError(PipelineError):
    """A user's own code raised: the message has file, line and exception, the cause the rest.

    Attributes:
      of_input: what an input makes it do; empty once the error comes from another process.
    """

    of_input: str = ""


class EngineError(PipelineError):
    """The Beam options name an engine that cannot run the label stage correctly."""


def one_line(text: str) -> str:
    r"""Return a text as one line that can be printed anywhere.

    White space becomes a space, what else cannot be printed its escape.

    >>> one_line("no file: a\nb"), one_line("half \ud83d")
    ('no file: a b', 'half \\ud83d')
    """
    if text.isprintable():
        return text
    spaced = (" " if one.isspace() else one for one in text)
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in spaced)


def first_line(error: BaseException) -> str:
    """Return the first line of what another library's error says, or its class's name.

    A line that tells a whole configuration is cut.

    >>> first_line(ValueError("no such layer")), first_line(KeyError())
    ('no such layer', 'KeyError')
    >>> len(first_line(ValueError("x" * 5000)))
    500
    """
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"


def error_classes() -> dict[str, type[PipelineError]]:
    """Return every class of the tree by its name."""
    found: dict[str, type[PipelineError]] = {}
    waiting: list[type[PipelineError]] = [PipelineError]
    while waiting:
        cls = waiting.pop()
        found[cls.__name__] = cls
        waiting.extend(cls.__subclasses__())
    return found

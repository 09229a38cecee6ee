"""What an engine and its workers say while they work: kept, for where a run fails.

Beam says an error of a worker several times, with tracebacks: in its log, on stderr, in the
exception itself. While it works nothing of that reaches the user; a run that fails has it in the
file of its traceback, and one that ends well says afterwards what was logged as an error.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from apache_beam.runners.worker import sdk_worker

_RECORDS = 1000  # the last ones
_BYTES = 100_000  # of the end of what workers write


class EngineLog(logging.Handler):
    """The last of what was logged, printed or raised in threads.

    Attributes:
      stderr: for worker processes to write on.
    """

    def __init__(self, stderr: IO[bytes]) -> None:
        super().__init__()
        self.stderr = stderr
        self.kept: deque[logging.LogRecord] = deque(maxlen=_RECORDS)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it, as text."""
        record.exc_text = record.exc_text or (
            "".join(traceback.format_exception(*record.exc_info))
            if record.exc_info and record.exc_info[0]
            else None
        )
        record.exc_info = None
        self.kept.append(record)

    def note(self, *texts: object, **_: object) -> None:
        """Keep what Beam prints."""
        self.handle(_record(" ".join(map(str, texts))))

    def note_thread(self, raised: threading.ExceptHookArgs) -> None:
        """Keep what a thread ended with."""
        kind, error, where = raised.exc_type, raised.exc_value, raised.exc_traceback
        self.note(*traceback.format_exception(kind, error, where))

    def text(self) -> str:
        """Return all of it."""
        self.stderr.flush()
        end = self.stderr.seek(0, 2)
        self.stderr.seek(max(0, end - _BYTES))
        logged = "\n".join(map(logging.Formatter(logging.BASIC_FORMAT).format, self.kept))
        workers = self.stderr.read().decode("utf-8", "replace")
        return f"\nThe engine's log:\n{logged}\n\nWritten by worker processes:\n{workers}"


@contextmanager
def kept_log() -> Iterator[EngineLog]:
    """Keep what would reach stderr; errors are shown again where the work ends well."""
    root, hook = logging.getLogger(), threading.excepthook
    handlers, printed = root.handlers[:], vars(sdk_worker)
    with tempfile.TemporaryFile() as stderr:
        log = EngineLog(stderr)
        root.handlers[:] = [log]
        threading.excepthook = log.note_thread
        printed["print"] = log.note
        try:
            yield log
        finally:
            root.handlers[:] = handlers
            threading.excepthook = hook
            printed.pop("print", None)
    for record in log.kept:
        if record.levelno >= logging.ERROR:
            root.handle(record)


def _record(text: str) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "apache_beam", "levelno": 0, "levelname": "", "msg": text}
    )

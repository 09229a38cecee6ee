"""Engines: which Beam runner does the work, and what its failures mean.

Beam's own DirectRunner first tries to download a Prism binary; the engine it falls back on is
FnApiRunner, so that is used directly. Runners that were seen to lose rows are refused. A failure
is said once: what else an engine says of it is kept for the file of the traceback.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.runner import PipelineResult, PipelineState

from schemas.errors import EngineError, PipelineError, UserCodeError, error_classes
from stages.label.beam.log import EngineLog, kept_log
from stages.label.beam.options import engine_options, is_in_process, is_local
from stages.label.beam.workers import is_of_an_ended_worker, watched_workers, worker_ended
from stages.machine.progress import Advance, task
from stages.machine.tracebacks import said

__all__ = ["engine_options", "execute", "is_in_process", "is_local", "stated_error"]

_POLL_SECONDS = 0.5
_WHILE = " [while running"  # what Beam adds to what a worker raises
_NAMES = "|".join(error_classes())
_RAISED = re.compile(rf"\b({_NAMES}): (.+?)(?: \[while running|\n|$)")
_WITHIN_QUOTES = re.compile(rf"\b({_NAMES}): (.+?)(?: \[while running|(?<!\\)\\n|$)")


def execute(
    options: PipelineOptions,
    build: Callable[[beam.Pipeline], object],
    *,
    finished: Callable[[], int],
    total: int,
) -> None:
    """Build a pipeline, run it to its end and show progress.

    Args:
      options: from `engine_options`.
      build: adds the transforms.
      finished: says how many shards are staged; asked while the engine works.
      total: shards in all.

    Raises:
      PipelineError: what a worker stated, as the class that it raised.
      EngineError: the engine ended in another state than DONE.
    """
    done = threading.Event()
    with task("label", total=total, unit="shards") as advance:
        watcher = threading.Thread(target=_watch, args=(done, finished, advance), daemon=True)
        watcher.start()
        try:
            _run(options, build)
            advance(finished(), "")
        finally:
            done.set()
            watcher.join()


def _run(options: PipelineOptions, build: Callable[[beam.Pipeline], object]) -> None:
    runner = options.view_as(StandardOptions).runner
    with kept_log() as log, watched_workers(log.stderr):
        try:
            pipeline = beam.Pipeline(options=options)
            build(pipeline)
            state = _state_at_the_end(pipeline.run())
        except Exception as error:
            failure = _failure(error, str(runner), log)
            if failure is error:
                raise
            raise failure from error
        if state != PipelineState.DONE:
            ended = EngineError(f"engine ended in another state: {runner}: {state}, expected DONE.")
            ended.add_note(log.text())
            raise ended


def _state_at_the_end(result: PipelineResult) -> str:
    """Wait for a pipeline's end; one that is interrupted is told to end."""
    try:
        result.wait_until_finish()
    except KeyboardInterrupt:
        with contextlib.suppress(Exception):  # not every engine can
            result.cancel()
        raise
    return str(result.state)


def _failure(error: Exception, runner: str, log: EngineLog) -> Exception:
    """Return what is said of an engine's failure; all else that is known goes with it."""
    found: Exception | None = stated_error(error)
    if found is None and is_of_an_ended_worker(error):
        found = worker_ended()
    if found is None and _WHILE in str(error):
        found = error  # a defect, in a worker
    if found is None:
        found = EngineError(
            f"engine failed: {runner}: {said(error)}. Nothing was committed. Mend the Beam options "
            "or the engine."
        )
    if not isinstance(found, PipelineError) or isinstance(found, UserCodeError | EngineError):
        found.add_note(log.text())
    return found


def stated_error(error: BaseException) -> PipelineError | None:
    """Return the stated failure that a worker raised, as itself, or None.

    Beam adds where it ran, and between processes it turns an exception into text, in which a row's
    line breaks are two signs; where all of it is quoted, its own are that too.

    >>> stated_error(RuntimeError("x: schemas.errors.CorpusError: no. Mend. [while running 'R']"))
    CorpusError('no. Mend.')
    """
    classes = error_classes()
    if isinstance(error, PipelineError):
        return type(error)(str(error).rpartition(_WHILE)[0] or str(error))
    raised = _RAISED if "\n" in str(error) else _WITHIN_QUOTES
    for name, message in reversed(raised.findall(str(error))):
        return classes[name](message)
    return None


def _watch(done: threading.Event, finished: Callable[[], int], advance: Advance) -> None:
    while not done.wait(_POLL_SECONDS):
        advance(finished(), "")

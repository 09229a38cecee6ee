"""Engines: which Beam runner does the work, and what its failures mean.

Beam's own DirectRunner first tries to download a Prism binary; the engine it falls back on is
FnApiRunner, so that is used directly. Runners that were seen to lose rows are refused.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    StandardOptions,
)
from apache_beam.runners.runner import PipelineState

from schemas.errors import EngineError, PipelineError, error_classes
from stages.label.workers import is_of_an_ended_worker, watch_workers, worker_ended
from stages.progress import Advance, say, task

REFUSED = ("DaskRunner", "BeamPysparkRunner")
_LOCAL = ("DirectRunner", "BundleBasedDirectRunner", "SwitchingDirectRunner", "PrismRunner")
_PROCESSES = "multi_processing"
_POLL_SECONDS = 0.5
_RAISED = re.compile(r"(?:^|\W)(\w+Error): (.+?)(?: \[while running|\n|$)")
_WITHIN_QUOTES = re.compile(r"(?:^|\W)(\w+Error): (.+?)(?: \[while running|(?<!\\)\\n|$)")


def engine_options(arguments: Sequence[str]) -> PipelineOptions:
    """Return Beam options with an engine that can do the work.

    Raises:
      EngineError: an unknown option, or a runner that loses rows.
    """
    quiet = {"default_sdk_harness_log_level": "ERROR"}
    options = PipelineOptions(list(arguments), save_main_session=False, **quiet)
    unknown = sorted(_unknown_options(arguments))
    if unknown:
        raise EngineError(f"unknown Beam option: {', '.join(unknown)}. See Beam's own --help.")
    standard = options.view_as(StandardOptions)
    runner = (standard.runner or "DirectRunner").split(".")[-1]
    if runner in REFUSED:
        raise EngineError(
            f"runner refused: {runner}: it was seen to report success over missing rows. "
            "Use FnApiRunner, FlinkRunner, SparkRunner or DataflowRunner."
        )
    direct = options.view_as(DirectOptions)
    if direct.direct_running_mode == "multi_threading" and direct.direct_num_workers != 1:
        raise EngineError(
            "running mode refused: multi_threading: it was seen to lose rows. Use "
            "--direct_running_mode=multi_processing."
        )
    if runner in _LOCAL:
        if standard.runner:
            say(f"{runner} is run as FnApiRunner: the same engine without a download at each run.")
        standard.runner = "FnApiRunner"
    return options


def is_local(options: PipelineOptions) -> bool:
    """Return whether the engine keeps its shuffle in this machine's memory."""
    return str(options.view_as(StandardOptions).runner).endswith("FnApiRunner")


def is_in_process(options: PipelineOptions) -> bool:
    """Return whether the engine works in this very process."""
    return is_local(options) and options.view_as(DirectOptions).direct_running_mode != _PROCESSES


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
    watch_workers()
    pipeline = beam.Pipeline(options=options)
    build(pipeline)
    try:
        result = pipeline.run()
        result.wait_until_finish()
    except Exception as error:
        stated = stated_error(error)
        if stated is None and is_of_an_ended_worker(error):
            stated = worker_ended()
        if stated is None:
            raise
        raise stated from error
    if result.state != PipelineState.DONE:
        raise EngineError(f"engine ended in state {result.state}, expected DONE. See its log.")


def stated_error(error: BaseException) -> PipelineError | None:
    """Return the stated failure that a worker raised, as itself, or None.

    Beam adds where it ran, and between processes it turns an exception into text, in which a row's
    line breaks are two signs; where all of it is quoted, its own are that too.

    >>> stated_error(RuntimeError("x: schemas.errors.CorpusError: no. Mend. [while running 'R']"))
    CorpusError('no. Mend.')
    """
    classes = error_classes()
    if isinstance(error, PipelineError):
        return type(error)(str(error).split(" [while running")[0])
    raised = _RAISED if "\n" in str(error) else _WITHIN_QUOTES
    for name, message in reversed(raised.findall(str(error))):
        if name in classes:
            return classes[name](message)
    return None


def _watch(done: threading.Event, finished: Callable[[], int], advance: Advance) -> None:
    while not done.wait(_POLL_SECONDS):
        advance(finished(), "")


def _unknown_options(arguments: Sequence[str]) -> set[str]:
    known = PipelineOptions(list(arguments)).get_all_options(retain_unknown_options=False)
    names = (text.removeprefix("--").split("=")[0] for text in arguments if text.startswith("--"))
    return {f"--{name}" for name in names if name.removeprefix("no_") not in known}

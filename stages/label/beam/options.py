"""Beam's options: those that name an engine which can do the work; any other is one stated line."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import io
from argparse import ArgumentParser
from collections.abc import Sequence

from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    StandardOptions,
)
from apache_beam.runners.runner import PipelineRunner

from schemas.errors import EngineError
from stages.machine.progress import say
from stages.machine.tracebacks import said

REFUSED = ("DaskRunner", "BeamPysparkRunner")
_USUAL = "FnApiRunner, PortableRunner, FlinkRunner, SparkRunner or DataflowRunner"
_LOCAL = ("DirectRunner", "BundleBasedDirectRunner", "SwitchingDirectRunner", "PrismRunner")
_LOCAL_ENGINE = "FnApiRunner"
_PROCESSES = "multi_processing"


def engine_options(arguments: Sequence[str]) -> PipelineOptions:
    """Return Beam options with an engine that can do the work.

    Raises:
      EngineError: an unknown option, a value that it cannot have, or a runner that is not there or
        loses rows.
    """
    options = _parsed(list(arguments))
    standard = options.view_as(StandardOptions)
    runner = _runner(standard.runner or "DirectRunner")
    if runner in _LOCAL:
        if standard.runner:
            say(f"{runner} is run as FnApiRunner: the same engine without a download at each run.")
        runner = _LOCAL_ENGINE
    standard.runner = runner
    _check_workers(options.view_as(DirectOptions))
    return options


def is_local(options: PipelineOptions) -> bool:
    """Return whether the engine keeps its shuffle in this machine's memory."""
    return str(options.view_as(StandardOptions).runner).endswith(_LOCAL_ENGINE)


def is_in_process(options: PipelineOptions) -> bool:
    """Return whether the engine works in this very process."""
    return is_local(options) and options.view_as(DirectOptions).direct_running_mode != _PROCESSES


def _parsed(arguments: list[str]) -> PipelineOptions:
    """Return the options of arguments that are all known and all readable."""
    quiet = {"default_sdk_harness_log_level": "ERROR"}
    usage, parsers = io.StringIO(), list[ArgumentParser]()
    try:
        with contextlib.redirect_stderr(usage):
            options = PipelineOptions(arguments, save_main_session=False, **quiet)
            options.get_all_options(add_extra_args_fn=parsers.append)
            unknown = parsers[0].parse_known_args(arguments)[1]
    except SystemExit as error:
        if not error.code:
            raise  # Beam's own --help
        said_last = (usage.getvalue().strip().splitlines() or ["no reason given"])[-1]
        raise _unreadable(said_last.rpartition("error: ")[2]) from error
    except Exception as error:  # whatever a converter of Beam's raises
        raise _unreadable(said(error)) from error
    if unknown:
        raise EngineError(_unknown(unknown, list(parsers[0]._option_string_actions)))
    return options


def _unreadable(why: str) -> EngineError:
    return EngineError(f"Beam option cannot be read: {why}. See Beam's own --help.")


def _unknown(unknown: list[str], known: list[str]) -> str:
    named = [text.split("=")[0] for text in unknown if text.startswith("-")] or unknown
    near = {name: difflib.get_close_matches(name, known, n=1) for name in named}
    hints = [
        f"{name} (did you mean {found[0]}?)" if found else name for name, found in near.items()
    ]
    return f"unknown Beam option: {', '.join(sorted(hints))}. See Beam's own --help."


def _runner(name: str) -> str:
    """Return a runner's name as Beam writes it, or its full name where it is none of Beam's."""
    full = {path.rpartition(".")[2].lower(): path for path in StandardOptions.ALL_KNOWN_RUNNERS}
    found = full.get(name.lower()) or full.get(f"{name.lower()}runner")
    short = (found or name).rpartition(".")[2]
    if short.lower() in {one.lower() for one in REFUSED}:
        raise EngineError(
            f"runner refused: {short}: it was seen to report success over missing rows. "
            "Use FnApiRunner, FlinkRunner, SparkRunner or DataflowRunner."
        )
    if found is not None or name in full.values():
        return short
    if "." not in name:
        raise EngineError(
            f"unknown runner: {name}: expected {_USUAL}, or the full name of a class. Mend "
            "--runner."
        )
    _check_class(name)
    return name


def _check_class(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # whatever the module raises when it is imported
        raise EngineError(
            f"runner cannot be imported: {name}: {said(error)}. Use {_USUAL}."
        ) from error
    if not (isinstance(found, type) and issubclass(found, PipelineRunner)):
        raise EngineError(f"no runner: {name}: found {found!r:.80}. Use {_USUAL}.")


def _check_workers(direct: DirectOptions) -> None:
    if direct.direct_running_mode == "multi_threading":
        if direct.direct_num_workers != 1:
            raise EngineError(
                "running mode refused: multi_threading: it was seen to lose rows. Use "
                "--direct_running_mode=multi_processing."
            )
        direct.direct_running_mode = "in_memory"  # the same, without a server
    if direct.direct_num_workers < 0:
        raise EngineError(
            f"number of workers: --direct_num_workers: found {direct.direct_num_workers}, expected "
            "1 or more, or 0 for as many as there are processors. Mend it."
        )

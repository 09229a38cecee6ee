"""Worker processes of the local engine, which end with a run, and end a run where one of them ends.

They are in a session of their own, so that a terminal's Ctrl-C is the launcher's alone, which ends
them; what they write on stderr goes where they are told.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from apache_beam.portability import python_urns
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    SUBPROCESS_LOCK,
    BeamFnControlServicer,
    SubprocessSdkWorkerHandler,
    WorkerHandler,
)

from schemas.errors import EngineError

_COMMAND = [sys.executable, "-m", "apache_beam.runners.worker.sdk_worker_main"]


class WatchedWorker(SubprocessSdkWorkerHandler):
    """A worker process; Beam's own handler waits for ever for what a dead one was asked."""

    def __init__(self, stderr: IO[bytes], *args: Any) -> None:
        super().__init__(*args)
        self._stderr = stderr

    def start_worker(self) -> None:
        """Start the process, and a thread that waits for its end."""
        address = f'url: "{self.control_address}"'
        environment = {
            **os.environ,
            "CONTROL_API_SERVICE_DESCRIPTOR": address,
            "PIPELINE_OPTIONS": '{"default_sdk_harness_log_level": "ERROR"}',
            "WORKER_ID": self.worker_id,
        }
        with SUBPROCESS_LOCK:
            self.process = subprocess.Popen(
                _COMMAND, env=environment, stderr=self._stderr, start_new_session=True
            )
        self.worker_thread = threading.Thread(target=self._watch, name="watch_worker", daemon=True)
        self.worker_thread.start()

    def stop_worker(self) -> None:
        """Wait for the process's end; where the run is interrupted, end it."""
        if isinstance(sys.exc_info()[1], KeyboardInterrupt):
            self.process.kill()
        super().stop_worker()

    def end(self) -> None:
        """End the process, if it was started and is still there."""
        process = getattr(self, "process", None)
        if process is not None:
            process.kill()
            process.wait()

    def _watch(self) -> None:
        self.process.wait()
        connection: Any = self.control_conn  # whose method is replaced
        ask = connection.push

        def refuse(request: object) -> Any:
            future = ask(request)
            if request is not BeamFnControlServicer._DONE_MARKER:
                future.abort(worker_ended())
            return future

        connection.push = refuse
        connection.abort(worker_ended())
        self.data_conn._closed = True  # for what waits there for its answers


def worker_ended() -> EngineError:
    """Return what is said of a worker that ended before its work."""
    return EngineError(
        "worker process ended before its work: most often for want of memory; expected it to go "
        "on. Nothing was committed, and finished shards are kept: run `label` again, with fewer "
        "workers (--direct_num_workers) or a smaller label.batch_tokens."
    )


def is_of_an_ended_worker(error: Exception) -> bool:
    """Return whether Beam says that the channel of a worker's answers broke."""
    return "Channel closed prematurely" in str(error)


@contextmanager
def watched_workers(stderr: IO[bytes]) -> Iterator[None]:
    """Have the local engine's worker processes watched; none of them outlives this."""
    started: list[WatchedWorker] = []

    def make(*args: Any) -> WatchedWorker:
        started.append(WatchedWorker(stderr, *args))
        return started[-1]

    WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)(make)
    try:
        yield
    finally:
        for worker in started:
            worker.end()

"""Worker processes of the local engine, which end a run where one of them ends."""

from __future__ import annotations

import threading

from apache_beam.portability import python_urns
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    BeamFnControlServicer,
    SubprocessSdkWorkerHandler,
    WorkerHandler,
)

from schemas.errors import EngineError


class WatchedWorker(SubprocessSdkWorkerHandler):  # type: ignore[misc]
    """A worker process; Beam's own handler waits for ever for what a dead one was asked."""

    def start_worker(self) -> None:
        """Start the process, and a thread that waits for its end."""
        super().start_worker()
        threading.Thread(target=self._watch, name="watch_worker", daemon=True).start()

    def _watch(self) -> None:
        self.worker_thread.join()
        connection, ask = self.control_conn, self.control_conn.push

        def refuse(request: object) -> object:
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


def watch_workers() -> None:
    """Have the local engine's worker processes watched."""
    WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)(WatchedWorker)

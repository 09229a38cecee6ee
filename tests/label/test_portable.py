"""Beam's portable runner: a job service and two worker processes of their own, on loopback."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from apache_beam.portability.api import beam_fn_api_pb2_grpc
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.local_job_service import BeamJob, LocalJobServicer
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

from tests import tiny
from tests.label.test_pipeline import WORKERS_MAY_END_BADLY


class TwoWorkers(BeamJob):
    """A job of the local service that asks the pool for two workers; it asks for one otherwise."""

    def _invoke_runner(self):
        runner = fn_runner.FnApiRunner(provision_info=self._provision_info)
        runner._num_workers = 2
        return runner.run_via_runner_api(self._pipeline_proto, self.pipeline_options())


@contextmanager
def worker_pool():
    """Yield the address of a pool on loopback and its worker processes, which end with it."""
    servicer = BeamFnExternalWorkerPoolServicer(use_process=True)
    started = []
    real = servicer.StartWorker

    def start(request, context):
        answer = real(request, context)
        started.append(servicer._worker_processes[request.worker_id])
        return answer

    servicer.StartWorker = start
    server = grpc.server(ThreadPoolExecutor(4))
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(servicer, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        yield f"localhost:{port}", started
    finally:
        for process in started:
            process.kill()
            process.wait()
            process.stdout.close()
        server.stop(0).wait()


@WORKERS_MAY_END_BADLY
@pytest.mark.timeout(120)
def test_two_external_workers_give_the_same_table(table, experiment, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    jobs = LocalJobServicer(str(tmp_path / "staged"), beam_job_type=TwoWorkers)
    port = jobs.start_grpc_server()
    try:
        with worker_pool() as (address, started):
            beam = ("--runner=PortableRunner", f"--job_endpoint=localhost:{port}")
            beam += ("--environment_type=EXTERNAL", f"--environment_config={address}")
            other = tiny.label(experiment, experiment / "portable", beam=beam)
            assert len(started) >= 2
    finally:
        jobs.stop()
    assert tiny.rows_of(other) == tiny.rows_of(table)
    assert {shard.path.name for shard in other.shards} == {s.path.name for s in table.shards}

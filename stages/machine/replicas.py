"""Training by several replicas: their part of each batch, and sums over all of them.

A global batch is cut into as many parts as there are replicas. Every mean is over the global batch:
each replica adds up its own part and divides by the count of all, and gradients are summed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

import tensorflow as tf

from schemas.errors import EngineError, first_line
from stages.machine.cluster import CLUSTER, cluster_workers
from stages.machine.progress import say


@dataclass(frozen=True)
class Replicas:
    """Who trains a student together.

    Attributes:
      strategy: TensorFlow's; None where one device trains alone.
      count: replicas in all.
      first, local: number of the first one in this process, and how many are here.
    """

    strategy: tf.distribute.Strategy | None = None
    count: int = 1
    first: int = 0
    local: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes what was made: one of them does."""
        return self.first == 0

    def scope(self) -> AbstractContextManager[object]:
        """Return the context in which variables are made."""
        return nullcontext() if self.strategy is None else self.strategy.scope()

    def share(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Return this process's parts of global batches, one after another.

        Batches are padded already: a part without rows is as wide as the others.
        """
        if self.count == 1:
            return batches

        def parts(*batch: Any) -> tf.data.Dataset:
            rows = tf.shape(tf.nest.flatten(batch)[0], tf.int64)[0]
            numbers = tf.data.Dataset.range(self.first, self.first + self.local)

            def part(number: tf.Tensor) -> Any:
                start, end = rows * number // self.count, rows * (number + 1) // self.count
                whole = batch[0] if len(batch) == 1 else batch
                return tf.nest.map_structure(lambda column: column[start:end], whole)

            return numbers.map(part)

        return batches.flat_map(parts)

    def distributed(self, data: tf.data.Dataset) -> tf.data.Dataset:
        """Return data that is this process's share already, as `fit` takes it."""
        if self.strategy is None:
            return data
        return self.strategy.distribute_datasets_from_function(lambda context: data)


def over_replicas(value: tf.Tensor) -> tf.Tensor:
    """Return the sum of a value over all replicas; no gradient is needed of it."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.stop_gradient(value))


@cache
def replicas_here() -> Replicas:
    """Return those that the surroundings state: `TF_CONFIG`'s workers, or this machine's GPUs.

    It is asked for before TensorFlow does anything else.

    Raises:
      EngineError: `TF_CONFIG` cannot be read, or the workers do not meet.
    """
    if workers := cluster_workers():
        say(f"train: one of {workers} workers")
        try:
            return of_strategy(tf.distribute.MultiWorkerMirroredStrategy())
        except (RuntimeError, ValueError, tf.errors.OpError) as error:
            said = first_line(error)
            raise EngineError(
                f"workers do not meet: {CLUSTER}={os.environ[CLUSTER]}: {said}. Start each "
                "worker of the cluster with the same addresses."
            ) from error
    devices = [device.name.split(":", 1)[-1] for device in tf.config.list_logical_devices("GPU")]
    return mirrored(devices) if len(devices) > 1 else Replicas()


def mirrored(devices: Sequence[str]) -> Replicas:
    """Return one replica for each of this process's devices."""
    say(f"train: on {len(devices)} devices: {', '.join(devices)}")
    return of_strategy(tf.distribute.MirroredStrategy(list(devices)))


def of_strategy(strategy: tf.distribute.Strategy) -> Replicas:
    """Return the replicas of a strategy, each process having as many."""
    count, local = strategy.num_replicas_in_sync, len(strategy.extended.worker_devices)
    resolver = strategy.cluster_resolver
    index = resolver.task_id if resolver is not None and resolver.task_id else 0
    return Replicas(strategy, count, first=index * local, local=local)

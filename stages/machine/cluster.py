"""The cluster that `TF_CONFIG` states, as far as it can be known without TensorFlow."""

from __future__ import annotations

import json
import os

from schemas.errors import EngineError

CLUSTER = "TF_CONFIG"


def cluster_workers() -> int:
    """Return how many workers train together; 0 for one process alone.

    Raises:
      EngineError: what is stated cannot be read, or has other tasks than workers.
    """
    text = os.environ.get(CLUSTER)
    if not text:
        return 0
    try:
        cluster = json.loads(text)["cluster"]
        workers = len(cluster["worker"])
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"{CLUSTER} cannot be read: {text[:120]}: {type(error).__name__}. Expected a cluster "
            "with workers, and this one's task."
        ) from error
    if others := sorted(set(cluster) - {"worker"}):
        raise EngineError(
            f"{CLUSTER} has tasks that are no workers: found {', '.join(others)}. Name them all "
            "as workers; the first of them writes."
        )
    return workers if workers > 1 else 0


def writes_here() -> bool:
    """Return whether this process writes what is trained: of several workers the first does.

    Raises:
      EngineError: as for `cluster_workers`.
    """
    if not cluster_workers():
        return True
    try:
        return int(json.loads(os.environ[CLUSTER])["task"]["index"]) == 0
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"{CLUSTER} does not say which worker this is: {os.environ[CLUSTER][:120]}: "
            f"{type(error).__name__}. Expected a task with its index."
        ) from error

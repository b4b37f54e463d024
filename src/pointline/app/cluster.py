"""A Ray cluster as the workers of a study: one run a worker. The only place that knows Ray."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pointline.errors import InputError, MissingExtra, ModelError
from pointline.study.schedule import Task

__all__ = ["Cluster", "cluster"]

_LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The workers of a cluster, `slots` of them at a time."""

    remote: Any
    slots: int

    def submit(self, task: Task) -> Future[bool]:
        """Begin a run on one of them."""
        told: Future[bool] = Future()
        made = self.remote.remote(task)
        threading.Thread(target=_pass_on, args=(made, told), daemon=True).start()
        return told


def _pass_on(made: Any, told: Future[bool]) -> None:
    import ray

    try:
        told.set_result(ray.get(made))
    except ray.exceptions.RayTaskError as error:
        told.set_exception(error.cause)
    except ray.exceptions.RayError as error:
        lost = str(error).splitlines()[0]
        told.set_exception(ModelError(f"a worker of the cluster was lost ({lost}): run it again"))


def _knock(address: str) -> None:
    """Raise InputError where nobody listens at `host:port`: Ray itself would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        told = f"no Ray cluster at {address!r} ({error.strerror or error}): start one first"
        raise InputError(told) from None


def _work(task: Task) -> bool:
    return task()


@contextmanager
def cluster(address: str, jobs: int = 1) -> Iterator[Cluster]:
    """Give a Ray cluster's workers while the block runs.

    `address` is the cluster's, "auto" for the one that this machine belongs to, or "local" for one
    of this machine alone. `jobs` runs go on at a time, each with a GPU where the cluster has some.
    The study's folder has to be one that every worker sees at the same path.

    Raises MissingExtra without Ray, InputError where no cluster answers.
    """
    try:
        import ray
    except ImportError:
        raise MissingExtra("ray", extra="cluster") from None
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    _knock(address)
    try:
        ray.init(
            address=None if address == _LOCAL else address,
            num_cpus=jobs if address == _LOCAL else None,
            include_dashboard=False if address == _LOCAL else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        told = f"no Ray cluster at {address!r} ({reason}): start one, or leave --ray out"
        raise InputError(told) from None
    try:
        gpus = 1 if ray.cluster_resources().get("GPU") else 0  # type: ignore[no-untyped-call]
        yield Cluster(ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(_work), jobs)
    finally:
        ray.shutdown()

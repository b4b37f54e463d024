"""A Ray cluster as the workers of a study or a batch run. The only place that knows Ray."""

from __future__ import annotations

import logging
import os
import socket
import threading
import traceback
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pointline.app.batch.pool import Event
from pointline.app.batch.work import Job, Worker
from pointline.corpus.resultfile import Tally
from pointline.errors import InputError, MissingExtra, ModelError, PointlineError
from pointline.study.schedule import Task

__all__ = ["Cluster", "cluster", "shards"]

_LOCAL = "local"
_LOADS = 3  # of the model by each worker, on average, before it is given up
_BLOCKS = 10_000  # of shards: what Ray gives out at a time, and gives out again


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
    with _connected(address, jobs) as ray:
        gpus = 1 if ray.cluster_resources().get("GPU") else 0
        yield Cluster(ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(_work), jobs)


@contextmanager
def _connected(address: str, processors: int) -> Iterator[Any]:
    """Give Ray, connected to a cluster, or to one of this machine with so many processors."""
    try:
        import ray
    except ImportError:
        raise MissingExtra("ray", extra="cluster") from None
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    _knock(address)
    try:
        ray.init(
            address=None if address == _LOCAL else address,
            num_cpus=processors if address == _LOCAL else None,
            include_dashboard=False if address == _LOCAL else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        told = f"no Ray cluster at {address!r} ({reason}): start one, or leave --ray out"
        raise InputError(told) from None
    try:
        yield ray
    finally:
        ray.shutdown()


# ---------------------------------------------------------------- shards of a batch run


def shards(
    job: Job,
    numbers: Sequence[int],
    *,
    address: str,
    workers: int = 1,
    cpus: int | None = None,
    gpus: float | None = None,
) -> Generator[Event]:
    """Yield each shard of a batch run as it is done by Ray Data: what `batch` takes as `workers`.

    `address` is as for `cluster`. Each of `workers` actors loads the model once, and claims `cpus`
    processors (an even share if None) and `gpus` GPUs (one if None and the cluster has some). An
    actor that dies is started again by Ray, and given its shard again. The run's folder and its
    inputs have to be at the same path everywhere.

    Raises as `cluster` does, what an actor raises, and ModelError where one actor after another
    ends while it loads the model.
    """
    with _connected(address, workers * (cpus or 1)) as ray:
        import ray.data

        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        _loading(job).unlink(missing_ok=True)
        owned = ray.cluster_resources()
        done = ray.data.from_items(
            [{"shard": number} for number in numbers],
            override_num_blocks=min(len(numbers), _BLOCKS),
        ).map_batches(
            _Shards,
            fn_constructor_args=(job, _LOADS * workers),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1),
            num_cpus=cpus or _share(ray, workers),
            num_gpus=min(1, owned.get("GPU", 0)) if gpus is None else gpus,
        )
        try:
            for row in done.iter_rows():
                yield _event(row)
        except ray.exceptions.RayError as error:
            lost = str(error).strip().splitlines()[0]
            told = f"the workers of the cluster were lost ({lost}): run it again, it goes on"
            raise ModelError(told) from None


def _event(row: Mapping[str, Any]) -> Event:
    """Return what an actor did; raise what it told."""
    told = orjson.loads(row["done"])
    if "error" in told:
        raise (InputError if told["input"] else ModelError)(told["error"])
    tally = Tally.from_dict(told["tally"])
    return Event("done", int(row["shard"]), tally.rows, tally)


class _Shards:
    """An actor of Ray Data that does shards; it loads the model when the first one comes.

    It ends at an error that is not pointline's, as a worker process does: the shard's journal says
    in which text's hands it was, and the next actor goes on from there.
    """

    def __init__(self, job: Job, patience: int) -> None:
        self.job, self.patience = job, patience
        self.worker: Worker | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        with _EndingTheProcess():
            done = [self._done(int(number)) for number in batch["shard"]]
        return {"shard": batch["shard"], "done": [orjson.dumps(one).decode() for one in done]}

    def _done(self, number: int) -> dict[str, Any]:
        """Do a shard; what pointline raises is told in words, since Ray would tell its own."""
        try:
            self.worker = self.worker or self._loaded()
            return {"tally": self.worker.do(number).to_dict()}
        except PointlineError as error:
            return {"error": str(error), "input": isinstance(error, InputError)}

    def _loaded(self) -> Worker:
        """Load the model; Ray would begin new actors for ever, were they killed while they load."""
        path = _loading(self.job)
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as begun:
            begun.write(b".")
        if (begun_by := path.stat().st_size) > self.patience:
            raise ModelError(f"{begun_by} workers began to load the model, and none got through")
        worker = Worker(self.job)
        path.unlink(missing_ok=True)
        return worker


def _loading(job: Job) -> Path:
    """Return the file with a byte for each actor that has begun to load since one got through."""
    return job.folder / "work" / "loading"


class _EndingTheProcess:
    """A block whose errors, but for pointline's own, end the process."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind and issubclass(kind, Exception) and not issubclass(kind, PointlineError):
            traceback.print_exc()
            os._exit(1)


def _share(ray: Any, workers: int) -> int:
    """Return the processors that each worker may claim, so that it finds room on any machine."""
    machines = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    smallest = min((count for count in machines if count), default=1)
    return max(1, int(min(sum(machines) // workers, smallest)))

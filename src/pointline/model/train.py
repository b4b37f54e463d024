"""Fine-tuning: LoRA or every weight, on the joint format, on a CPU or a GPU.

The loop is written out in plain torch instead of taken from a trainer library, for two reasons:
time, most of which the output layer takes with a vocabulary of 262,144 (`model.loss` computes it
once, where there is loss, over the tokens of the data if asked; docs/training.md compares),
and a run that goes on after a kill as if nothing had been.

A run can be killed at any moment: calling `train` again with the same config goes on from the last
checkpoint and ends with the same weights, since every step follows from its number and the seed.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pointline.corpus.store import read_dataset
from pointline.errors import MissingExtra
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model import checkpoint
from pointline.model.backbone import Backbone, fast_dtype
from pointline.model.checkpoint import State
from pointline.model.embedded import Progress
from pointline.model.job import Job, describe, prepare
from pointline.model.pace import Pace
from pointline.model.processes import Processes
from pointline.model.prompt import Form
from pointline.model.runfolder import ReadOnly, RunFolder
from pointline.model.settings import TrainConfig

__all__ = ["Evaluate", "Point", "TrainConfig", "TrainResult", "extract_and_score", "rate", "train"]

#: Scores a backbone on records of a task, e.g. {"tl": 0.9, "wl": 0.7}; called after each epoch.
Evaluate = Callable[[Backbone, Task, Sequence[Record], Form], Mapping[str, float | None]]

_COLUMNS = ("step", "epoch", "loss", "rate", "norm", "tokens", "tokens_per_second", "memory")


@dataclass(frozen=True, slots=True)
class Point:
    """Where a training is, as progress is told.

    `eta` (seconds) and `tokens_per_second` are of this call; `memory` is the most bytes that this
    process has held: on its GPU, or of the machine where it trains on a CPU.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    rate: float
    tokens_per_second: float
    eta: float
    memory: int | None


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What came of a training.

    `model` is the adapter's or model's folder, None where the run was stopped (`finished` False:
    call again to go on). `history` has the loss and scores of every epoch. `tokens_per_second`
    (all processes together, scoring left out) and `peak_memory` (bytes of the first process) are
    of the call that ended it. `writer` says whether this process wrote the folder.
    """

    folder: Path
    model: Path | None
    finished: bool
    step: int
    steps: int
    tokens: int
    seconds: float
    history: tuple[Mapping[str, Any], ...]
    tokens_per_second: float | None = None
    peak_memory: int | None = None
    writer: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return what `metrics.json` holds."""
        values = asdict(self)
        del values["folder"], values["writer"]  # of which one may be moved, one be another
        return {**values, "model": self.model and self.model.name, "history": list(self.history)}


def train(
    config: TrainConfig,
    *,
    progress: Callable[[Point], None] | None = None,
    loading: Progress | None = None,
    evaluate: Evaluate | None = None,
) -> TrainResult:
    """Train, or go on training, into the run folder `config.out`.

    The folder holds `config.json`, `log.jsonl` (a line for each step), `curves.csv`,
    `metrics.json`, and in the end `adapter/` or `model/` with its card. Where it holds a finished
    run of the same config, that is returned. Ctrl-C (SIGINT, SIGTERM) ends the run after the step
    in flight, with a checkpoint. `evaluate` is `extract_and_score` if not given.

    Started by `accelerate launch` in several processes, they share the work (`model.processes`);
    the first one writes, and only the loss is taken on dev records.

    Raises PreflightError where a record must not be trained on, InputError where the folder holds
    a run of other settings or no run, or another process works on it, and as `backbone.load` and
    `read_dataset`.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtra("torch", extra="hf") from None
    sets = [(Path(path), read_dataset(path)) for path in config.data]
    if config.dtype == "auto":
        fast = fast_dtype(config.device)
        config = replace(config, dtype="bfloat16" if fast == "bfloat16" else "float32")
    processes = Processes.found()
    folder = Path(config.out)
    run, about = RunFolder(folder) if processes.first else ReadOnly(folder), describe(config, sets)
    run.refuse_foreign()
    if run.read("config.json") is not None:
        run.settle(about)
        if done := _finished(run):
            return done
    gpus = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(gpus):  # the caller's random state stays as it is
        job = prepare(config, sets, run, about, loading, processes)
        with run.held(), _asked_to_stop() as stop:
            run.settle(about)
            return _work(job, stop, progress, evaluate or extract_and_score)


def extract_and_score(
    backbone: Backbone, task: Task, records: Sequence[Record], form: Form
) -> Mapping[str, float | None]:
    """Return TL and WL F1, ALL and the well-formed share of what the model extracts now."""
    from pointline.model.extract import Extractor, Options
    from pointline.model.hf import HFBackend
    from pointline.score.match import score

    gold = [replace(record, task=task.name) for record in records]
    extractor = Extractor(HFBackend(backbone), Options(form=form))
    report = score(gold, extractor.many(gold, task), tasks={task.name: task}, resamples=0)
    found = {"tl": report.tl.f1, "wl": report.wl.f1, "all": report.all}
    return {**found, "well_formed": report.well_formed}


def rate(step: int, steps: int, config: TrainConfig) -> float:
    """Return the learning rate of a step (from 0): a rise over the warm-up, then a fall to zero.

    >>> config = TrainConfig(("data",), "run", learning_rate=1.0, warmup=0.2)
    >>> [round(rate(step, 10, config), 3) for step in (0, 1, 2, 9)]
    [0.5, 1.0, 1.0, 0.125]
    """
    warm = math.ceil(config.warmup * steps)
    if config.warmup_steps is not None:
        warm = min(config.warmup_steps, steps)
    if step < warm:
        return config.learning_rate * (step + 1) / warm
    left = (steps - step) / max(1, steps - warm)
    if config.schedule == "cosine":
        left = (1 - math.cos(math.pi * left)) / 2
    return config.learning_rate * left


# ---------------------------------------------------------------- the steps


def _work(
    job: Job,
    stop: threading.Event,
    progress: Callable[[Point], None] | None,
    evaluate: Evaluate,
) -> TrainResult:
    """Take the steps that are left, score each epoch, write what came of it."""
    state = _resumed(job)
    pace = Pace(sum(job.tokens(step) for step in job.steps[state.step :]), job.learner.model.device)
    while True:
        if len(state.history) < job.epochs_done(state.step):
            state = _scored(job, state, evaluate, stop)
            _save(job, state)
        stopped = job.processes.any(stop.is_set())
        if stopped or state.step == len(job.steps):
            break
        state, point = _step(job, state, pace)
        if progress and job.processes.first:
            progress(point)
        ends_epoch = job.epochs_done(state.step) > len(state.history)
        if ends_epoch or state.step % job.config.save_every == 0:
            _save(job, state)
    if stopped:
        _save(job, state)
    return _ended(job, state, pace)


def _step(job: Job, state: State, pace: Pace) -> tuple[State, Point]:
    config, step = job.config, job.steps[state.step]
    started = time.monotonic()
    now = rate(state.step, len(job.steps), config)
    seed = config.seed * 1_000_003 + state.step
    loss, norm = job.learner.step(job.batches(step), rate=now, seed=seed)
    seconds, tokens = time.monotonic() - started, job.tokens(step)
    pace.add(tokens, seconds)
    state = replace(
        state,
        step=state.step + 1,
        tokens=state.tokens + tokens,
        seconds=state.seconds + seconds,
    )
    speed = pace.per_second
    job.run.log(
        "step",
        step=state.step,
        epoch=step.epoch + 1,
        loss=loss,
        rate=now,
        norm=norm,
        tokens=tokens,
        tokens_per_second=round(speed, 1),
        eta=round(pace.left / speed, 1),
        memory=pace.memory(),
    )
    eta, memory = pace.left / speed, pace.memory()
    return state, Point(state.step, len(job.steps), step.epoch + 1, loss, now, speed, eta, memory)


def _scored(job: Job, state: State, evaluate: Evaluate, stop: threading.Event) -> State:
    """Return the state with the next epoch's entry; as it was if a stop is asked for meanwhile."""
    epoch = len(state.history) + 1
    started = time.monotonic()
    job.processes.wait()  # for the first one to have logged the last step
    steps = [event["loss"] for event in job.run.events("step") if event["epoch"] == epoch]
    entry: dict[str, Any] = {"epoch": epoch, "step": state.step, "loss": sum(steps) / len(steps)}
    if job.dev_batches:
        entry["dev_loss"] = job.learner.value(job.dev_batches)
        entry["records"] = job.config.dev_examples
        entry["scores"] = {}
    for name, task, records in job.dev if job.processes.count == 1 else ():
        if stop.is_set():
            return state
        job.learner.model.eval()
        found = evaluate(job.learner.backbone, task, records, job.config.asked)
        entry["scores"][name] = dict(found)
    job.run.log("epoch", **entry)
    seconds = state.seconds + time.monotonic() - started
    return replace(state, seconds=seconds, history=(*state.history, entry))


def _save(job: Job, state: State) -> None:
    state = replace(state, log_bytes=job.run.log_bytes())
    learner, first = job.learner, job.processes.first
    checkpoint.save(job.run.path, state, learner.weights, learner.optimizer, writes=first)


def _resumed(job: Job) -> State:
    """Return where the run stands, the weights and the log put back there."""
    found = checkpoint.latest(job.run.path)
    if found is None:
        job.run.cut_log(0)
        return State()
    state = checkpoint.restore(found, job.learner.weights, job.learner.optimizer)
    job.run.cut_log(state.log_bytes)
    return state


def _ended(job: Job, state: State, pace: Pace) -> TrainResult:
    """Write the results of a run that is finished, or where it was stopped."""
    steps = len(job.steps)
    finished = state.step == steps and len(state.history) == job.config.epochs
    model = job.learner.save(job.run.path, job.about, state.history) if finished else None
    result = TrainResult(
        folder=job.run.path,
        model=model,
        finished=finished,
        step=state.step,
        steps=steps,
        tokens=state.tokens,
        seconds=round(state.seconds, 1),
        history=state.history,
        tokens_per_second=round(pace.per_second, 1),
        peak_memory=pace.memory(),
        writer=job.processes.first,
    )
    job.run.write_csv("curves.csv", job.run.events("step"), _COLUMNS)
    job.run.write("metrics.json", result.to_dict())
    if finished and job.processes.first:
        checkpoint.clear(job.run.path)
    job.processes.wait()  # for the first one to have written everything
    return result


def _finished(run: RunFolder) -> TrainResult | None:
    """Return the result that a run folder holds, if that run came to its end."""
    told = run.read("metrics.json")
    if not told or not told["finished"]:
        return None
    model = run.path / told["model"]
    return TrainResult(
        **{**told, "folder": run.path, "model": model, "history": tuple(told["history"])}
    )


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a request that is met between two steps; the second one raises."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(_signal: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

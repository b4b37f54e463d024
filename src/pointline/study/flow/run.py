"""A flow study: datasets through a model, its random twins and its knockouts, batch by batch.

Everything that is finished is on disk (`study.flow.parts`); run again, a study measures what is
missing and nothing else, and loads no model where nothing is.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pointline.corpus.manifest import sha256
from pointline.errors import InputError
from pointline.format.tasks import Task
from pointline.model.backbone import DEFAULT, Backbone
from pointline.model.runfolder import RunFolder
from pointline.study.flow.begin import CONFIG, Begun, Engine, load
from pointline.study.flow.knockout import draw_edges, knock_out, windows
from pointline.study.flow.measure import Goal, How, Outcome, Way, choose_way, measure
from pointline.study.flow.parts import Parts, write_npz
from pointline.study.flow.recorder import Layout, draw_positions, layout
from pointline.study.flow.samples import Chosen, Sample, batches, choose, read_split
from pointline.study.flow.settings import FlowConfig

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CONFIG", "DATASETS", "KNOCKOUT", "KNOCKOUT_BEFORE", "MODEL", "Engine", "Loader", "run"]

DATASETS = "datasets.json"

#: The stages: the model itself, the knockouts, a model of random weights (with its number).
MODEL, KNOCKOUT, RANDOM = "model", "cuts", "random"

#: Where earlier versions kept knockouts, of which one control was another (`knockout.CUTS_BEFORE`).
KNOCKOUT_BEFORE = "knockout"

_VERSION = 1  # of what the folder holds
_STRADDLES = 100  # of a dataset, that are written down; all are counted


class Advance(Protocol):
    """Is told how many samples of how many are done, and in which stage."""

    def __call__(self, done: int, total: int, stage: str = "") -> None:
        """Show it."""


Loader = Callable[[], Backbone]


def run(
    folders: Sequence[Path],
    config: FlowConfig,
    *,
    out: Path,
    model: str = DEFAULT,
    adapter: str | None = None,
    engine: Engine | None = None,
    progress: Advance | None = None,
    tell: Callable[[str], None] | None = None,
    spare_knockouts: bool = False,
) -> Path:
    """Measure the datasets in the folders; return the study's folder.

    `tell` is told in a line what is not done as the settings ask. Where a model's edges cannot be
    cut, knockouts are such a thing if `spare_knockouts`, and noted in the folder.

    Raises InputError for datasets that cannot be measured, two of one name, a folder that holds
    another study, or knockouts of a model that allows none; ModelError for a model that is no
    causal decoder, or where the self-test fails. Until all this is settled nothing is written.
    """
    engine = engine or Engine()
    data = _read(folders, config.split)
    settled = {
        "version": _VERSION,
        "model": model,
        "adapter": adapter,
        "datasets": {
            name: {"folder": str(folder), "sha256": sha256(folder / f"{config.split}.jsonl")}
            for name, (folder, _, _) in data.items()
        },
        "flow": config.to_dict(),
    }
    folder = RunFolder(out)
    with folder.held():
        begun = Begun(folder, settled, engine.dtype)
        if (out / "finished.json").is_file():
            return out
        base = partial(load, model, adapter, engine)
        _Study(begun, config, engine, base, data, progress or _quiet, tell or _silent).work(
            spare_knockouts=spare_knockouts
        )
    return out


def _read(folders: Sequence[Path], split: str) -> dict[str, tuple[Path, Task, list[Any]]]:
    found: dict[str, tuple[Path, Task, list[Any]]] = {}
    for folder in folders:
        task, records = read_split(folder, split)
        name = folder.resolve().name
        if name in found:
            raise InputError(f"{folder} and {found[name][0]} have the same name: rename one")
        found[name] = (folder, task, records)
    return found


def _quiet(done: int, total: int, stage: str = "") -> None:
    pass


def _silent(line: str) -> None:
    pass


class _Study:
    """The work that is left of a study."""

    def __init__(
        self,
        begun: Begun,
        config: FlowConfig,
        engine: Engine,
        load: Loader,
        data: Mapping[str, tuple[Path, Task, list[Any]]],
        progress: Advance,
        tell: Callable[[str], None],
    ) -> None:
        self._begun, self._folder = begun, begun.folder
        self._config, self._engine = config, engine
        self._load, self._data, self._progress, self._tell = load, data, progress, tell
        self._backbone: Backbone | None = None
        self._way: Way = "flow"

    def work(self, *, spare_knockouts: bool) -> None:
        chosen = self._choose()
        self._way = self._chosen_way(chosen)
        no_cuts = self._why_no_cuts(needed=not spare_knockouts)
        kind = str(next(self._model.model.parameters()).dtype).removeprefix("torch.")
        self._begun.settle(kind)
        self._folder.log("model", dtype=kind, device=str(self._model.device))
        self._folder.log("self-test", way=self._way)
        self._note(no_cuts)
        self._write_samples(chosen, no_cuts)
        for stage in (MODEL, *([KNOCKOUT] if self._config.knockout and not no_cuts else [])):
            for name in chosen:
                self._stage(stage, name, chosen[name])
        for number in range(self._config.random_models):
            self._randomise(number, chosen)
            for name in chosen:
                self._stage(f"{RANDOM}-{number}", name, chosen[name])
        self._folder.write("finished.json", {"datasets": list(chosen)})
        self._folder.log("finished")

    @property
    def _model(self) -> Backbone:
        if self._backbone is None:
            self._backbone = self._load()
        return self._backbone

    def _choose(self) -> dict[str, Chosen]:
        found = {}
        for name, (_, task, records) in self._data.items():
            found[name] = choose(records, task, self._model, self._config)
            self._progress(len(found), len(self._data), "choosing samples")
        return found

    def _chosen_way(self, chosen: Mapping[str, Chosen]) -> Way:
        """Return the way that the model is measured, by a self-test on the first sample."""
        made, goal = self._tensors(next(iter(chosen.values())).samples[:1])
        config = self._config
        return choose_way(
            self._model.model, made, goal, How(config.heads, config.loss, config.source)
        )

    def _why_no_cuts(self, *, needed: bool) -> str:
        """Return why edges of this model are not cut, "" where they can be or need not be.

        Raises InputError where they need to be.
        """
        if not self._config.knockout or self._way == "flow":
            return ""
        told = f"the attention of {self._model.name!r} does not come from transformers' registry"
        if needed:
            raise InputError(f"no edge can be cut, since {told}: give --knockout 0")
        return told

    def _note(self, no_cuts: str) -> None:
        """Log and tell what is not done as the settings ask."""
        if no_cuts:
            self._folder.log("knockouts skipped", reason=no_cuts)
            self._tell(f"no knockouts: {no_cuts}")
        if self._engine.checkpointing and self._way != "flow":
            self._folder.log("checkpointing ignored", way=self._way)
            self._tell("--checkpointing is ignored: eager attention keeps all maps anyway")

    def _write_samples(self, chosen: Mapping[str, Chosen], no_cuts: str) -> None:
        """Write who takes part, who does not, and which tokens are text and information in one."""
        self._folder.write(
            DATASETS,
            {
                name: {
                    "task": self._data[name][1].to_dict(),
                    "samples": len(one.samples),
                    "left_out": dict(one.left_out),
                    "straddling_tokens": one.straddling,
                    "same_first_token": sum(not s.tokens.distinct for s in one.samples),
                    **({"no_knockouts": no_cuts} if no_cuts else {}),
                    "order": [sample.id for sample in one.samples],
                }
                for name, one in chosen.items()
            },
        )
        for name, one in chosen.items():
            if one.straddling:
                (self._folder.path / name).mkdir(exist_ok=True)
                told = {
                    "count": one.straddling,
                    "tokens": list(islice(one.straddles(), _STRADDLES)),
                }
                RunFolder(self._folder.path / name).write("straddles.json", told)

    def _stage(self, stage: str, name: str, chosen: Chosen) -> None:
        """Measure what is missing of a stage; those that are shown go alone, with their maps."""
        parts = Parts(self._folder.path / name / stage)
        done = parts.done()
        wanted = chosen.samples[: self._limit(stage)]
        left = [sample for sample in wanted if sample.id not in done]
        shown = {sample.id for sample in chosen.samples[: self._config.maps]}
        told = f"{name}, {stage}"
        self._progress(len(wanted) - len(left), len(wanted), told)
        for batch in _split(left, shown if stage == MODEL else set(), self._engine.batch_tokens):
            made, goal = self._tensors(batch)
            if stage == KNOCKOUT:
                parts.add(self._knocked(batch, made, goal))
            else:
                keep = stage == MODEL and batch[0].id in shown
                outcome = measure(self._model.model, made, goal, self._how, keep_maps=keep)
                if keep:
                    self._keep(name, chosen.samples.index(batch[0]), batch[0], outcome)
                parts.add(_arrays(batch, goal, outcome))
            done |= {sample.id for sample in batch}
            self._progress(len(wanted) - len(left) + len(done & _ids(left)), len(wanted), told)

    def _limit(self, stage: str) -> int:
        if stage == MODEL:
            return self._config.samples
        return self._config.knockout_samples if stage == KNOCKOUT else self._config.random_samples

    @property
    def _how(self) -> How:
        config = self._config
        checkpointing = self._engine.checkpointing and self._way == "flow"
        return How(config.heads, config.loss, config.source, self._way, checkpointing)

    def _tensors(self, batch: Sequence[Sample]) -> tuple[Layout, Goal]:
        import torch

        model = self._model
        kind = torch.promote_types(next(model.model.parameters()).dtype, torch.float32)
        drawn = [draw_positions(one.tokens, self._config.draws, one.seed) for one in batch]
        tokens = [sample.tokens for sample in batch]
        made = layout(tokens, drawn, pad=model.pad, device=model.device, dtype=kind)
        widest = max(1, *(len(one.choices) for one in tokens))
        choices = [[*one.choices, *[-1] * (widest - len(one.choices))] for one in tokens]
        told = ([one.target for one in tokens], choices, [one.gold for one in tokens])
        return made, Goal(*(torch.tensor(one, device=model.device) for one in told))

    def _knocked(self, batch: Sequence[Sample], made: Layout, goal: Goal) -> dict[str, Any]:
        import numpy as np

        found = windows(self._layers(), self._config.knockout)
        drawn = [draw_edges(sample.tokens, sample.seed) for sample in batch]
        change, other = knock_out(
            self._model.model, made, goal, found, drawn, loss=self._config.loss
        )
        edges = np.array([[min(window), max(window)] for window in found])
        return {
            "ids": np.array([sample.id for sample in batch]),
            "windows": np.repeat(edges[None], len(batch), 0),
            "change": change.double().cpu().numpy(),
            "other": other.cpu().numpy(),
        }

    def _layers(self) -> list[int]:
        modules = self._model.model.modules()
        found = {m.layer_idx for m in modules if isinstance(getattr(m, "layer_idx", None), int)}
        return sorted(found)

    def _keep(self, name: str, number: int, sample: Sample, outcome: Outcome) -> None:
        import numpy as np

        maps = outcome.recorder.maps
        tokens = sample.tokens
        stacked = np.stack([maps[layer][0].float().cpu().numpy() for layer in sorted(maps)])
        write_npz(
            self._folder.path / name / "maps" / f"{number:05}.npz",
            {
                "id": np.array(sample.id),
                "maps": stacked,
                "layers": np.array(sorted(maps)),
                "text": np.array(tokens.text),
                "spans": np.array(tokens.spans),
                "roles": np.array(tokens.roles),
            },
        )

    def _randomise(self, number: int, chosen: Mapping[str, Chosen]) -> None:
        """Put a model of the same design with random weights in the place of the model."""
        parts = {name: Parts(self._folder.path / name / f"{RANDOM}-{number}") for name in chosen}
        wanted = {n: len(one.samples[: self._config.random_samples]) for n, one in chosen.items()}
        if all(len(parts[name].done()) == wanted[name] for name in chosen):
            return
        make, rest = _blank(self._model.model), replace(self._model, model=None, adapter=None)
        self._backbone = None  # so that the two models are not in memory at once
        gc.collect()
        self._backbone = replace(rest, model=make(self._config.seed + number))


def _blank(model: Any) -> Callable[[int], Any]:
    """Return what makes a model of the same design, its weights drawn as before any training."""
    import copy

    import torch

    design, config = type(model), copy.deepcopy(model.config)
    device, kind = model.device, next(model.parameters()).dtype

    def make(seed: int) -> Any:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return design(config).to(device=device, dtype=kind).eval()

    return make


def _split(left: Sequence[Sample], shown: set[str], tokens: int) -> Iterator[list[Sample]]:
    for sample in left:
        if sample.id in shown:
            yield [sample]
    yield from batches([sample for sample in left if sample.id not in shown], tokens)


def _ids(samples: Sequence[Sample]) -> set[str]:
    return {sample.id for sample in samples}


def _arrays(batch: Sequence[Sample], goal: Goal, outcome: Outcome) -> dict[str, Any]:
    """Return the rows of `parts.Measured`, in float32: sums of like signs lose nothing by it."""
    import numpy as np

    recorder = outcome.recorder
    layers = sorted(recorder.table)

    def stacked(found: Mapping[int, Tensor]) -> Any:
        return np.stack([found[layer].float().cpu().numpy() for layer in layers], 1)

    pairs, null_pairs = recorder.pairs()
    return {
        "ids": np.array([sample.id for sample in batch]),
        "layers": np.repeat(np.array(layers)[None], len(batch), 0),
        "table": stacked(recorder.table),
        "reached": stacked(recorder.reached),
        "pairs": pairs.float().cpu().numpy(),
        "null": stacked(recorder.null),
        "null_pairs": null_pairs.float().cpu().numpy(),
        "estimate": stacked(recorder.estimate),
        "loss": outcome.losses.float().cpu().numpy(),
        "right": (outcome.answers == goal.target).float().cpu().numpy(),
        "length": np.array([len(sample.tokens) for sample in batch], dtype=np.float32),
    }

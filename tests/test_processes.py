"""Several processes at one training: the same losses and weights as one, resumed or not."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from tiny import tiny_datasets, tiny_model

from pointline.errors import MissingExtra
from pointline.model import train
from pointline.model.processes import ALONE, Processes, put, whole
from pointline.model.train import TrainConfig

WORK = """
import json, os, signal, sys, warnings
warnings.simplefilter("ignore")
from pointline.model.train import TrainConfig, train
import torch
torch.set_num_threads(1)
said = []
for settings, sharded, stop in json.loads(sys.argv[1]):
    os.environ["ACCELERATE_USE_FSDP"] = sharded
    def progress(point):
        if point.step == stop:
            os.kill(os.getpid(), signal.SIGINT)
    done = train(TrainConfig(**settings), progress=progress, evaluate=lambda *_: {})
    said.append([done.finished, done.step])
print(json.dumps(said))
torch.distributed.destroy_process_group()
"""
CASES = {"lora/gemma3": "false", "full/gemma3": "true", "lora/llama": "true"}  # with FSDP or not


def together(jobs, count=2):
    """Train in processes as a launcher starts them; return what the first one came to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {
        **os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "ACCELERATE_USE_CPU": "true",
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    line = [sys.executable, "-c", WORK, json.dumps(jobs)]
    started = [
        subprocess.Popen(
            line,
            env={**told, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    said = [process.communicate(timeout=600) for process in started]
    assert all(process.returncode == 0 for process in started), said
    return json.loads(said[0][0].splitlines()[-1])


def losses(folder):
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [e["loss"] for e in map(json.loads, lines) if e["event"] == "step"]


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


def saved(folder):
    (file,) = folder.glob("*/*.safetensors")
    return load_file(file)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return the folders of each case's runs, by one process and by two, and what was said."""
    root = tmp_path_factory.mktemp("runs")
    data = tiny_datasets(root / "sets", 21, dev=6)
    folders, jobs = {}, []
    for name, sharded in CASES.items():
        method, family = name.split("/")
        base = tiny_model(root / family / method, family=family, spread=0.1)
        config = TrainConfig(
            data, str(root / name / "one"), base=str(base), method=method, dtype="float32",
            epochs=1, max_length=256, max_tokens_per_batch=300, accumulation=2, dev_examples=2,
            learning_rate=1e-2, checkpointing=sharded == "true",
            loss_vocabulary="seen" if method == "lora" else "full",
        )  # fmt: skip
        assert train.train(config, evaluate=lambda *_: {}).finished
        config = replace(config, out=str(root / name / "two"))
        folders[name] = root / name
        if method == "full":  # is interrupted once
            jobs.append([config.to_dict(), sharded, 2])
        jobs.append([config.to_dict(), sharded, 0])
    return folders, together(jobs)


@pytest.mark.parametrize("name", sorted(CASES))
def test_two_processes_learn_what_one_learns(runs, name):
    folders, said = runs
    one, two = (folders[name] / run for run in ("one", "two"))
    assert said == [[True, 3], [False, 2], [True, 3], [True, 3]]
    assert losses(two) == pytest.approx(losses(one), rel=2e-3)
    assert metrics(two)["tokens"] == metrics(one)["tokens"]
    (wanted,), (found,) = metrics(one)["history"], metrics(two)["history"]
    assert found["dev_loss"] == pytest.approx(wanted["dev_loss"], rel=2e-3)
    assert saved(one).keys() == saved(two).keys()
    for key, value in saved(one).items():
        assert torch.allclose(value.float(), saved(two)[key].float(), rtol=0.02, atol=2e-3), key


def test_a_run_says_how_fast_and_large_it_was(runs):
    folders, _ = runs
    for folder in folders.values():
        for run in ("one", "two"):
            told = metrics(folder / run)
            assert told["tokens_per_second"] > 0 and told["peak_memory"] > 2**20


# ---------------------------------------------------------------- shares


def test_every_example_is_in_one_share():
    crew = [Processes(3, rank) for rank in range(3)]
    shares = [process.share("abcdefg")[0] for process in crew]
    assert sorted("".join(map("".join, shares))) == list("abcdefg")
    assert [process.share("ab") for process in crew] == [
        (["a"], True),
        (["b"], True),
        (["a"], False),
    ]
    assert [process.first for process in crew] == [True, False, False]


def test_one_process_asks_nobody(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert Processes.found() == ALONE
    assert ALONE.any(True) and not ALONE.any(False) and ALONE.total(2.5) == 2.5
    assert ALONE.share("ab") == (["a", "b"], True)


def test_accelerate_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingExtra, match="accelerate"):
        Processes.found()


def test_a_tensor_in_one_piece_stays_as_it_is():
    value = torch.arange(6.0).reshape(2, 3).T
    assert torch.equal(whole(value), value) and whole(value).is_contiguous()
    assert torch.equal(put(value, torch.zeros(3, 2)), value)

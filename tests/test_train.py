"""Training: the loss, one step, resuming, what a run leaves behind."""

import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import tiny_datasets, tiny_model, tiny_records, tiny_samples

from pointline.corpus.store import read_dataset, write_dataset
from pointline.errors import InputError, ModelError, PreflightError, TaskError
from pointline.format.record import Pair, Record
from pointline.format.tasks import adhoc, task
from pointline.model import backbone, learner, train
from pointline.model.batches import collate, encode, seen
from pointline.model.extract import Extractor
from pointline.model.job import describe, prepare
from pointline.model.loss import CompletionLoss
from pointline.model.prompt import Form, Level
from pointline.model.runfolder import RunFolder
from pointline.model.train import TrainConfig, extract_and_score


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tiny_datasets(tmp_path_factory.mktemp("sets"), 32, dev=12)


GOOD = Record("ok", "scnm-en", "Ada left Turin.", "Society", (Pair("people", "Ada", 0, 3),))


@pytest.fixture(scope="module")
def examples(tiny):
    return encode(tiny_samples(tiny_records(12)), tiny, max_length=256)


# ---------------------------------------------------------------- the rate


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_rate_rises_then_falls_to_nothing(schedule):
    config = TrainConfig(("d",), "o", learning_rate=2.0, warmup=0.1, schedule=schedule)
    rates = [train.rate(step, 100, config) for step in range(100)]
    assert rates[9] == rates[10] == 2.0 and rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True) and 0 < rates[-1] < 0.05
    assert train.rate(0, 10, replace(config, warmup=0.0)) == 2.0


# ---------------------------------------------------------------- the loss


def naive(model, examples, pad, vocabulary=None):
    """The summed cross entropy from whole logits, with everything masked but completions."""
    import torch

    batch = collate(examples, pad=pad)
    labels = torch.full_like(batch.ids, -100)
    for i, example in enumerate(examples):
        for place in range(example.prompt, len(example.tokens)):
            labels[i, place] = batch.ids[i, place]
    logits = model(input_ids=batch.ids, attention_mask=(batch.ids != pad).long()).logits
    if vocabulary is not None:
        outside = torch.ones(logits.shape[-1], dtype=torch.bool)
        outside[list(vocabulary)] = False
        logits = logits.masked_fill(outside, float("-inf"))
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100, reduction="sum"
    )


@pytest.mark.parametrize("family", ["gemma3", "llama"])
@pytest.mark.parametrize("restricted", [False, True])
def test_loss_and_gradients_are_those_of_whole_logits(tmp_path, family, restricted):
    import torch

    tiny = backbone.load(tiny_model(tmp_path / "m", family=family))
    examples = encode(tiny_samples(tiny_records(7)), tiny, max_length=256)
    vocabulary = seen(examples) if restricted else None
    numbers = None if vocabulary is None else {t: i for i, t in enumerate(vocabulary)}
    if restricted:  # the output layer is not trained then
        tiny.model.get_output_embeddings().weight.requires_grad_(False)
    expected = naive(tiny.model, examples, tiny.pad, vocabulary)
    (expected * 0.5).backward()
    wanted = {n: p.grad.clone() for n, p in tiny.model.named_parameters() if p.grad is not None}
    tiny.model.zero_grad()
    loss = CompletionLoss(tiny.model, vocabulary=vocabulary, chunk=13)
    batch = collate(examples, pad=tiny.pad, vocabulary=numbers)
    assert loss.value(batch) == pytest.approx(expected.item(), rel=1e-5)
    assert loss.backward(batch, scale=0.5) == pytest.approx(expected.item(), rel=1e-5)
    found = {n: p.grad for n, p in tiny.model.named_parameters() if p.grad is not None}
    assert set(found) == set(wanted)
    for name, gradient in found.items():
        assert torch.allclose(gradient, wanted[name], rtol=1e-3, atol=1e-5), name


def test_what_follows_a_completion_has_no_influence(tiny, examples):
    import torch

    loss = CompletionLoss(tiny.model)
    batch = collate(examples, pad=tiny.pad)
    filled = batch.ids.clone()
    for i, example in enumerate(examples):
        filled[i, len(example.tokens) :] = 77
    assert loss.value(batch) == loss.value(replace(batch, ids=filled))
    alone = sum(loss.value(collate([example], pad=tiny.pad)) for example in examples)
    assert loss.value(batch) == pytest.approx(alone, rel=1e-5)
    assert torch.equal(batch.ids.flatten()[batch.rows + 1], batch.targets)


def test_a_model_that_caps_its_logits_is_refused(tmp_path):
    import torch

    capped = backbone.load(tiny_model(tmp_path / "m")).model
    capped.config.final_logit_softcapping = 0.1
    with torch.no_grad():
        for parameter in capped.parameters():
            parameter.mul_(3)
    with pytest.raises(ModelError, match="more than one linear layer"):
        CompletionLoss(capped)


# ---------------------------------------------------------------- one step


def config_for(base, data, out="run", **changes):
    values = {"base": str(base), "max_length": 256, "max_tokens_per_batch": 512}
    return TrainConfig(data, str(out), **{**values, "dtype": "float32", **changes})


def weights_after(base, batches, **changes):
    config = config_for(base, ("d",), **changes)
    student = learner.Learner(backbone.load(base), config, None)
    student.step(batches, rate=0.01, seed=1)
    return student.weights


def same(one, two, **tolerance):
    import torch

    return all(torch.allclose(one[name], two[name], **tolerance) for name in one)


def test_accumulating_is_the_same_as_one_large_batch(base, examples):
    one = weights_after(base, [examples])
    many = weights_after(base, [examples[:2], examples[2:9], examples[9:]])
    assert same(one, many, atol=2e-4) and not same(one, weights_after(base, [examples[:2]]))


def test_checkpointing_changes_nothing_but_memory(base, examples):
    assert same(
        weights_after(base, [examples]), weights_after(base, [examples], checkpointing=True)
    )


def test_dropout_follows_from_the_seed_of_the_step(base, examples):
    one, two = (weights_after(base, [examples], dropout=0.3) for _ in range(2))
    assert same(one, two, rtol=0, atol=0)
    assert not same(one, weights_after(base, [examples]))


def test_only_the_topmost_layers_are_adapted(base, examples):
    names = weights_after(base, [examples], layers=1)
    assert names and all(".layers.1." in name for name in names)
    linear = {name.split(".")[-4] for name in names}
    assert linear == {
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
    }  # fmt: skip
    with pytest.raises(InputError, match=r"layers is 3, but .* has 2"):
        weights_after(base, [examples], layers=3)


def test_bfloat16_learns_the_same_way(base, examples):
    config = config_for(base, ("d",), dtype="bfloat16")
    student = learner.Learner(backbone.load(base, dtype="bfloat16"), config, None)
    before = student.value([examples])
    for step in range(8):
        student.step([examples], rate=0.01, seed=step)
    assert student.value([examples]) < before - 0.1
    assert {str(p.dtype) for p in student.weights.values()} == {"torch.float32"}


def test_a_loss_that_is_no_number_ends_the_run(base, examples):
    import torch

    student = learner.Learner(backbone.load(base), config_for(base, ("d",)), None)
    with torch.no_grad():
        next(iter(student.weights.values())).fill_(float("nan"))
    with pytest.raises(ModelError, match="the loss became nan"):
        student.step([examples], rate=0.1, seed=0)


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "qlora"}, "method is one of lora, full, got 'qlora'"),
        ({"rank": 0}, "rank is 1 or more, got 0"),
        ({"warmup": 2}, "warmup is a share, from 0 to 1, got 2"),
        ({"learning_rate": -1.0}, "learning_rate is above 0"),
        ({"layers": 0}, "layers is 1 or more"),
        ({"max_length": 4096}, r"max_tokens_per_batch is max_length \(4096\) or more"),
        ({"method": "full", "loss_vocabulary": "seen"}, "loss_vocabulary is 'full'"),
        ({"data": ()}, "data is one dataset folder or more"),
    ],
)
def test_settings_that_cannot_be(changes, message):
    with pytest.raises(InputError, match=message):
        TrainConfig(**{"data": ("d",), "out": "o", **changes})


def test_settings_that_follow_from_others():
    assert TrainConfig(("d",), "o", rank=64).alpha == 128.0
    assert TrainConfig(("d",), "o").learning_rate == 5e-4
    assert TrainConfig(("d",), "o", method="full").learning_rate == 2e-5


def test_settings_survive_json():
    config = TrainConfig(("a", "b"), "o", level=Level.TEXT, layers=3)
    assert TrainConfig(**json.loads(json.dumps(config.to_dict()))) == config


# ---------------------------------------------------------------- whole runs


def losses(folder):
    lines = (folder / "log.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    return [(e["step"], e["loss"]) for e in events if e["event"] == "step"]


def no_scores(*_):
    return {}


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_tiny_model_learns_32_records_by_heart(tmp_path, method):
    """ALL = 1.0 on what it was trained on, through the decoder and the scores."""
    base = tiny_model(tmp_path / "base", spread=0.2)
    paths = tiny_datasets(tmp_path / "data", 32)
    changes = {
        "full": {"epochs": 25, "learning_rate": 4e-3},
        "lora": {"epochs": 35, "learning_rate": 2e-2},
    }[method]
    config = config_for(base, paths, tmp_path / "run", method=method, dev_examples=0, **changes)
    done = train.train(config)
    assert done.finished and done.history[-1]["loss"] < 0.1 * done.history[0]["loss"]
    learned = backbone.load(done.folder)
    for lang in ("en", "ja", "zh"):
        asked = task(f"scnm-{lang}")
        records = [record for record in tiny_records(32) if record.task == asked.name]
        found = extract_and_score(learned, asked, records, Form())
        assert found == {"tl": 1.0, "wl": 1.0, "all": 1.0, "well_formed": 1.0}, lang


def test_a_run_leaves_everything_behind(base, data, tmp_path):
    import torch

    points = []
    config = config_for(
        base, data, tmp_path / "run", epochs=2, dev_examples=2, loss_vocabulary="seen"
    )
    before = torch.get_rng_state()
    done = train.train(config, progress=points.append)
    assert torch.equal(torch.get_rng_state(), before)
    assert done.finished and done.model == tmp_path / "run" / "adapter"
    assert [p.step for p in points] == list(range(1, done.steps + 1)) and points[-1].eta == 0.0
    assert sorted(path.name for path in done.folder.glob("[!.]*")) == [
        "adapter", "config.json", "curves.csv", "log.jsonl", "metrics.json",
    ]  # fmt: skip
    assert {path.name for path in done.model.iterdir()} - {"GEMMA_TERMS.html"} == {
        "NOTICE", "README.md", "adapter_config.json", "adapter_model.safetensors", "pointline.json",
    }  # fmt: skip
    assert len({path.stat().st_mode for path in done.model.iterdir()}) == 1  # all who may read one
    with (done.folder / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == [loss for _, loss in losses(done.folder)]
    told = json.loads((done.folder / "config.json").read_text())
    assert [d["name"] for d in told["datasets"]] == ["scnm-en", "scnm-ja", "scnm-zh"]
    assert sum(d["records"] for d in told["datasets"]) == 32
    entry = done.history[-1]
    assert entry["epoch"] == 2 and entry["dev_loss"] < done.history[0]["dev_loss"] + 1
    assert set(entry["scores"]) == {"scnm-en", "scnm-ja", "scnm-zh"}
    assert set(entry["scores"]["scnm-ja"]) == {"tl", "wl", "all", "well_formed"}
    assert "| scnm-ja | " in (done.model / "README.md").read_text()
    again = train.train(config, evaluate=lambda *_: pytest.fail("it is finished"))
    assert again == done
    with pytest.raises(InputError, match="holds a run with another epochs, seed"):
        train.train(replace(config, epochs=3, seed=1))


def test_a_folder_of_something_else_or_of_another_process_is_left_alone(base, data, tmp_path):
    config = config_for(base, data, tmp_path / "project")
    (tmp_path / "project" / "adapter").mkdir(parents=True)
    (tmp_path / "project" / "adapter" / "mine.txt").write_text("kept")
    with pytest.raises(InputError, match=r"is not empty and holds no run \(adapter\)"):
        train.train(config)
    assert (tmp_path / "project" / "adapter" / "mine.txt").read_text() == "kept"
    free = replace(config, out=str(tmp_path / "run"), dev_examples=0)
    with RunFolder(tmp_path / "run").held(), pytest.raises(InputError, match="another process"):
        train.train(free)
    assert train.train(free).finished


def test_two_datasets_of_one_name_are_refused(base, data, tmp_path):
    with pytest.raises(InputError, match="two datasets are called 'scnm-en'"):
        train.train(config_for(base, (data[0], data[0]), tmp_path / "run"))


def test_scores_of_an_epoch_are_kept_when_they_are_made(base, data, tmp_path):
    config = config_for(base, data, tmp_path / "run", epochs=2, dev_examples=2, save_every=1000)
    asked = []

    def evaluate(*_):
        asked.append(len(asked))
        if len(asked) == 4:  # the first dataset of the second epoch
            raise KeyboardInterrupt
        return {"tl": 1.0}

    with pytest.raises(KeyboardInterrupt):
        train.train(config, evaluate=evaluate)
    done = train.train(config, evaluate=evaluate)
    assert done.finished and len(done.history) == 2
    assert len(asked) == 4 + 3  # the first epoch's are not made again


def test_an_adapter_carries_its_tasks(base, tmp_path):
    own = adhoc(labels=["dry", "wet"], entities=["who"], word="weather")
    own = replace(own, name="weather-en", family="weather")
    record = Record("1", own.name, "Ada was soaked.", "wet", (Pair("who", "Ada", 0, 3),))
    write_dataset(tmp_path / "weather-en", own, {"train": [record]})
    config = config_for(base, (str(tmp_path / "weather-en"),), tmp_path / "run", epochs=1)
    train.train(config)
    extractor = Extractor.load(tmp_path / "run")
    assert extractor.task("weather-en") == own
    assert extractor("Bo was dry.", task="weather-en").label in own.labels
    with pytest.raises(TaskError, match="no task 'whether-en'"):
        extractor("Bo was dry.", task="whether-en")


def test_a_label_that_is_held_out_is_never_seen(base, data, tmp_path):
    config = TrainConfig(
        data, str(tmp_path / "run"), base=str(base), epochs=1, dev_examples=4,
        held_out=("Nature", "地名"), show_labels_share=1.0, label_lists="drawn", sampling="equal", dtype="float32",
        max_length=256, max_tokens_per_batch=256,
    )  # fmt: skip
    with pytest.raises(InputError, match="no record without a label of held_out"):
        train.train(config)  # every record in Chinese or Japanese has a place
    config = replace(config, data=tuple(path for path in data if path.endswith("-en")))
    sets = [(Path(path), read_dataset(Path(path))) for path in config.data]
    job = prepare(config, sets, RunFolder(tmp_path / "run"), {}, None)
    texts = [job.learner.backbone.decode(example.tokens) for example in job.examples]
    assert texts and not any("Nature" in text or "地名" in text for text in texts)
    about = describe(config, sets)["datasets"]
    for facts, (_, dataset) in zip(about, sets, strict=True):
        natural = sum(record.label == "Nature" for record in dataset.train)
        assert facts["records"] + natural == len(dataset.train)
        assert facts["held_out"] == natural
    card = train.train(config).model.joinpath("README.md").read_text()
    assert "Left out of training, for holding one of the labels Nature, 地名: " in card


def test_a_refused_dataset_leaves_no_run(base, tmp_path):
    asked = task("scnm-en")
    write_dataset(tmp_path / "d", asked, {"train": [GOOD, replace(GOOD, id="2", label="")]})
    with pytest.raises(PreflightError, match=r"d/train.jsonl: record '2': there is no label"):
        train.train(config_for(base, (str(tmp_path / "d"),), tmp_path / "run"))
    assert not (tmp_path / "run").exists()
    write_dataset(tmp_path / "e", asked, {"test": [GOOD]})
    with pytest.raises(InputError, match="there is nothing to learn"):
        train.train(config_for(base, (str(tmp_path / "e"),), tmp_path / "run"))


@pytest.fixture(scope="module")
def undisturbed(base, data, tmp_path_factory):
    """A run without interruption, to hold others against: 3 epochs, with dropout."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    config = config_for(base, data, folder, epochs=3, dropout=0.2, dev_examples=3, save_every=2)
    return config, train.train(config, evaluate=no_scores)


def assert_equal_runs(one, two):
    assert losses(one) == losses(two)
    adapters = [(run / "adapter" / "adapter_model.safetensors").read_bytes() for run in (one, two)]
    assert adapters[0] == adapters[1]
    histories = [json.loads((run / "metrics.json").read_text())["history"] for run in (one, two)]
    assert histories[0] == histories[1]


@pytest.mark.parametrize("at", [1, 7])
def test_ctrl_c_ends_with_a_checkpoint_and_the_run_goes_on(undisturbed, tmp_path, at):
    config, whole = undisturbed
    config = replace(config, out=str(tmp_path / "run"))

    def interrupt(point):
        if point.step == at:
            os.kill(os.getpid(), signal.SIGINT)

    stopped = train.train(config, progress=interrupt, evaluate=no_scores)
    assert not stopped.finished and stopped.step == at and stopped.model is None
    assert [path.name for path in stopped.folder.glob("checkpoint-*")] == [f"checkpoint-{at:08}"]
    done = train.train(config, evaluate=no_scores)
    assert done.finished
    assert_equal_runs(done.folder, whole.folder)
    assert not list(done.folder.glob("*checkpoint-*"))


KILLED = """
import json, os, sys
from pointline.model.train import TrainConfig, train
config = TrainConfig(**json.loads(sys.argv[1]))
def kill(point):
    if point.step == 5:
        os.kill(os.getpid(), 9)
train(config, progress=kill, evaluate=lambda *_: {})
"""


def test_a_killed_run_goes_on_with_the_same_losses(undisturbed, tmp_path):
    config, whole = undisturbed
    config = replace(config, out=str(tmp_path / "run"))
    line = [sys.executable, "-c", KILLED, json.dumps(config.to_dict())]
    killed = subprocess.run(line, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(losses(tmp_path / "run")) == 5  # of which the checkpoint holds four
    (tmp_path / "run" / ".checkpoint-00000006.partial").mkdir()  # as if killed while saving
    done = train.train(config, evaluate=no_scores)
    assert done.finished
    assert_equal_runs(done.folder, whole.folder)


def test_a_damaged_checkpoint_is_named(undisturbed, tmp_path):
    config, _ = undisturbed
    config = replace(config, out=str(tmp_path / "run"))
    train.train(config, progress=lambda _: os.kill(os.getpid(), signal.SIGINT))
    saved = tmp_path / "run" / "checkpoint-00000001"
    (saved / "weights.safetensors").write_bytes(b"half")
    with pytest.raises(ModelError, match="checkpoint-00000001 is damaged"):
        train.train(config)

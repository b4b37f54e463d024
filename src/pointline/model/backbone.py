"""Backbones: a base model with its tokenizer, from wherever it comes, with or without an adapter.

Only safetensors and GGUF are read; pickled weights and code that comes with a model are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pointline.errors import MissingExtra, ModelError
from pointline.format.tasks import Task, from_dict
from pointline.model import merging
from pointline.model.embedded import (
    PACKAGED,
    Model,
    Progress,
    fetch,
    models,
    quiet,
    read_card,
    require,
)
from pointline.model.places import ADAPTER, is_adapter, locate, read_json, resolve
from pointline.model.plain import Plain, PlainTokenizer

__all__ = [
    "DEFAULT",
    "Backbone",
    "Dtype",
    "Kind",
    "Model",
    "base_mark",
    "fast_dtype",
    "fetch",
    "folders",
    "is_adapter",
    "kind_of",
    "load",
    "load_parts",
    "models",
    "outline",
    "require",
]

Dtype = Literal["auto", "float32", "bfloat16", "float16"]

#: What a model was made for: the next word, a sentinel's words, a masked word.
Kind = Literal["causal", "seq2seq", "masked"]

#: The base model that is used where none is named.
DEFAULT = "gemma3-270m"

_MARK = "pointline.json"  # beside an adapter: which base it was trained on


@dataclass(frozen=True, slots=True)
class Backbone:
    """A causal language model and its tokenizer, ready to be asked or trained.

    `model` is transformers' own class (`model.model` gives hidden states, `model.lm_head` the
    logits), also where an adapter is in it; or, where `load` was asked to be lean, a `plain.Plain`
    with a tokenizer to match. `tasks` are those that the adapter or the weights were
    trained on, where they say so. `window` is the most tokens that it can be given.
    `bos` is what its tokenizer puts before a text, `eos` what may end a completion (the first is
    the one to train on).
    """

    model: Any
    tokenizer: Any
    name: str
    window: int
    bos: tuple[int, ...]
    eos: tuple[int, ...]
    pad: int
    adapter: str | None = None
    mark: Mapping[str, Any] | None = None
    tasks: tuple[Task, ...] = ()

    @property
    def device(self) -> Any:
        """The torch device that the weights are on."""
        return self.model.device

    def encode(self, text: str, *, bos: bool = True) -> list[int]:
        """Return the text's tokens; a "<eos>" that the text spells out is plain text."""
        ids: list[int] = self.tokenizer(
            text, add_special_tokens=False, split_special_tokens=True, verbose=False
        ).input_ids
        return [*self.bos, *ids] if bos else ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of the tokens, special ones left out."""
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text


def load(
    name_or_path: str | Path = DEFAULT,
    *,
    adapter: str | Path | None = None,
    dtype: Dtype = "float32",
    device: str | None = None,
    merge: bool = False,
    lean: bool = False,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> Backbone:
    """Return a base model by its name, with a LoRA adapter if one is given.

    `name_or_path` is a packaged model ("gemma3-270m", "smollm2"), a folder, a GGUF file, a hub id
    ("owner/name"), or the folder of an adapter or of a training run, which name their own base.
    `merge=True` adds the adapter into the weights: faster, and it cannot be taken out again.
    `lean=True` is for those who only generate: no more than the weights and the vocabulary is read
    where the decoder needs no more, in three fifths of the time.
    `device=None` takes a GPU if there is one, `dtype="auto"` what is fast there. `cache` is where
    GGUF files are converted to.

    Raises ModelError for a model that is missing, damaged, pickled, of an unknown kind, or for an
    adapter of another base; MissingExtra where a library is missing.
    """
    name, adapter = resolve(str(name_or_path), None if adapter is None else Path(adapter))
    folder = locate(name, cache=cache, progress=progress)
    if lean and dtype == "float32" and (merge or adapter is None) and read_card(folder):
        found = _lean(folder, name, adapter, device)
        if found is not None:
            return found
    with quiet(), _one_line(name):
        model = _load_model(folder, fast_dtype(device) if dtype == "auto" else dtype)
        tokenizer = _load_tokenizer(folder)
    mark = base_mark(model, name)
    if adapter is not None:
        model = _adapted(model, adapter, mark, merge=merge)
    made = _backbone(model.to(_device(device)).eval(), tokenizer, name, adapter, mark)
    return replace(made, tasks=_tasks(folder if adapter is None else adapter))


def kind_of(
    name: str, *, cache: str | Path | None = None, progress: Progress | None = None
) -> Kind:
    """Return what a model was made for, as its config says: causal where that says nothing.

    Raises ModelError where there is no such model.
    """
    if name in PACKAGED or is_adapter(name):
        return "causal"
    config = read_json(locate(name, cache=cache, progress=progress) / "config.json")
    made_as = " ".join(map(str, config.get("architectures") or ()))
    if config.get("is_encoder_decoder"):
        return "seq2seq"
    return "masked" if "ForMaskedLM" in made_as or "ForPreTraining" in made_as else "causal"


def load_parts(
    name: str,
    kind: Kind,
    *,
    dtype: Dtype = "float32",
    device: str | None = None,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> tuple[Any, Any]:
    """Return model and tokenizer of any kind, for those who need no more; see `load`.

    Raises ModelError and MissingExtra as `load` does.
    """
    folder = locate(name, cache=cache, progress=progress)
    with quiet(), _one_line(name):
        chosen = fast_dtype(device) if dtype == "auto" else dtype
        model, tokenizer = _load_model(folder, chosen, kind), _load_tokenizer(folder)
    return model.to(_device(device)).eval(), tokenizer


def outline(name_or_path: str | Path, *, progress: Progress | None = None) -> Backbone:
    """Return a base model without its weights: sizes, layers and tokenizer, and nothing to run.

    Raises as `load`.
    """
    name, _ = resolve(str(name_or_path), None)
    folder = locate(name, cache=None, progress=progress)
    try:
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM
    except ImportError as error:
        raise MissingExtra(error.name or "transformers", extra="hf") from None
    with quiet(), _one_line(name), torch.device("meta"):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        model = AutoModelForCausalLM.from_config(config)
        tokenizer = _load_tokenizer(folder)
    return _backbone(model, tokenizer, name, None, {})


def folders(
    name_or_path: str | Path, adapter: str | Path | None, *, progress: Progress | None = None
) -> tuple[Path, Path | None, tuple[Task, ...]]:
    """Return where a model's weights are, and an adapter's, and the tasks they were trained on.

    Raises ModelError where one of them is missing, and as `load` for what is no model.
    """
    name, beside = resolve(str(name_or_path), None if adapter is None else Path(adapter))
    folder = locate(name, cache=None, progress=progress)
    if beside is not None and not (beside / ADAPTER).is_file():
        raise ModelError(f"{beside} holds no adapter: there is no {ADAPTER}")
    return folder, beside, _tasks(beside or folder)


def fast_dtype(device: str | None = None) -> Dtype:
    """Return the type in which matrix products run fastest on this machine.

    bfloat16 on a GPU that has it and on a CPU with AMX or AVX512-BF16; else float32, since a CPU
    without them emulates it.
    """
    import torch

    if torch.device(_device(device)).type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    flags = torch.cpu.get_capabilities()
    return "bfloat16" if flags.get("amx_bf16") or flags.get("avx512_bf16") else "float32"


def base_mark(model: Any, name: str) -> dict[str, Any]:
    """Return what tells this base model from another, whatever the type it was loaded in.

    The mark has the sizes and a sample of the weights: an adapter carries its base's.
    """
    parameters = [p for _, p in sorted(model.named_parameters()) if p.numel() >= 4]
    step = max(1, len(parameters) // 16)
    sample = [
        round(float(value), 6)
        for parameter in parameters[::step]
        for value in parameter.detach().flatten()[:: max(1, parameter.numel() // 4)][:4]
    ]
    sizes = {key: getattr(model.config, key, None) for key in ("vocab_size", "hidden_size")}
    return {"name": name, **sizes, "sample": sample}


# ---------------------------------------------------------------- loading


_CLASSES: Mapping[Kind, str] = {
    "causal": "AutoModelForCausalLM",
    "seq2seq": "AutoModelForSeq2SeqLM",
    "masked": "AutoModelForMaskedLM",
}


def _lean(folder: Path, name: str, adapter: Path | None, device: str | None) -> Backbone | None:
    """Return a model that we converted, without transformers; None where it takes that."""
    try:
        import safetensors  # noqa: F401  (all come with the same extra)
        import tokenizers  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name or "torch", extra="hf") from None
    if _device(device) != "cpu":
        return None
    with _one_line(name):
        model = Plain.open(folder)
    if model is None:
        return None
    mark = base_mark(model, name)
    if adapter is not None:
        _check_adapter(adapter, mark)
        with _one_line(str(adapter)):
            if not merging.merge(model, adapter):
                return None
    with _one_line(name):
        made = _backbone(model, PlainTokenizer(folder), name, adapter, mark)
    return replace(made, tasks=_tasks(folder if adapter is None else adapter))


def _load_model(folder: Path, dtype: Dtype, kind: Kind = "causal") -> Any:
    if dtype not in ("float32", "bfloat16", "float16"):
        raise ModelError(f"dtype is float32, bfloat16 or float16, got {dtype!r}")
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtra(error.name or "transformers", extra="hf") from None
    model, found = getattr(transformers, _CLASSES[kind]).from_pretrained(
        folder,
        dtype=getattr(torch, dtype),
        trust_remote_code=False,
        use_safetensors=True,
        output_loading_info=True,
    )
    if found["missing_keys"]:  # transformers would go on with random weights in their place
        missing = sorted(found["missing_keys"])
        raise ModelError(f"{folder} lacks {len(missing)} of the model's weights, e.g. {missing[0]}")
    return model


def _load_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if not read_card(folder):
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    # AutoTokenizer parses a vocabulary of 262,144 three times: 4 s; our own folders need it once
    config = read_json(folder / "tokenizer_config.json")
    special = {key: config.get(f"{key}_token") for key in ("bos", "eos", "pad", "unk")}
    return PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        **{f"{key}_token": value for key, value in special.items() if value is not None},
    )


def _backbone(
    model: Any, tokenizer: Any, name: str, adapter: Path | None, mark: Mapping[str, Any]
) -> Backbone:
    eos = dict.fromkeys(
        id
        for given in (
            tokenizer.eos_token_id,
            getattr(model.generation_config, "eos_token_id", None),
        )
        for id in (given if isinstance(given, list) else [given])
        if id is not None
    )
    if not eos:
        raise ModelError(f"the tokenizer of {name!r} has no token that ends a text")
    bos = tuple(id for id in tokenizer("").input_ids if id not in eos)
    pad = tokenizer.pad_token_id
    window = getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length
    return Backbone(
        model=model,
        tokenizer=tokenizer,
        name=name,
        window=int(window),
        bos=bos,
        eos=tuple(eos),
        pad=int(pad if pad is not None else next(iter(eos))),
        adapter=None if adapter is None else str(adapter),
        mark=mark,
    )


def _device(device: str | None) -> str:
    import torch

    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"no device {chosen!r} here: {reason}") from None
    return chosen


def _tasks(folder: Path) -> tuple[Task, ...]:
    """Return the tasks that a folder of trained weights says it knows."""
    if not (folder / _MARK).is_file():
        return ()
    return tuple(map(from_dict, read_json(folder / _MARK).get("tasks", ())))


# ---------------------------------------------------------------- adapters


def _adapted(model: Any, folder: Path, mark: Mapping[str, Any], *, merge: bool) -> Any:
    """Return the model with the adapter in it, as transformers' own class."""
    _check_adapter(folder, mark)
    with _one_line(str(folder)):
        if merge and merging.merge(model, folder):
            return model
    try:
        from peft import PeftModel
    except ImportError as error:
        raise MissingExtra(error.name or "peft", extra="hf") from None
    with quiet(), _one_line(str(folder)):
        adapted = PeftModel.from_pretrained(model, folder)
        return adapted.merge_and_unload() if merge else adapted.get_base_model()


def _check_adapter(folder: Path, mark: Mapping[str, Any]) -> None:
    """Refuse what is no adapter, or one that says it was trained on other weights than these."""
    if not (folder / ADAPTER).is_file():
        raise ModelError(f"{folder} holds no adapter: there is no {ADAPTER}")
    if not (folder / "adapter_model.safetensors").is_file():
        raise ModelError(f"{folder} holds no adapter_model.safetensors (pickled ones are refused)")
    if not (folder / _MARK).is_file():  # not ours: peft still refuses other shapes
        return
    base = read_json(folder / _MARK).get("base", {})
    pairs = list(zip(base.get("sample", ()), mark["sample"], strict=False))
    same_length = len(base.get("sample", ())) == len(mark["sample"])
    # half a step of bfloat16: the base may be loaded in another type than it was trained in
    if not (same_length and all(abs(a - b) <= 1e-5 + 0.004 * abs(b) for a, b in pairs)):
        raise ModelError(
            f"the adapter {folder} was trained on {base.get('name')!r}, whose weights are not those"
            f" of {mark['name']!r}: load it with its own base"
        )


# ---------------------------------------------------------------- edges


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    """Turn what a library says about a bad model into one line."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        if isinstance(error, MissingExtra):
            raise
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ModelError(f"cannot load {name!r}: {reason}") from None

"""What `model.vllm` uses of vLLM 0.33, in its shape: the same names, arguments and attributes.

The engine decodes with `transformers` and llguidance, a token of each request a step, greedily,
under the grammar's mask. Whatever the real classes would not know is refused.
"""

import sys
import types
import warnings
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import llguidance
import llguidance.hf
import numpy as np
import torch

# The arguments of vllm.LLM and of the EngineArgs behind it that a caller of ours may name.
ENGINE_ARGS = {
    "dtype", "enable_lora", "enforce_eager", "generation_config", "gpu_memory_utilization",
    "kv_cache_memory_bytes", "max_logprobs", "max_lora_rank", "max_loras", "max_model_len",
    "max_num_seqs", "seed", "speculative_config", "structured_outputs_config",
    "tensor_parallel_size",
}  # fmt: skip
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


class VLLMError(Exception):
    pass


class VLLMValidationError(VLLMError):
    def __init__(self, message, *, parameter=None, value=None):
        super().__init__(message)


class EngineDeadError(VLLMError):
    pass


class RequestOutputKind(Enum):
    CUMULATIVE = 0
    DELTA = 1
    FINAL_ONLY = 2


@dataclass
class StructuredOutputsParams:
    json: str | dict | None = None
    regex: str | None = None
    choice: list | None = None
    grammar: str | None = None
    json_object: bool | None = None
    disable_any_whitespace: bool = False
    disable_additional_properties: bool = False
    whitespace_pattern: str | None = None
    structural_tag: str | None = None

    def __post_init__(self):
        told = (self.json, self.regex, self.choice, self.grammar, self.json_object)
        if sum(value is not None for value in (*told, self.structural_tag)) != 1:
            raise VLLMValidationError("one kind of structured outputs constraint")


@dataclass
class SamplingParams:
    n: int = 1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop: str | list | None = None
    stop_token_ids: list | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16
    min_tokens: int = 0
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    logprob_token_ids: list | None = None
    flat_logprobs: bool = False
    detokenize: bool = True
    skip_special_tokens: bool = True
    spaces_between_special_tokens: bool = True
    include_stop_str_in_output: bool = False
    output_kind: RequestOutputKind = RequestOutputKind.CUMULATIVE
    structured_outputs: StructuredOutputsParams | None = None
    logit_bias: dict | None = None
    allowed_token_ids: list | None = None
    extra_args: dict | None = None
    bad_words: list | None = None

    def __post_init__(self):
        if self.stop and not self.detokenize:
            raise ValueError("stop strings are only supported when detokenize is True.")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise VLLMValidationError(f"max_tokens must be at least 1, got {self.max_tokens}.")


@dataclass
class LoRARequest:
    lora_name: str
    lora_int_id: int
    lora_path: str = ""
    base_model_name: str | None = None
    load_inplace: bool = False

    def __post_init__(self):
        if self.lora_int_id < 1:
            raise ValueError(f"id must be > 0, got {self.lora_int_id}")
        assert self.lora_path, "lora_path cannot be empty"


@dataclass
class Logprob:
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: list
    cumulative_logprob: float | None
    logprobs: list | None
    finish_reason: str | None = None
    stop_reason: int | str | None = None


@dataclass
class RequestOutput:
    request_id: str
    prompt: str | None
    prompt_token_ids: list
    prompt_logprobs: list | None
    outputs: list
    finished: bool


def tokens_input(prompt_token_ids, *, prompt=None, cache_salt=None):
    return {"type": "token", "prompt_token_ids": prompt_token_ids}


@dataclass
class _Running:
    ids: list
    params: SamplingParams
    lora: LoRARequest | None
    matcher: object
    made: list = field(default_factory=list)
    likely: list = field(default_factory=list)
    past: object = None


class LLMEngine:
    def __init__(self, llm):
        self.llm, self.running, self.most = llm, {}, 0
        self.aborted, self.dies = [], False

    def add_request(self, request_id, prompt, params, arrival_time=None, lora_request=None,
                    tokenization_kwargs=None, trace_headers=None, priority=0, session_id=None,
                    prompt_text=None, kv_hints=None):  # fmt: skip
        assert isinstance(request_id, str) and request_id not in self.running
        assert prompt["type"] == "token" and isinstance(params, SamplingParams)
        ids = prompt["prompt_token_ids"]
        if not ids or len(ids) >= self.llm.model_config.max_model_len:
            raise VLLMValidationError(f"The decoder prompt (length {len(ids)}) does not fit")
        if lora_request and not self.llm.args.get("enable_lora"):
            raise VLLMValidationError("Got lora_request but LoRA is not enabled!")
        if params.logprobs is not None and params.logprobs > self.llm.args.get("max_logprobs", 20):
            raise VLLMValidationError(f"Requested sample logprobs of {params.logprobs}")
        held, matcher = params.structured_outputs, None
        if held is not None:
            assert self.llm.args["structured_outputs_config"] == {"backend": "guidance"}
            matcher = llguidance.LLMatcher(self.llm.guide, held.grammar, log_level=0)
            if error := matcher.get_error():
                raise VLLMValidationError(f"Grammar error: {error}")
        self.running[request_id] = _Running(list(ids), params, lora_request, matcher)
        self.most = max(self.most, len(self.running))
        return request_id + "-internal"

    def has_unfinished_requests(self):
        return bool(self.running)

    def abort_request(self, request_ids, internal=False):
        for key in request_ids:
            del self.running[key]
            self.aborted.append(key)

    def step(self):
        if self.dies:
            raise EngineDeadError("EngineCore encountered an issue.\nSee stack trace (above).")
        ended = []
        for key, one in list(self.running.items()):
            self._token(one)
            if reason := self._finished(one):
                del self.running[key]
                made = CompletionOutput(0, self._text(one), one.made, None, one.likely, *reason)
                ended.append(RequestOutput(key, None, one.ids, None, [made], True))
        return ended

    def _token(self, one):
        with torch.inference_mode():
            model = self.llm.model if one.lora is None else self.llm.adapted(one.lora)
            fed = torch.tensor([one.made[-1:] or one.ids])
            step = model(input_ids=fed, past_key_values=one.past, use_cache=True)
        one.past, scores = step.past_key_values, step.logits[0, -1].float()
        if one.matcher is not None:
            mask = np.frombuffer(one.matcher.compute_bitmask(), dtype=np.uint8)
            allowed = np.unpackbits(mask, bitorder="little")[: len(scores)].astype(bool)
            scores = scores.masked_fill(torch.from_numpy(~allowed), -torch.inf)
        logprobs = scores.log_softmax(-1)
        chosen = int(logprobs.argmax())
        top = logprobs.topk(one.params.logprobs)
        likely = zip(top.indices.tolist(), top.values.tolist(), strict=True)
        one.likely.append({id: Logprob(value, at + 1) for at, (id, value) in enumerate(likely)})
        one.made.append(chosen)
        if one.matcher is not None and chosen != self.llm.tokenizer.eos_token_id:
            assert one.matcher.consume_token(chosen)

    def _finished(self, one):
        params = one.params
        if one.made[-1] == self.llm.tokenizer.eos_token_id:
            return "stop", None
        if one.made[-1] in (params.stop_token_ids or ()):
            return "stop", one.made[-1]
        for stop in params.stop or ():
            if stop in self.llm.tokenizer.decode(one.made):
                return "stop", stop
        room = self.llm.model_config.max_model_len - len(one.ids)
        return ("length", None) if len(one.made) >= min(params.max_tokens, room) else None

    def _text(self, one):
        text = self.llm.tokenizer.decode(one.made, skip_special_tokens=True)
        for stop in one.params.stop or ():
            text = text.partition(stop)[0]
        return text if one.params.detokenize else ""


class LLM:
    """The arguments are those of 0.33; the model is loaded by transformers."""

    def __init__(self, model, **args):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        unknown = args.keys() - ENGINE_ARGS
        if unknown:
            raise TypeError(f"EngineArgs.__init__() got an unexpected argument {min(unknown)!r}")
        if args.get("max_lora_rank", 16) not in RANKS:
            raise ValueError("1 validation error for LoRAConfig\nmax_lora_rank")
        if not Path(model, "config.json").is_file():
            raise OSError(f"{model} is not a local folder")
        self.args = args
        kind = args.get("dtype", "auto")
        self.model = AutoModelForCausalLM.from_pretrained(
            model, dtype=torch.float32 if kind == "auto" else getattr(torch, kind)
        ).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.guide = llguidance.hf.from_tokenizer(self.tokenizer, self.model.config.vocab_size)
        longest = self.model.config.max_position_embeddings
        self.model_config = types.SimpleNamespace(
            max_model_len=args.get("max_model_len", longest), dtype=self.model.dtype
        )
        self.llm_engine = LLMEngine(self)
        self._adapted = {}
        LLM.last = self

    def adapted(self, lora):
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        if lora.lora_int_id not in self._adapted:
            base = AutoModelForCausalLM.from_pretrained(
                self.model.name_or_path, dtype=self.model.dtype
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                made = PeftModel.from_pretrained(base, lora.lora_path).eval()
            assert max(one.r for one in made.peft_config.values()) <= self.args["max_lora_rank"]
            self._adapted[lora.lora_int_id] = made
        return self._adapted[lora.lora_int_id]


def install(monkeypatch):
    """Put the fake where `import vllm` finds it, for one test."""
    modules = {
        "vllm": {"LLM": LLM, "SamplingParams": SamplingParams, "__version__": "0.33.0"},
        "vllm.exceptions": {"VLLMError": VLLMError, "VLLMValidationError": VLLMValidationError},
        "vllm.inputs": {"tokens_input": tokens_input},
        "vllm.lora": {},
        "vllm.lora.request": {"LoRARequest": LoRARequest},
        "vllm.sampling_params": {
            "RequestOutputKind": RequestOutputKind,
            "SamplingParams": SamplingParams,
            "StructuredOutputsParams": StructuredOutputsParams,
        },
    }
    for name, names in modules.items():
        made = types.ModuleType(name)
        vars(made).update(names)
        monkeypatch.setitem(sys.modules, name, made)

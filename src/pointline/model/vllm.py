"""The backend for vLLM: its offline engine, behind the protocol.

    ex = Extractor.load("vllm:runs/ja", dtype="bfloat16")
    ex.many(texts, task="scnm-ja", batch_size=256)

vLLM holds the model to the grammar of each text through its own structured outputs (llguidance,
which it calls "guidance"), keeps its batch full, and reads LoRA adapters as peft writes them.
Written for vLLM 0.33; docs/inference.md says what it cannot tell.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.errors import InputError, MissingExtra, ModelError, PointlineError
from pointline.model import backbone
from pointline.model.backend import (
    Completion,
    Halt,
    Request,
    Token,
    check_room,
    gathered,
    spell,
    taken,
)

if TYPE_CHECKING:
    from pointline.format.tasks import Task
    from pointline.model.backbone import Backbone, Dtype
    from pointline.model.embedded import Progress

__all__ = ["PREFIX", "VLLMBackend"]

#: What the name of a model that vLLM is to run begins with.
PREFIX = "vllm:"

_TOP = 20  # the likeliest tokens that are told of each step: no more, unless the engine is asked
_SLACK = 64  # tokens beyond the limit, within which the grammar may end
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # what vLLM makes room for
_BLOCKS, _BLOCK = 16, 4096  # what is read of a file of weights to tell it from another


class VLLMBackend:
    """A model in a vLLM engine of this process, as a `backend.Backend`.

    `name` and `adapter` are as in `backbone.load`. The adapter is not merged: vLLM adds it at each
    step. `engine` are further arguments of `vllm.LLM` ("tensor_parallel_size",
    "gpu_memory_utilization", "max_model_len", ...).

    Prompts are encoded as for `hf.HFBackend`, the limit takes effect as there, and a `Halt` cuts a
    completion where it would have cut it there, though only after it was generated. Of the
    probabilities, `Token.close` sums the twenty likeliest tokens alone.

    Raises ModelError for a model that is missing or that vLLM refuses, MissingExtra without vLLM.
    """

    def __init__(
        self,
        name: str | Path = backbone.DEFAULT,
        *,
        adapter: str | Path | None = None,
        dtype: Dtype = "auto",
        engine: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> None:
        _require()
        folder, beside, tasks = backbone.folders(name, adapter, progress=progress)
        self.tasks: tuple[Task, ...] = tasks
        self.name = Path(name).name + ("" if beside is None else "+adapter")
        self._texts: Backbone = backbone.outline(folder)
        self._llm = _started(folder, beside, dtype, engine or {})
        kind = str(self._llm.model_config.dtype).removeprefix("torch.")
        self.weights = f"{kind} {_digest(folder, beside)}"
        self.window: int = self._llm.model_config.max_model_len
        self._lora = None if beside is None else _lora(beside)
        self._spelling = _Spelling(self._texts)
        self._numbers = count()
        self._ended: dict[str, Any] = {}  # by key, until the stream that asked takes it

    def count(self, text: str) -> int:
        """Return how many tokens `text` has as a prompt, special tokens included."""
        return len(self._texts.encode(text))

    def complete(
        self,
        prompts: Sequence[str],
        grammars: Sequence[str] | None = None,
        *,
        max_new_tokens: int = 512,
        halts: Sequence[Halt] | None = None,
    ) -> list[Completion]:
        """Return a completion for each prompt, in their order.

        Raises TextTooLong for a prompt that leaves no room in the window, InputError for a grammar
        that vLLM refuses, ModelError where the engine dies.
        """
        return gathered(self, prompts, grammars, halts, max_new_tokens)

    def stream(
        self, requests: Iterable[Request | None], *, batch_size: int, max_new_tokens: int = 512
    ) -> Iterator[tuple[int, Completion]]:
        """Yield each request's number and completion as it ends; others take its place.

        Several streams may be open: what ends while another one has the engine is kept for this
        one. Raises as `complete`.
        """
        rest = iter(requests)
        asked: dict[str, tuple[int, Request]] = {}
        numbers = count()
        try:
            while True:
                group, more = taken(rest, batch_size - len(asked))
                for request in group:
                    key = str(next(self._numbers))
                    self._ask(key, request, max_new_tokens)
                    asked[key] = next(numbers), request
                if not asked:
                    if not more:
                        return
                    continue
                for key in self._some(asked):
                    number, request = asked.pop(key)
                    output = self._ended.pop(key).outputs[0]
                    yield number, self._read(output, request, max_new_tokens)
        finally:
            self._leave(asked)

    def _some(self, asked: Collection[str]) -> list[str]:
        """Return which of these requests ended; where none has yet, after one more step."""
        if self._ended.keys().isdisjoint(asked):
            with _one_line("the engine of vLLM stopped", ModelError):
                found = self._llm.llm_engine.step()
            self._ended.update((one.request_id, one) for one in found if one.finished)
        return [key for key in asked if key in self._ended]

    def _leave(self, asked: Collection[str]) -> None:
        """Give up requests, whose caller went away or one of which was refused."""
        running = [key for key in asked if self._ended.pop(key, None) is None]
        if running:
            self._llm.llm_engine.abort_request(running)

    # ------------------------------------------------------------ one request

    def _ask(self, key: str, request: Request, limit: int) -> None:
        from vllm.inputs import tokens_input

        ids = self._texts.encode(request.prompt)
        check_room(self, len(ids), limit)
        parameters = self._parameters(request.grammar, limit, self.window - len(ids))
        with _one_line("vLLM refuses the grammar", InputError):
            self._llm.llm_engine.add_request(
                key, tokens_input(ids), parameters, lora_request=self._lora
            )

    def _parameters(self, grammar: str | None, limit: int, room: int) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

        free = grammar is None
        return SamplingParams(
            temperature=0.0,
            max_tokens=limit if free else min(limit + _SLACK, room),
            logprobs=_TOP,
            stop=["\n"] if free else None,
            stop_token_ids=list(self._texts.eos),
            detokenize=free,
            output_kind=RequestOutputKind.FINAL_ONLY,
            structured_outputs=None if free else StructuredOutputsParams(grammar=grammar),
        )

    def _read(self, output: Any, request: Request, limit: int) -> Completion:
        steps = [
            self._spelling.step(token, likely)
            for token, likely in zip(output.token_ids, output.logprobs, strict=True)
        ]
        if request.grammar is None:
            kept, cut = len(steps), output.finish_reason == "length"
        else:
            kept, cut = self._spelling.whole(steps, request.grammar, limit)
        if request.halt is not None:
            at = _halted(steps[:kept], request.halt)
            kept, cut = (kept, cut) if at is None else (at, True)
        text, spans = spell(step.piece for step in steps[:kept])
        if request.grammar is None:
            text = text.partition("\n")[0]
        tokens = tuple(
            Token(step.id, min(start, len(text)), min(end, len(text)), step.logprob, step.close)
            for step, (start, end) in zip(steps, spans, strict=False)
        )
        return Completion(text, tokens, cut)


@dataclass(frozen=True, slots=True)
class _Step:
    id: int
    piece: bytes
    logprob: float
    close: float


class _Spelling:
    """What tokens spell, and which of them end an item."""

    def __init__(self, texts: Backbone) -> None:
        from pointline.model.guide import guide, special_tokens

        self._guide = guide(texts.tokenizer)
        self._stops = frozenset(self._guide.eos_tokens) | frozenset(texts.eos)
        self._special = self._stops | special_tokens(texts.tokenizer)

    def piece(self, token: int) -> bytes:
        """Return the bytes of a token, none of one that is special to the tokenizer itself."""
        return b"" if token in self._special else self._guide.decode_bytes([token])

    def step(self, token: int, likely: Mapping[int, Any]) -> _Step:
        """Return a step, of whose likeliest tokens vLLM tells the log-probabilities."""
        closing = [one.logprob for id, one in likely.items() if self._closes(id)]
        top = max(closing, default=-math.inf)
        close = top
        if math.isfinite(top):
            close = top + math.log(sum(math.exp(value - top) for value in closing))
        return _Step(token, self.piece(token), min(likely[token].logprob, 0.0), min(close, 0.0))

    def _closes(self, token: int) -> bool:
        return token in self._stops or self.piece(token)[:1] in (b":", b"\n")

    def whole(self, steps: Sequence[_Step], grammar: str, limit: int) -> tuple[int, bool]:
        """Return how many steps are a string of the grammar, and whether it was cut there.

        It is cut at the first place where the grammar may end at or behind the limit; if there is
        none, at the last one before.
        """
        from llguidance import LLMatcher

        matcher = LLMatcher(self._guide, grammar, log_level=0)
        last = 0
        for at, step in enumerate(steps):
            if step.id in self._stops:
                return at + 1, False
            if not matcher.consume_token(step.id):
                raise ModelError(
                    f"vLLM did not keep to the grammar, at {step.piece!r}: name the backend"
                    " 'guidance' in its structured outputs"
                )
            if matcher.is_accepting():
                last = at + 1
                if last >= limit:
                    return last, not matcher.is_stopped()
        return last, not matcher.is_stopped()


def _halted(steps: Sequence[_Step], halt: Halt) -> int | None:
    """Return the step before which a completion is halted, None where it is not."""
    line = b""
    for at, step in enumerate(steps):
        if step.piece.startswith(b":") and halt(line.decode(errors="replace")):
            return at
        line += step.piece
    return None


# ---------------------------------------------------------------- the engine


def _require() -> None:
    try:
        import vllm  # noqa: F401
    except ImportError:
        raise MissingExtra("vllm", extra="vllm", note="into an environment of its own") from None


def _started(folder: Path, adapter: Path | None, dtype: Dtype, engine: Mapping[str, Any]) -> Any:
    from vllm import LLM

    asked: dict[str, Any] = {
        "dtype": dtype,
        "structured_outputs_config": {"backend": "guidance"},
        **engine,
    }
    if adapter is not None:
        asked = {"enable_lora": True, "max_lora_rank": _room(adapter), **asked}
    with _one_line(f"vLLM cannot load {str(folder)!r}", ModelError):
        return LLM(str(folder), **asked)


def _lora(adapter: Path) -> Any:
    from vllm.lora.request import LoRARequest

    return LoRARequest(lora_name="adapter", lora_int_id=1, lora_path=str(adapter))


def _room(adapter: Path) -> int:
    """Return the smallest rank that vLLM makes room for and the adapter fits into."""
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    rank = max([int(config.get("r") or 0), *dict(config.get("rank_pattern") or {}).values()])
    for room in _RANKS:
        if rank <= room:
            return room
    raise ModelError(f"{adapter} has rank {rank}, vLLM takes up to {_RANKS[-1]}: merge it instead")


def _digest(*folders: Path | None) -> str:
    """Return a digest of a sample of the weights in these folders."""
    seen = hashlib.sha256()
    for folder in filter(None, folders):
        for path in sorted(folder.glob("*.safetensors")):
            size = path.stat().st_size
            with path.open("rb") as file:
                for at in range(0, size, max(1, size // _BLOCKS)):
                    file.seek(at)
                    seen.update(file.read(_BLOCK))
    return seen.hexdigest()[:16]


@contextmanager
def _one_line(what: str, kind: type[PointlineError]) -> Iterator[None]:
    """Turn what vLLM says into one line."""
    from vllm.exceptions import VLLMError

    try:
        yield
    except (VLLMError, ValueError, RuntimeError, OSError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise kind(f"{what}: {reason}") from None

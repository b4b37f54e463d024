"""The protocol of models that say how likely a word is at the open place of a prompt."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from pointline.errors import InputError, MissingExtra, ModelError
from pointline.model import backbone
from pointline.model.backbone import DEFAULT, Dtype, Kind
from pointline.model.embedded import Progress
from pointline.model.window import split
from pointline.study.verbalizer.refine import Scores
from pointline.study.verbalizer.spelling import How, Spelled, Tokens, continuation, spelled
from pointline.study.verbalizer.template import Template

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Frame", "Prompt", "Scorer", "like", "load", "score_prompts"]


class Prompt(NamedTuple):
    """A text in its template as tokens: `blank` is the open place; `cut`: the text was cut."""

    ids: Tokens
    blank: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """How a model is given a prompt: its tokenizer, and the tokens around and at the open place.

    `fill` stands at the open place: nothing for a causal model, a sentinel, or a mask. `beside`:
    the further tokens of a word stand in the prompt's window, not in a decoder of its own.
    """

    tokenizer: Any
    start: Tokens
    fill: Tokens
    end: Tokens
    window: int
    beside: bool = True

    def encode(self, text: str) -> Tokens:
        """Return a text's tokens; a special token that the text spells out is plain text."""
        return tuple(
            self.tokenizer(
                text, add_special_tokens=False, split_special_tokens=True, verbose=False
            ).input_ids
        )

    def prompt(
        self, text: str, template: Template, *, limit: int | None = None, longest: int = 1
    ) -> Prompt:
        """Return the prompt of a text; one that is longer than the limit loses the text's end.

        `longest` is how many tokens the longest word has: they have to fit behind the prompt.

        Raises InputError for a causal model's template that goes on after the open place, and
        where the limit, or the window beside such a word, has no room for any text.
        """
        if not self.fill and template.tail.strip():
            raise InputError(
                f"a causal model reads no further than {{mask}}: {template.pattern!r} goes on"
            )
        room = self.window - (longest - 1 if self.beside else 0)
        if room <= (bare := len(self._whole("", template).ids)):
            raise InputError(
                f"a window of {self.window} tokens has no room for text: {bare} go to the prompt"
                f" and {longest} to the longest label word: give --longest"
            )
        most = min(limit or room, room)
        whole = self._whole(text, template)
        if len(whole.ids) <= most:
            return whole
        windows = split(
            text, limit=most, overlap=1, count=lambda part: len(self._whole(part, template).ids)
        )
        return self._whole(text[: windows[0][1]], template)._replace(cut=True)

    def _whole(self, text: str, template: Template) -> Prompt:
        before, after = template.around(text)
        begun = self.start + self.encode(before.rstrip(" "))
        behind = self.encode(after) if self.fill else ()
        return Prompt(begun + self.fill + behind + self.end, len(begun))

    def spell(
        self,
        words: Sequence[str],
        template: Template,
        *,
        how: How = "joint",
        longest: int | None = None,
        always: Collection[str] = (),
    ) -> Spelled:
        """Return words as the tokens that follow a prompt in this template; see `spelled`."""
        blank = template.blank
        return spelled(
            words,
            lambda word: continuation(self.encode, template.lead, blank + word),
            unknown=self.tokenizer.unk_token_id,
            how=how,
            longest=longest,
            always=always,
        )


class Scorer(Protocol):
    """A model behind a frame. `kind` is what it was made for, `model` the torch module."""

    name: str
    kind: Kind
    model: Any
    frame: Frame

    def log_probabilities(self, prompts: Sequence[Prompt], words: Spelled) -> Tensor:
        """Return log p of each word at the open place of each prompt: (prompts, words), float32.

        Gradients flow where torch records them.
        """


def load(
    name: str = DEFAULT,
    *,
    kind: Kind | Literal["auto"] = "auto",
    adapter: str | None = None,
    dtype: Dtype = "float32",
    device: str | None = None,
    progress: Progress | None = None,
) -> Scorer:
    """Return a scorer: of a causal model, an encoder-decoder with sentinels, or a masked model.

    Raises ModelError for a model that is missing, or lacks what its kind needs (a sentinel
    <extra_id_0>, a mask token); InputError for an adapter of a model that is not causal;
    MissingExtra where a library is missing.
    """
    from pointline.study.verbalizer import autoregressive, masked

    chosen = backbone.kind_of(name, progress=progress) if kind == "auto" else kind
    if chosen == "causal":
        loaded = backbone.load(name, adapter=adapter, dtype=dtype, device=device, progress=progress)
        return autoregressive.Causal(loaded)
    if adapter is not None:
        raise InputError(f"--adapter goes with a causal model, and {name!r} is {chosen}")
    model, tokenizer = backbone.load_parts(
        name, chosen, dtype=dtype, device=device, progress=progress
    )
    made = autoregressive.Sentinel if chosen == "seq2seq" else masked.Masked
    return made(name, model, tokenizer)


def score_prompts(
    scorer: Scorer,
    prompts: Sequence[Prompt],
    words: Spelled,
    *,
    max_tokens: int = 2048,
    told: Callable[[int], None] | None = None,
) -> Scores:
    """Return the scores of words after prompts; `told` hears how many prompts are done.

    Prompts of like length share a batch of at most `max_tokens`.

    Raises ModelError where the scores are no numbers, MissingExtra without torch.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtra("torch", extra="hf") from None
    import numpy as np

    values = np.empty((len(prompts), len(words.words)))
    done = 0
    with torch.inference_mode():
        for batch in like([len(prompt.ids) for prompt in prompts], max_tokens):
            found = scorer.log_probabilities([prompts[at] for at in batch], words)
            values[batch] = found.double().cpu().numpy()
            done += len(batch)
            if told:
                told(done)
    if np.isnan(values).any():
        raise ModelError(f"the scores of {scorer.name!r} are no numbers: try dtype='float32'")
    return Scores(words.words, values)


def like(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Yield numbers of like lengths in batches: the longest times how many is at most `max_tokens`.

    >>> list(like([3, 9, 4], 8))
    [[0, 2], [1]]
    """
    batch: list[int] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[at] > max_tokens:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch

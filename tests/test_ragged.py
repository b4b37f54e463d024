"""Texts in one step with drafts: the choices of generate(), whatever was drafted or known before."""

import random

import numpy as np
import pytest
import reference
import torch
from tiny import tiny_model, tiny_records

from pointline.format.tasks import task
from pointline.model import backbone
from pointline.model.decode import Decoder, guide
from pointline.model.drafts import Drafter
from pointline.model.gemma import body
from pointline.model.grammar import build
from pointline.model.prompt import Level, input_text
from pointline.model.ragged import Prefixes

LIMIT = 90


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A tiny model whose choices are far apart."""
    loaded = backbone.load(tiny_model(tmp_path_factory.mktemp("m") / "m", seed=5))
    with torch.no_grad():
        for parameter in loaded.model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(12)
    return loaded


@pytest.fixture(scope="module")
def asked(base):
    """Two hundred and more prompts with their grammars: three languages, two levels."""
    rows = []
    for level, most in ((Level.BOTH, 2), (Level.WORD, 1)):
        for record in tiny_records(108):
            of = task(record.task)
            prompt = base.encode(input_text(record.text, of, level))
            rows.append((prompt, build(of, record.text, form=level, max_items=most, align="words")))
    return rows


@pytest.fixture(scope="module")
def plain(base, asked):
    """What generate() writes under the grammars."""
    found = []
    for at in range(0, len(asked), 36):
        prompts, grammars = zip(*asked[at : at + 36], strict=True)
        found += reference.generate(
            base, prompts, guide(base.tokenizer), list(grammars), max_new_tokens=LIMIT
        )
    return found


def written(base, decoder, asked, rows):
    coming = [(prompt, grammar, None) for prompt, grammar in asked]
    found = sorted(decoder.stream(coming, rows=rows, max_new_tokens=LIMIT), key=lambda n: n[0])
    return [[t for t in one.ids if t not in base.eos][:LIMIT] for _, one in found]


@pytest.mark.parametrize(("rows", "texts"), [(1, 50), (6, 216)])
def test_the_tokens_of_hundreds_of_texts_are_those_of_generate(base, asked, plain, rows, texts):
    decoder = Decoder(base.model, base.tokenizer, eos=base.eos)
    assert written(base, decoder, asked[-texts:], rows) == plain[-texts:]
    cost = decoder.cost
    assert cost.drafted > cost.kept > 30
    assert cost.passes < sum(map(len, plain[-texts:])) / (1 if rows == 1 else 4)
    assert set(cost.seconds) == {"body", "drafts", "grammar", "outputs"}


class Oracle(Drafter):
    """Drafts what is right for a random while, then what is allowed and random."""

    drawn = random.Random(0)
    lines = None

    def draft(self, source, matcher, line, room):
        right = self.lines[source.prompt]
        begun = sum(len(self._spell(right[:at])) < len(line) for at in range(len(right)))
        made = []
        while len(made) < room and not matcher.is_stopped():
            at = begun + len(made)
            token = right[at] if at < len(right) else 0
            if self.drawn.random() < 0.2 or not matcher.validate_tokens([token]):
                bits = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
                allowed = np.flatnonzero(np.unpackbits(bits, count=512, bitorder="little"))
                token = int(self.drawn.choice(list(allowed)))
            if token < 4:  # special: a draft does not end a text
                break
            matcher.consume_token(token)
            made.append(token)
        matcher.rollback(len(made))
        return made


@pytest.mark.parametrize("seed", range(3))
def test_no_draft_changes_a_choice(base, asked, plain, monkeypatch, seed):
    from pointline.model import decode, ragged

    class Told(ragged.Source):
        def __init__(self, prompt):
            super().__init__(prompt)
            self.prompt = prompt

    decoder = Decoder(base.model, base.tokenizer, eos=base.eos)
    lines = {decoder.spell(p): row for (p, _), row in zip(asked, plain, strict=True)}
    monkeypatch.setattr(Oracle, "lines", lines)
    monkeypatch.setattr(Oracle, "drawn", random.Random(seed))
    monkeypatch.setattr(decode, "Drafter", Oracle)
    monkeypatch.setattr(ragged, "Source", Told)
    some = slice(seed * 15, seed * 15 + 15)
    assert written(base, decoder, asked[some], 2) == plain[some]
    assert decoder.cost.drafted > decoder.cost.kept > 20


def test_probabilities_are_those_without_drafts(base, asked):
    ours = Decoder(base.model, base.tokenizer, eos=base.eos)
    theirs = Decoder(base.model, base.tokenizer, eos=base.eos, weights=None)
    for prompt, grammar in asked[::24]:
        (one,) = ours.generate([prompt], [grammar])
        (two,) = theirs.generate([prompt], [grammar])
        assert one.ids == two.ids
        for left, right in zip(one.tokens, two.tokens, strict=True):
            assert left.logprob == pytest.approx(right.logprob, abs=1e-3)
            assert left.close == pytest.approx(right.close, abs=1e-2)


def test_half_the_bits_choose_alike_where_choices_are_far_apart(base, asked, plain):
    decoder = Decoder(base.model, base.tokenizer, eos=base.eos, weights="float16")
    same = [a == b for a, b in zip(written(base, decoder, asked[:40], 4), plain, strict=False)]
    assert sum(same) > 30


def test_what_was_read_before_is_not_read_again(base, asked):
    made = body(base.model)
    prefixes = Prefixes(made)
    prompt = list(range(5, 65))
    with torch.inference_mode():
        first = prefixes.take(prompt)
        whole = made.feed([first], [prompt])
        prefixes.keep(first)
        again = prefixes.take([*prompt[:40], 7, 8, 9])
        assert again.tokens == prompt[:40]
        assert prefixes.take(prompt).tokens == prompt[:-1]
        assert prefixes.take(prompt[:10]).tokens == []
        rest = made.feed([again], [prompt[40:]])
    assert torch.allclose(rest, whole[40:], atol=1e-4)
    decoder = Decoder(base.model, base.tokenizer, eos=base.eos, remember=True)
    once = decoder.generate([asked[0][0]], [asked[0][1]])
    fed = decoder.cost.fed
    assert decoder.generate([asked[0][0]], [asked[0][1]])[0].ids == once[0].ids
    assert decoder.cost.fed - fed < fed - len(asked[0][0]) + 16


def test_old_texts_are_let_go_of(base):
    prefixes = Prefixes(body(base.model))
    with torch.inference_mode():
        for at in range(12):
            memory = prefixes.take([at])
            prefixes.body.feed([memory], [[at + 4] * 500])
            prefixes.keep(memory)
    assert sum(len(kept.tokens) for kept in prefixes._kept) <= 4096
    assert prefixes.take([15] * 100).tokens == [15] * 99
    assert prefixes.take([4] * 100).tokens == []

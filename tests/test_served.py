"""What a server tells of tokens, brought to the characters that they spell."""

import math
from itertools import pairwise

import pytest
from completion_server import VLLMServer
from hypothesis import given
from hypothesis import strategies as st
from tiny import tiny_model

from pointline.model.backend import Token
from pointline.model.chat.dialect import NEVER, TOP
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address, Answer
from pointline.model.served import ServedBackend, _close, _spans, _tokens

PART = "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("names", "text", "spans"),
    [
        ([], "", []),
        (["Na", "ture", "/"], "Nature/", [(0, 2), (2, 6), (6, 7)]),
        (["紫式", "部は"], "紫式部は", [(0, 2), (2, 4)]),
        (["cafe", "\u0301"], "cafe\u0301", [(0, 4), (4, 5)]),
        (["a", PART, PART, "b"], "a🌳b", [(0, 1), (1, 2), (1, 2), (2, 3)]),
        (["a", PART, PART], "aé", [(0, 1), (1, 2), (1, 2)]),
        ([f"x{PART}", f"{PART}y", "z"], "xéyz", [(0, 3), (0, 3), (3, 4)]),
        ([PART, PART, "🌳"], "🌳🌳", [(0, 1), (0, 1), (1, 2)]),
        (["a", PART, "b"], f"a{PART}b", [(0, 1), (1, 2), (2, 3)]),
        (["a", "", "b"], "ab", [(0, 1), (1, 1), (1, 2)]),
        (["a"], "b", None),
        (["a"], "ab", None),
        (["a", "b"], "a", None),
        ([PART, "c"], "éb", None),
    ],
)
def test_tokens_have_the_characters_that_they_spell(names, text, spans):
    assert _spans(names, text) == spans


@given(st.text(st.sampled_from("aé紫🌳:ｱ\u0301"), max_size=8), st.sets(st.integers(1, 30)))
def test_tokens_that_part_characters_cover_the_text(text, cuts):
    raw = text.encode()
    edges = [0, *sorted(cut for cut in cuts if cut < len(raw)), len(raw)]
    names = [raw[a:b].decode(errors="replace") for a, b in pairwise(edges)]
    spans = _spans(names, text)
    if not any(PART in name for name in names):
        assert spans is not None
    for name, (start, end) in zip(names, spans or (), strict=bool(spans)):
        assert PART in name or text[start:end] == name
    if spans:
        starts, ends = zip(*spans, strict=True)
        assert list(starts) == sorted(starts) and list(ends) == sorted(ends)
        assert {at for span in spans for at in range(*span)} == set(range(len(text)))


def logs(**shares):
    return {name: math.log(share) for name, share in shares.items()}


LIKELY = {":": math.log(0.5), "\n": math.log(0.2), "a": math.log(0.25)}


@pytest.mark.parametrize(
    ("likely", "name", "stop", "share"),
    [
        (LIKELY, "a", None, 0.7),
        ({**LIKELY, ":x": math.log(0.01)}, "a", None, 0.71),  # an item is closed by what begins so
        (LIKELY, ":", None, 0.75),  # what is missing to 1 is spelled like the chosen one
        (logs(a=0.6, end=0.3), "a", "end", 0.3),
        (logs(a=0.6, end=0.3), "end", "end", 0.4),
        (logs(a=0.9), "a", None, 0.0),
        (logs(a=0.9), "b", None, 0.0),
        ({":": 0.001}, ":", None, 1.0),  # rounded up by the server
    ],
)
def test_how_likely_an_item_is_closed(likely, name, stop, share):
    found = _close(likely, name, likely.get(name, math.log(0.05)), stop)
    assert found <= 0.0
    assert math.exp(found) == pytest.approx(share, abs=1e-9)


def test_what_is_lost_closes_where_all_that_is_allowed_was_told():
    many = {f"t{at}": math.log(0.01) for at in range(TOP - 1)}
    told = {**many, ":": math.log(0.5)}
    assert math.exp(_close(told, ":", told[":"], None)) == pytest.approx(0.5)
    all_told = {**told, "t0": NEVER}  # the twentieth cannot be: there are no more
    assert math.exp(_close(all_told, ":", told[":"], None)) == pytest.approx(1 - 18 * 0.01)


def answer(*names, finish="stop", likely=True, text="Nature/"):
    tokens = tuple((name, -0.1) for name in names)
    return Answer(
        text, finish, tokens=tokens, likely=tuple({name: -0.1} for name in names) if likely else ()
    )


def spans_of(tokens):
    return [(token.start, token.end) for token in tokens]


def test_the_tokens_of_a_text():
    found = _tokens(answer("Nat", "ure", "/"), "Nature/")
    assert found[0] == Token(0, 0, 3, -0.1, -math.inf)
    assert spans_of(found) == [(0, 3), (3, 6), (6, 7)]
    assert _tokens(Answer("", "stop"), "") == ()
    over = Answer("a", tokens=(("a", 0.01),), likely=({},))
    assert _tokens(over, "a")[0].logprob == 0.0


def test_the_token_that_ends_an_answer_has_no_characters_and_closes():
    *_, last = _tokens(answer("Nature", "/", "<eos>"), "Nature/")
    assert (last.start, last.end, last.close) == (7, 7, pytest.approx(0.0))
    assert _tokens(answer("Nature", "/", "<eos>", finish="length"), "Nature/") == ()


def test_a_text_that_is_cut_has_the_tokens_of_its_part():
    assert spans_of(_tokens(answer("Nat", "ure", "/", "<eos>"), "Natu")) == [(0, 3), (3, 4)]
    assert _tokens(answer("Nat", "ure", "/", "<eos>"), "") == ()


@pytest.mark.parametrize("names", [("Nat",), ("Nat", "ure/ and"), ("x", "Nature/")])
def test_tokens_that_do_not_spell_the_text_are_none(names):
    assert _tokens(answer(*names), "Nature/") == ()


def test_tokens_without_likeliest_ones_are_none():
    assert _tokens(answer("Nature", "/", likely=False), "Nature/") == ()
    short = Answer("ab", tokens=(("a", -0.1), ("b", -0.1)), likely=({"a": -0.1},))
    assert _tokens(short, "ab") == ()


class Reticent(VLLMServer):
    """A server that tells the tokens, and not which others were likely."""

    def _logprobs(self, output):
        return {**super()._logprobs(output), "top_logprobs": None}


def test_a_server_that_tells_no_likeliest_tokens_gives_a_text_without_scores(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    quick = Limits(first_wait=0.01, longest_wait=0.02, attempts=2, timeout=20.0)
    with Reticent(tiny_model(tmp_path / "m", seed=3, spread=0.25)) as server:
        backend = ServedBackend(Address("tiny", server.url), limits=quick)
        (made,) = backend.complete(["Ada./NER\n"], ['start: "Ada" /[a-z]{2,3}/'], max_new_tokens=8)
    assert made.text.startswith("Ada") and made.tokens == ()

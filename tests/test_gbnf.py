"""The grammar as GBNF: the same strings as the Lark text, for small alphabets all of them."""

import itertools
import random

import llguidance
import pytest
from gbnf_reader import Gbnf
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import texts
from tiny import tiny_records

from pointline.errors import InputError
from pointline.format.tasks import TASKS, adhoc, task
from pointline.model.form import TEMPLATES, Form, Level, Order
from pointline.model.gbnf import from_lark
from pointline.model.grammar import build
from pointline.model.prompt import target

BYTES = llguidance.LLTokenizer("byte")
OPEN = [adhoc(), adhoc(shape="facts"), adhoc(labels=["weather/find", " a:b"], entities=["x;y"])]
FORMS = st.builds(
    Form,
    st.sampled_from(Level),
    st.sampled_from(Order),
    template=st.sampled_from([*TEMPLATES.values()]),
)


def in_lark(matcher, line):
    raw = list(line.encode())
    matcher.reset()
    return matcher.try_consume_tokens(raw) == len(raw) and matcher.is_accepting()


def matcher_of(lark):
    matcher = llguidance.LLMatcher(BYTES, lark, log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    return matcher


def walk(lark, seed, most=80):
    """A random string of the Lark grammar, bytes that are no UTF-8 left out."""
    matcher, rng, made = llguidance.LLMatcher(BYTES, lark, log_level=0), random.Random(seed), []
    while not matcher.is_stopped() and not (len(made) >= most and matcher.is_accepting()):
        bits = matcher.compute_bitmask()
        allowed = [
            8 * at + bit for at, byte in enumerate(bits) for bit in range(8) if byte >> bit & 1
        ]
        if matcher.is_accepting() and rng.random() < 0.1:
            break
        token = rng.choice([one for one in allowed if one < 256] or allowed)
        if token > 255:
            break
        made.append(token)
        assert matcher.consume_token(token)
    return bytes(made).decode()


@pytest.mark.parametrize("align", ["chars", "words"])
def test_of_small_texts_both_have_the_same_entities_of_all_strings(align):
    asked = adhoc(labels=["l"], entities=["e"])
    rng = random.Random(5)
    alphabet = ["a", "b", " ", "\n", ":", "ñ"]
    units = ["a", "b", " ", "\\n", "\\:", "ñ", "\\"]
    runs = ["".join(run) for size in range(4) for run in itertools.product(units, repeat=size)]
    accepted = 0
    for length in (1, 2, 3, 5, 7):
        text = "".join(rng.choice(alphabet) for _ in range(length))
        lark = build(asked, text, align=align)
        gbnf, matcher = Gbnf(from_lark(lark)), matcher_of(lark)
        for line in (f"l/NER/:e;{run}" for run in runs):
            known = in_lark(matcher, line)
            assert gbnf.accepts(line) is known, (text, line)
            accepted += known
    assert accepted > 10


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([*TASKS.values(), *OPEN]), texts, FORMS, st.integers(0, 9), st.data())
def test_what_one_has_the_other_has(asked, text, form, seed, data):
    lark = build(
        asked, text, form=form, max_items=4, align=data.draw(st.sampled_from(["chars", "words"]))
    )
    gbnf, matcher, line = Gbnf(from_lark(lark)), matcher_of(lark), walk(lark, seed)
    assert gbnf.accepts(line)
    if line:
        at = data.draw(st.integers(0, len(line) - 1))
        for put in ("", "x", ":", ";", "\\", " ", "\n", line[at] * 2):
            changed = line[:at] + put + line[at + 1 :]
            assert gbnf.accepts(changed) is in_lark(matcher, changed), changed
        assert gbnf.accepts(line[:at]) is in_lark(matcher, line[:at])


def test_gold_is_in_the_grammar():
    for record in tiny_records(24):
        asked = task(record.task)
        gbnf = Gbnf(from_lark(build(asked, record.text)))
        assert gbnf.accepts(target(record, asked))
        assert not gbnf.accepts(target(record, asked) + "x" * 60)


def test_the_rules_of_a_long_text_are_at_most_two_a_piece():
    text = "The quick brown fox jumps over the lazy dog. " * 60
    lines = from_lark(build(task("scnm-en"), text)).splitlines()
    assert len(lines) < 2 * len(text)


def test_other_lark_text_is_refused():
    for lark in ("start", "start: /[a-z]+/", "start: ~x"):
        with pytest.raises(InputError, match=r"no rule of grammar\.build"):
            from_lark(lark)

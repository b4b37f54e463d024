"""Drafts: what they guess, and that they leave the matcher as it was."""

import pytest
from llguidance import LLMatcher
from tiny import tiny_records, tiny_tokenizer
from transformers import PreTrainedTokenizerFast

from pointline.format.tasks import task
from pointline.model.drafts import Drafter, Source
from pointline.model.grammar import build
from pointline.model.guide import guide
from pointline.model.prompt import input_text, target

TEXT = "Ada met Jonas Vik in Turin."
ASKED = Source(f"{TEXT}/NER\n")


def first(line, source=ASKED):
    return next(iter(source.guesses(line)), None)


def test_what_comes_behind_the_label():
    assert first("") is None
    assert first("Society/NER").rest == "/:"
    assert first("Society/NER/").rest == ":"


def test_an_item_has_the_label_of_the_one_before():
    assert first("Society/NER/:people;Ada:").rest == "people;"
    assert first("Society/NER/:people;Ada:pe")[:2] == ("pe", "ople;")
    assert first("S/RE/:Ada;met;Jonas Vik:Ada;").rest == "met;"


def test_an_entity_goes_on_as_the_text_does():
    assert first("Society/NER/:people;Jonas")[:2] == ("Jonas", " Vik:")
    assert first("Society/NER/:people;J").rest == "onas Vik:"
    assert first("Society/NER/:people;Ada:people;").rest == "Jonas Vik:"
    assert first("Society/NER/:people;nobody") is None


@pytest.mark.parametrize("line", ["a:", "a::", ":;;;", "a/b:c;d;e;f:", ":\\:;\\;", "a:Ada;Ada;"])
def test_any_line_can_be_asked_about(line):
    for guess in ASKED.guesses(line):
        assert 0 < guess.chance <= 1


def test_the_text_is_what_the_prompt_asks_about():
    shown = Source(f"Bo left Rome./NER\nSociety/NER/:people;Bo\n\n/a;b\n:people\n{TEXT}/NER\n")
    assert first("S/NER/:people;R", shown) is None
    assert first("S/NER/:people;J", shown).rest == "onas Vik:"
    for empty in ("", "/", "\n", "/a\n:b\n/NER\n"):
        assert list(Source(empty).guesses("S/NER/:people;")) == []


@pytest.fixture(scope="module")
def drafter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    tiny_tokenizer(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    seen = guide(tokenizer)

    def encode(text):
        return tokenizer(text, add_special_tokens=False).input_ids

    def spell(tokens):
        return seen.decode_bytes(list(tokens)).decode(errors="ignore")

    return Drafter(encode, lambda matcher: matcher.compute_ff_tokens(), spell), seen, encode


def test_a_draft_is_allowed_and_leaves_no_trace(drafter):
    draft, seen, encode = drafter
    kept = 0
    for record in tiny_records(24):
        of = task(record.task)
        source, line = Source(input_text(record.text, of)), target(record, of)
        matcher, written = LLMatcher(seen, build(of, record.text)), ""
        for token in [*encode(line), None]:
            before = matcher.compute_bitmask()
            made = draft.draft(source, matcher, written, 9)
            assert len(made) <= 9
            assert matcher.compute_bitmask() == before
            assert matcher.validate_tokens(made) == len(made)
            if token is not None:
                kept += made[:1] == [token]
                assert matcher.consume_token(token)
                written += seen.decode_bytes([token]).decode(errors="ignore")
    assert kept > 100

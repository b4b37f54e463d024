"""Near-duplicates: MinHash finds what an exact search finds."""

import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented_words import han, kana, latin
from leakage import joined

from pointline.corpus.near import GRAM, THRESHOLD, Near, grams, neighbours, similarity
from pointline.corpus.twins import key
from pointline.errors import MissingExtra

KEYS = st.text(st.sampled_from("abあ漢é😀"), min_size=1, max_size=12)


@given(KEYS)
def test_the_runs_of_a_text_are_all_of_its_runs(text):
    found = grams(text)
    assert found == {text[at : at + GRAM] for at in range(len(text)) if at + GRAM <= len(text)} or (
        len(text) < GRAM and found == {text}
    )
    assert similarity(found, found) == 1


@given(KEYS, KEYS)
def test_similarity_is_shared_of_all_both_ways(one, other):
    a, b = grams(one), grams(other)
    assert similarity(a, b) == similarity(b, a) == len(a & b) / len(a | b)


def edited(text, chance):
    """The text with one character more, less or another."""
    at = chance.randrange(len(text))
    return text[:at] + chance.choice(["", "字", text[at] + "あ"]) + text[at + 1 :]


@pytest.mark.parametrize(
    "make", [lambda n: key(" ".join(latin(n, 6))), lambda n: kana(n, 30), lambda n: han(n, 30)]
)
def test_every_pair_that_an_exact_search_finds_is_found(make):
    chance = random.Random(1)
    whole = [make(n) for n in range(150)]
    nearly = [edited(edited(text, chance), chance) for text in whole]
    keys = list(dict.fromkeys([*whole, *nearly]))
    exact = {tuple(sorted((one, other))) for one, other in joined(keys, keys) if one != other}
    found = {tuple(sorted((keys[pair.first], keys[pair.second]))) for pair in neighbours(keys)}
    assert found == exact
    assert len(found) > 50
    assert all(pair.similarity >= THRESHOLD for pair in neighbours(keys))


def test_pairs_come_in_order_and_twins_are_near():
    keys = ["花の港の朝市", "別の話", "花の港の朝市", "花の港の朝市場", "別の話"]
    found = neighbours(keys)
    assert [(pair.first, pair.second) for pair in found] == [(0, 2), (0, 3), (1, 4), (2, 3)]
    assert found[0] == Near(0, 2, 1.0)
    assert neighbours([]) == neighbours(["一人"]) == []


def test_without_datasketch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasketch", None)
    with pytest.raises(MissingExtra, match=r'pip install "pointline\[corpora\]"'):
        neighbours(["a", "b"])

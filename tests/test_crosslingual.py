import numpy as np
import pytest

from pointline.draft.crosslingual import Encoded, meet
from pointline.draft.repair import Located, Step
from pointline.format.text import chunks

#: Words that mean the same share a direction.
MEANING = {"Nora": 0, "ノラ": 0, "Vinter": 1, "opened": 2, "開いた": 2, "bakery": 3, "パン屋": 3,
           "harbour": 4, "港": 4, "small": 5, "小さな": 5, "は": 6, "を": 7, "a": 8}  # fmt: skip


def encoder(text):
    places, vectors, at = [], [], 0
    known = sorted(MEANING, key=len, reverse=True)
    while at < len(text):
        word = next((w for w in known if text.startswith(w, at)), chunks(text[at:], words=True)[0])
        if not word.isspace():
            places.append((at, at + len(word)))
            vectors.append(np.eye(16)[MEANING.get(word, 15)] + 0.01)
        at += len(word)
    return Encoded(places, np.array(vectors).reshape(-1, 16))


SOURCE = "Nora opened a small bakery"
TEXT = "🍞ノラは小さなパン屋を開いた"


def spans(*words):
    return [(SOURCE.index(word), SOURCE.index(word) + len(word)) for word in words]


def test_mentions_are_found_where_the_meaning_is():
    found = meet(SOURCE, spans("Nora", "small bakery"), TEXT, encoder)
    assert [(one.entity, one.start, one.end) for one in found] == [
        ("ノラ", 1, 3),
        ("小さなパン屋", 4, 10),
    ]
    assert {one.step for one in found} == {Step.CROSSLINGUAL}
    assert all(TEXT[one.start : one.end] == one.entity and 0.9 < one.score <= 1 for one in found)


def test_what_meets_nothing_near_enough_is_not_found():
    assert meet("Vinter", [(0, 6)], TEXT, encoder, threshold=0.9) == (None,)
    assert meet(SOURCE, spans("Nora"), TEXT, encoder, threshold=1.1) == (None,)


def test_what_is_torn_apart_is_not_found():
    text = "ノラ、港、港、港、港、パン屋"
    assert meet("Nora bakery", [(0, 11)], text, encoder) == (None,)


def test_no_two_mentions_overlap():
    found = meet(SOURCE, [*spans("bakery", "small bakery")], TEXT, encoder)
    assert sum(one is not None for one in found) == 1


@pytest.mark.parametrize(("source", "text"), [("", TEXT), (SOURCE, ""), (" ", " ")])
def test_texts_without_tokens(source, text):
    assert meet(source, [(0, 0)], text, encoder) == (None,)
    assert meet(source, [], text, encoder) == ()


def test_the_edges_of_words_hold():
    def within(text):  # a tokeniser that cuts words
        return Encoded([(0, 2), (2, 4)], np.eye(4)[:2])

    assert meet("Nora", [(0, 2)], "Nova", within) == (None,)
    assert meet("Nora", [(0, 4)], "Nova", within) == (
        Located("Nova", 0, 4, Step.CROSSLINGUAL, 1.0),
    )

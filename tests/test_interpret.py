"""From completion to prediction: cuts, repeats, places, and confidences worked out by hand."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import texts

from pointline.format.record import Record
from pointline.format.tasks import task
from pointline.model.backend import Completion, Token
from pointline.model.interpret import REPAIRS, finish, interpret

_SCNM = task("scnm-en")
_TEXT = Record("7", "scnm-en", "Ada met Bo, and Ada left for 10:30.", meta={"from": "us"})


def spelled(*parts, cut=False):
    """A completion of (piece, probability) or (piece, probability, probability of closing)."""
    tokens, at = [], 0
    for piece, probability, *close in parts:
        closing = close[0] if close else (1.0 if piece[:1] in (":", "") else 0.0)
        logs = [math.log(p) if p else -math.inf for p in (probability, closing)]
        tokens.append(Token(len(tokens), at, at + len(piece), *logs))
        at += len(piece)
    return Completion("".join(part[0] for part in parts), tuple(tokens), cut)


def line(text, *, cut=False):
    """A completion of certain characters."""
    return spelled(*((char, 1.0, 1.0) for char in text), cut=cut)


def test_a_completion_becomes_a_prediction():
    found = interpret(line("Society/NER/:people;Ada:events;10\\:30"), _TEXT, _SCNM)
    assert (found.id, found.task, found.label, found.ok) == ("7", "scnm-en", "Society", True)
    assert found.meta == {"from": "us"}
    assert [(p.entity, p.start, p.end) for p in found.pairs] == [("Ada", 0, 3), ("10:30", 29, 34)]
    assert found.scores == {"label": 1.0, "items": [1.0, 1.0]}
    assert found.repairs == ()
    assert found.completion == "Society/NER/:people;Ada:events;10\\:30"


# ---------------------------------------------------------------- confidence


def test_confidence_by_hand():
    found = interpret(
        spelled(
            ("Soci", 0.5),
            ("ety", 0.8),
            ("/", 0.9),
            ("NER/", 1.0),
            (":", 0.6, 1.0),  # an item rather than the end, both of which close
            ("people", 0.5),
            (";", 1.0),
            ("A", 0.7),
            ("da", 0.9),
            (":people", 0.3, 0.6),  # closed with 0.6, of which half goes on with a person
            (";", 1.0),
            ("Bo", 0.5),
            ("", 0.4, 0.8),  # closed with 0.8, of which half stops
        ),
        _TEXT,
        _SCNM,
    )
    assert found.scores["label"] == pytest.approx(0.5 * 0.8 * 0.9)
    first = 0.6 * 0.5 * 0.7 * 0.9 * 0.6
    second = (0.3 / 0.6) * 0.5 * 0.8
    assert found.scores["items"] == pytest.approx([first, second])
    whole = 0.5 * 0.8 * 0.9 * 0.6 * 0.5 * 0.7 * 0.9 * 0.3 * 0.5 * 0.4
    stop = 0.4 / 0.8
    assert found.scores["label"] * first * second * stop == pytest.approx(whole)


def test_a_token_across_a_border_belongs_where_it_begins():
    found = interpret(
        spelled(("Society/NER/", 1.0), (":people;Ad", 0.5), ("a:people", 0.4, 0.0), (";Bo", 0.3)),
        _TEXT,
        _SCNM,
    )
    assert found.scores["items"] == pytest.approx([0.5 * 0.4, 0.3])


def test_an_item_that_was_rebuilt_has_the_confidence_of_the_whole():
    found = interpret(
        spelled(("Society/NER/", 0.5), (":people;Ada", 0.9), (":people:Bo", 0.8)), _TEXT, _SCNM
    )
    assert found.items == (("people", "Ada"), ("people", "Bo"))
    assert "separator-mended" in found.repairs
    assert found.scores["items"] == pytest.approx([0.9, 0.5 * 0.9 * 0.8])


def test_without_probabilities_there_are_no_scores():
    found = interpret(Completion("Society/NER/:people;Ada"), _TEXT, _SCNM)
    assert found.scores == {}
    assert found.pairs


def test_items_alone_have_no_score_for_a_label():
    assert interpret(line("/NER/:people;Ada"), _TEXT, _SCNM).scores == {"items": [1.0]}


# ---------------------------------------------------------------- repairs


@pytest.mark.parametrize(
    ("cut", "finished"),
    [
        ("Society/NER/:people;Ada:people;B", "Society/NER/:people;Ada"),
        ("Society/NER/:people;Ada:", "Society/NER/:people;Ada"),
        ("Society/NER/:people;Ada:events;10\\:3", "Society/NER/:people;Ada"),
        ("Society/NER/:events;10\\:30:people;A\\", "Society/NER/:events;10\\:30"),
        ("Society/NER/:peo", "Society/NER/"),
        ("Society/NER/", "Society/NER/"),
        ("Soci\\:ety/NE", "Soci\\:ety/NE"),
        ("", ""),
    ],
)
def test_a_cut_drops_the_unfinished_item(cut, finished):
    assert finish(cut) == finished
    assert interpret(line(cut, cut=True), _TEXT, _SCNM).repairs[0] == "cut-dropped"


def test_repeats_beyond_the_text_are_dropped():
    found = interpret(line("Society/NER/" + ":people;Ada" * 4 + ":people;Bo" * 2), _TEXT, _SCNM)
    assert [(p.entity, p.start, p.ambiguous) for p in found.pairs] == [
        ("Ada", 0, False),
        ("Ada", 16, False),
        ("Bo", 8, False),
    ]
    assert found.repairs == ("repeat-dropped",) * 3
    assert len(found.scores["items"]) == 3


def test_one_entity_may_have_two_labels():
    found = interpret(line("Society/NER/:people;Bo:events;Bo"), _TEXT, _SCNM)
    assert [(p.label, p.start) for p in found.pairs] == [("people", 8), ("events", 8)]


def test_a_fact_is_said_once():
    text = Record("1", "tcree-zh", "李月主演了电影，李月主演了电影。")
    found = interpret(line("电影/事件抽取/" + ":李月;主演;电影" * 2), text, task("tcree-zh"))
    assert len(found.facts) == 1
    assert found.repairs == ("repeat-dropped",)
    assert found.scores["items"] == [1.0]


def test_what_cannot_be_read_is_not_ok():
    found = interpret(line("I do not know."), _TEXT, _SCNM)
    assert not found.ok
    assert found.repairs == ("unreadable",)


@settings(max_examples=200, deadline=None)
@given(texts, texts, st.sampled_from(["", "Society/NER/", "/NER:"]), st.booleans())
def test_anything_can_be_interpreted(text, written, head, cut):
    found = interpret(line(head + written, cut=cut), Record("", "scnm-en", text), _SCNM)
    assert len(found.scores.get("items", ())) == len(found.items)
    assert all(0.0 <= score <= 1.0 for score in found.scores.get("items", ()))


def test_repairs_have_names():
    assert set(REPAIRS) == {"cut-dropped", "repeat-dropped", "items-full"}

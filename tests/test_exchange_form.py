"""What a format carries: each part alone, what is told, and the spelling of labels as names."""

import re

import pytest
from exchanged import JA, full_records
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import names

from pointline.corpus.exchange import FORMATS
from pointline.corpus.exchange.form import LOST, PARTS, Losses, carried
from pointline.corpus.exchange.names import label_of, name_of
from pointline.format.record import Fact, Pair, Prediction, Record

ALL = frozenset(PARTS)
TEXT = "京の都と京"
RICH = Prediction(
    "1",
    "another",
    TEXT,
    "社会",
    (
        Pair("地名", "京", 4, 5),
        Pair("地名", "京の都", 0, 3),
        Pair("地名", "都と", 2, 4),
        Pair("人名", "花子"),
        Pair("人名", "と"),
    ),
    (Fact(("京", "of", "都")), Fact(("京", "of", "海"))),
    {"by": "x"},
    scores={"label": 0.5, "items": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]},
    completion="?",
)


def without(*parts):
    losses = Losses()
    return carried(RICH, JA, ALL - set(parts), losses), dict(losses.counts)


def test_all_parts_keep_all():
    assert without() == (RICH, {})


@pytest.mark.parametrize("part", ["task", "label", "meta", "scores", "prediction"])
def test_a_part_that_is_not_carried_is_told_once(part):
    kept, told = without(part)
    assert kept != RICH
    assert told == {LOST[part]: 1}


def test_pairs_without_a_place_are_put_by_rule_or_told():
    kept, told = without("unplaced")
    assert [(p.entity, p.start) for p in kept.pairs][3:] == [("と", 3)]
    assert told == {LOST["unplaced"]: 1, "pair whose entity is not in the text: left out": 1}
    assert kept.scores["items"] == [0.1, 0.2, 0.3, 0.5, 0.6, 0.7]


def test_places_are_those_of_the_rule_where_none_are_carried():
    kept, told = without("places")
    assert [p.start for p in kept.pairs] == [0, 0, 2, None, 3]
    assert told == {LOST["places"]: 1, LOST["unplaced"]: 1}


def test_of_pairs_that_overlap_the_first_and_longest_stays():
    kept, told = without("overlaps", "order")
    assert [p.entity for p in kept.pairs] == ["花子", "と", "京の都", "京"]
    assert told == {LOST["overlaps"]: 1, LOST["order"]: 1}


def test_blank_edges_are_trimmed_with_their_places():
    pairs = (Pair("a", " 猫\u3000", 1, 4), Pair("a", " ", 0, 1), Pair("a", " 犬"))
    losses = Losses()
    kept = carried(Record("1", "", "  猫\u3000と", "", pairs), JA, ALL - {"blank edges"}, losses)
    assert kept.pairs == (Pair("a", "猫", 2, 3), Pair("a", "犬"))
    assert losses.counts == {
        LOST["blank edges"]: 2,
        "pair of nothing but blanks: left out": 1,
    }


def test_facts_that_are_relations_may_be_carried_alone():
    kept, told = without("facts")
    assert kept.facts == RICH.facts[:1]
    assert told == {LOST["facts"]: 1}
    kept, told = without("facts", "relations")
    assert (kept.facts, told) == ((), {LOST["relations"]: 2})


def test_examples_are_the_first_few_records_without_repeats():
    losses = Losses()
    for name in "aabcdefg":
        losses.note("why", name)
    assert losses.counts["why"] == 8
    assert losses.examples == {"why": ["a", "b", "c", "d", "e"]}


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_carried_is_carried_again_without_loss(name):
    carries = FORMATS[name].carries
    assert carries <= ALL

    @settings(max_examples=30)
    @given(full_records())
    def holds(record):
        first, again = Losses(), Losses()
        kept = carried(record, JA, carries, first)
        assert carried(kept, JA, carries, again) == kept
        assert set(again.counts) <= {LOST["id"]}

    holds()


@given(st.one_of(names, st.text(st.sampled_from("_x20AF 人-T"), min_size=1)))
def test_every_label_has_a_name_of_its_own(label):
    illegal = re.compile(r"[^0-9A-Za-z_-]")
    name = name_of(label, illegal, reserved=("T", "AF"))
    assert label_of(name) == label
    assert not illegal.search(name)
    assert name not in ("T", "AF")


@pytest.mark.parametrize(
    "name", ["Part_of", "x20_", "_x2_", "_xD800_", "_x110000_", "_X20_", "PER"]
)
def test_a_foreign_name_is_read_as_it_stands(name):
    assert label_of(name) == name

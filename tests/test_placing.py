"""Which strings are asked for, which once more, and which step found each."""

import numpy as np

from pointline.draft.crosslingual import Encoded
from pointline.draft.placing import asked_for, mentions, missing
from pointline.draft.reading import Reading
from pointline.draft.repair import Located, Step
from pointline.format.record import Fact, Pair, Record

ALL = (Step.VERBATIM, Step.NORMALISED, Step.ASKED, Step.ALIGNED)
PAIRS = Record("1", "scnm-ja", "🌸京都の京都タワーは131mだ。", "社会",
               (Pair("地名", "京都", 1, 3), Pair("施設名", "京都タワー", 4, 9),
                Pair("地名", "京都"), Pair("その他", "131", 10, 13)))  # fmt: skip
FACTS = Record("2", "tcree-ja", "雨宮は船長だ。", "映画",
               facts=(Fact(("雨宮", "職業", "船長")), Fact(("雨宮", "主演", "役：父", "2 / 3"))))  # fmt: skip


def test_each_string_is_asked_for_once():
    assert asked_for(PAIRS) == ("京都", "京都タワー", "131")
    assert asked_for(FACTS) == ("雨宮", "船長", "役：父", "2 / 3")


def test_pairs_have_a_mention_each_and_fields_one():
    reading = Reading(
        "Kyoto Tower of Kyoto is 131 m high.", {"京都": "Kyoto", "京都タワー": "Kyoto Tower"}
    )
    found = mentions(PAIRS, reading, {}, steps=ALL)
    assert [one.source for one in found] == ["京都", "京都タワー", "京都", "131"]
    assert [one.located and one.located.start for one in found] == [15, 0, 15, 24]
    assert [one.source for one in mentions(FACTS, reading, {}, steps=ALL)] == list(asked_for(FACTS))


def test_a_number_stands_for_itself():
    reading = Reading("The tower is 131 m high.", {})
    assert missing(PAIRS, reading) == ("京都", "京都タワー")


def test_a_field_that_stands_nowhere_is_missing_only_where_nothing_was_given():
    reading = Reading("Amamiya is a captain.", {"雨宮": "Amamiya", "船長": "captain"})
    assert missing(FACTS, reading) == ("役：父",)
    given = Reading(reading.text, {**reading.entities, "役：父": "role: father"})
    assert missing(FACTS, given) == ()
    last = mentions(FACTS, given, {}, steps=ALL)[2:]
    assert [(one.entity, one.needed) for one in last] == [("role: father", False), ("2 / 3", False)]


def test_the_steps_are_tried_in_their_order():
    def finder(text, wanted):
        kinds = {"v": Step.VERBATIM, "n": Step.NORMALISED, "a": Step.ALIGNED}
        return [
            Located(one, 0, len(one), kinds[one[0]]) if one[0] in kinds else None for one in wanted
        ]

    record = Record("1", "", "x", pairs=tuple(Pair("l", s) for s in ("p", "q", "r", "s", "t", "u")))
    first = {"p": "v", "q": "n", "r": "a", "s": "a", "t": "-", "u": "-"}
    again = {"p": "v2", "q": "v2", "r": "v2", "s": "-", "t": "a2", "u": "-"}
    found = mentions(record, Reading("x", first), again, steps=ALL, finder=finder)
    told = [(one.located.entity, str(one.located.step)) if one.located else None for one in found]
    assert told == [("v", "verbatim"), ("n", "normalised"), ("v2", "asked"), ("a", "aligned"),
                    ("a2", "aligned"), None]  # fmt: skip
    strict = mentions(record, Reading("x", first), again, steps=(Step.VERBATIM,), finder=finder)
    assert [bool(one.located) for one in strict] == [True] + [False] * 5


def test_a_whole_text_is_no_entity_that_was_a_part_of_one():
    record = Record("1", "", "京都 11:15:07", pairs=(Pair("地名", "京都", 0, 2),))
    reading = Reading("11:15:07", {})
    (found,) = mentions(record, reading, {"京都": "11:15:07"}, steps=ALL)
    assert found.located is None
    record = Record("1", "", "京都へ", pairs=(Pair("地名", "京都", 0, 2),))
    (found,) = mentions(record, Reading("Kyoto", {}), {"京都": "Kyoto"}, steps=ALL)
    assert str(found.located.step) == "asked"


def test_what_no_other_step_finds_is_found_by_meaning_where_nothing_else_stands():
    def encoder(text):
        words = {"京都": 0, "Kyoto": 0, "秋": 1, "autumn": 1, "寺": 2, "temple": 2}
        at = [(text.index(word), word) for word in words if word in text]
        places = [(start, start + len(word)) for start, word in sorted(at)]
        return Encoded(
            places, np.array([np.eye(3)[words[word]] for _, word in sorted(at)]).reshape(-1, 3)
        )

    record = Record("1", "", "京都の秋の寺", pairs=tuple(
        Pair("l", word, "京都の秋の寺".index(word), "京都の秋の寺".index(word) + len(word))
        for word in ("京都", "秋", "寺")))  # fmt: skip
    reading = Reading("A temple in autumn: Kyoto.", {"秋": "in autumn"})
    found = mentions(record, reading, {}, steps=ALL, encoder=encoder)
    assert [(one.entity, str(one.located.step)) for one in found] == [
        ("Kyoto", "cross-lingual"), ("in autumn", "verbatim"), ("temple", "cross-lingual")
    ]  # fmt: skip
    facts = Record("1", "", record.text, facts=(Fact(("京都", "季節", "秋")),))
    found = mentions(facts, Reading("autumn in town", {}), {}, steps=ALL, encoder=encoder)
    assert [one.entity for one in found] == ["", "autumn"]

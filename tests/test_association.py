"""How the two levels go together: in three datasets whose answer is known."""

import random

import pytest

from pointline.corpus.association import Levels
from pointline.format.record import Fact, Pair, Record


def association(records, **options):
    levels = Levels()
    for record in records:
        levels.add(record)
    return levels.association(**options)


def told(found):
    return {mutual.name: mutual for mutual in found.mutual}


def test_labels_that_tell_all_of_each_other():
    records = [
        Record(
            str(n),
            "",
            "木星と京都",
            *(("学問", (Pair("天体", "木星"),)) if n % 2 else ("社会", (Pair("地名", "京都"),))),
        )
        for n in range(60)
    ]
    found = association(records)
    for mutual in found.mutual:
        assert mutual.bits == pytest.approx(1) == mutual.label_bits == mutual.value_bits
        assert mutual.label_known == mutual.value_known == pytest.approx(1)
        assert mutual.low <= mutual.null <= mutual.high < 0.2 and mutual.p == pytest.approx(1 / 201)
    assert [(cell.label, cell.value, cell.records, cell.expected) for cell in found.cells] == [
        ("学問", "天体", 30, 15),
        ("社会", "地名", 30, 15),
        ("学問", "木星", 30, 15),
        ("社会", "京都", 30, 15),
    ]
    assert found.grids[0].rows == ("学問", "社会")
    assert found.grids[0].counts == ((0, 30), (30, 0))


def test_labels_that_tell_nothing_stay_within_the_band():
    rng = random.Random(3)
    records = [
        Record(
            str(n),
            "",
            "x",
            rng.choice("abc"),
            tuple(Pair(rng.choice("pqr"), "x") for _ in range(rng.randint(0, 4))),
        )
        for n in range(400)
    ]
    found = told(association(records, seed=1))
    for name in ("item label", "item label set"):
        assert found[name].p > 0.05 and found[name].bits > 0
        assert abs(found[name].label_known) < 0.02
    again, other = association(records, seed=1), association(records, seed=2)
    assert told(again) == found and told(other) != found


def test_an_entity_of_one_record_and_a_record_without_label_say_nothing():
    records = [
        Record("1", "", "AB", "x", (Pair("p", "A"), Pair("p", "A"), Pair("p", "B"))),
        Record("2", "", "A", "x", (Pair("q", "A"),)),
        Record("3", "", "A", "", (Pair("q", "A"),)),
        Record("4", "", "C", "y"),
    ]
    found = association(records)
    assert found.records == 3
    assert (told(found)["entity"].observations, told(found)["entity"].values) == (2, 1)
    assert (told(found)["item label"].observations, told(found)["item label set"].observations) == (
        4,
        3,
    )


def test_facts_by_relation_and_arguments():
    records = [
        Record(str(n), "", "甲乙", "火灾", facts=(Fact(("甲", "地点", "乙", "丙")),))
        for n in (1, 2)
    ]
    found = told(association(records))
    assert found["item label"].values == 1 and found["entity"].values == 3


def test_a_grid_sums_up_what_is_rare():
    records = [Record(str(n), "", "x", f"l{n % 9}", (Pair(f"p{n % 7}", "x"),)) for n in range(70)]
    grid = association(records, size=3).grids[0]
    assert grid.rows == ("l0", "l1", "l2", "(6 others)") and grid.columns == (
        "p0",
        "p1",
        "p2",
        "(4 others)",
    )
    assert sum(map(sum, grid.counts)) == 70
    assert association(records, size=8).grids[0].rows[-1] == "l8"  # one other is named


def test_nothing_to_associate():
    found = association([])
    assert (found.records, found.cells, found.grids) == (0, (), ())
    assert {mutual.bits for mutual in found.mutual} == {0}

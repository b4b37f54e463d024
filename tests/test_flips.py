"""Answers that flipped: counted, and the clearest picked; worked by hand."""

from pointline.format.record import Pair, Prediction, Record
from pointline.score.judge import judge
from pointline.study.flips import flips

GOLD = [
    Record("a", "scnm-ja", "葵は神戸へ。", "社会", (Pair("人名", "葵"), Pair("地名", "神戸"))),
    Record("b", "scnm-ja", "雨の京都🌧。", "自然", (Pair("地名", "京都"),)),
    Record("c", "scnm-ja", "風。", "自然"),
]


def run(labels=("", "", ""), items=((), (), ()), ok=(True, True, True)):
    """The outcomes of a run that says so of a, b and c."""
    made = {}
    for gold, label, pairs, readable in zip(GOLD, labels, items, ok, strict=True):
        pairs = tuple(Pair(*pair) for pair in pairs)
        said = Prediction(gold.id, gold.task, gold.text, label, pairs, ok=readable)
        made[gold.id] = judge(gold, said)
    return made


A, B = (("人名", "葵"), ("地名", "神戸")), (("地名", "京都"),)


def test_labels_flip_both_ways():
    before, after = run(("社会", "社会", "自然")), run(("社会", "自然", "社会"))
    found = flips(GOLD, [(before, after)], "tl")
    assert (found.better, found.worse, found.answers) == (1, 1, 3)
    assert [(one.record.id, one.better, one.flipped) for one in found.examples] == [
        ("b", True, 1),
        ("c", False, 1),
    ]
    better = found.examples[0].to_dict()
    assert (better["gold"], better["without"], better["given"]) == ("自然", "社会", "自然")


def test_items_are_right_as_a_whole_and_moved_in_part():
    before = run(items=((), B, ()))
    after = run(items=(A[:1], (("人名", "京都"),), ()))
    found = flips(GOLD, [(before, after)], "wl")
    assert (found.better, found.worse) == (0, 1)
    told = [(one.record.id, one.better, one.flipped) for one in found.examples]
    assert told == [("a", True, 0), ("b", False, 1)]  # a: from none of two to one of them


def test_nothing_of_nothing_is_right():
    found = flips(GOLD, [(run(items=((), (), A)), run())], "wl")
    assert [one.record.id for one in found.examples] == ["c"]
    assert (found.better, found.worse) == (1, 0)


def test_what_could_not_be_read_is_wrong():
    found = flips(GOLD, [(run(ok=(True, True, False)), run())], "wl")
    assert (found.better, found.worse) == (1, 0)
    assert found.examples[0].to_dict()["without"] is None


def test_records_that_flip_in_most_runs_come_first():
    wrong, right_b = run(("", "", "")), run(("", "自然", ""))
    right_c = run(("", "自然", "自然"))
    found = flips(GOLD, [(wrong, right_c), (wrong, right_b)], "tl", examples=1)
    assert (found.better, found.answers) == (3, 6)
    assert [(one.record.id, one.flipped, one.runs) for one in found.examples] == [("b", 2, 2)]


def test_a_record_that_flips_and_flips_back_is_no_example():
    wrong, right = run(("", "", "")), run(("", "自然", ""))
    found = flips(GOLD, [(wrong, right), (right, wrong)], "tl")
    assert (found.better, found.worse, found.examples) == (1, 1, ())


def test_the_answers_shown_are_of_the_pair_that_changed():
    wrong, right = run(("", "社会", "")), run(("", "自然", ""))
    asked = []

    def shown(at, id):
        asked.append((at, id))
        return GOLD[1]

    [flip] = flips(GOLD, [(right, right), (wrong, right)], "tl", shown=shown).examples
    assert asked == [(1, "b")]
    assert (flip.without.label, flip.given.label, flip.shown) == ("社会", "自然", GOLD[1])
    assert flip.to_dict()["shown"] == [["地名", "京都"]]


def test_no_examples_are_kept_where_none_are_wanted():
    wrong, right = run(("", "", "")), run(("", "自然", ""))
    found = flips(GOLD, [(wrong, right)], "tl", examples=0)
    assert (found.better, found.examples) == (1, ())

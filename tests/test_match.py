import json
import random
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointline.errors import InputError, RecordError, TaskError
from pointline.format import codec
from pointline.format.record import Fact, Pair, Prediction, Record
from pointline.format.tasks import adhoc, task
from pointline.score import Counts, Rules, Share, align, draws, judge, outcomes, score
from pointline.score.significance import Interval

TEXTS = {
    "scnm-en": "Ada met Ada at 10:30 in Bath; Eve met Ada.",
    "scnm-ja": "葵は奈良で葵と会い、京都へ。奈良は雨。",
    "scnm-zh": "小周和小周去了泰山，又回到泰山/南京。",
    "open-tcree-en": "Rosa runs a bakery in Leeds; Rosa bakes.",
}
ENTITIES = {
    "scnm-en": ["Ada", "10:30", "Bath", "Eve", "Ada."],
    "scnm-ja": ["葵", "奈良", "京都", "雨"],
    "scnm-zh": ["小周", "泰山", "泰山/南京", "南京"],
    "open-tcree-en": ["Rosa", "bakery", "Leeds"],
}
quick = settings(deadline=None, max_examples=40)

INVENTED = "幻 phantom"


# ---------------------------------------------------------------- random sides


@st.composite
def sides(draw, max_size=6, places=True):
    """Gold and predicted records that agree often enough to matter."""
    size = draw(st.integers(1, max_size))
    gold, predicted = [], []
    for number in range(size):
        name = draw(st.sampled_from(sorted(TEXTS)))
        for side in (gold, predicted):
            side.append(draw(one_record(str(number), name, places)))
    return gold, [Prediction(r.id, r.task, r.text, r.label, r.pairs, r.facts) for r in predicted]


@st.composite
def one_record(draw, number, name, places=True):
    text, entities = TEXTS[name], ENTITIES[name]
    label = draw(st.sampled_from(["Nature", "社会", ""]))
    if name == "open-tcree-en":
        relations = st.sampled_from(["physical", "role"])
        fields = st.tuples(st.sampled_from(entities), relations, st.sampled_from(entities))
        facts = draw(st.lists(st.builds(Fact, fields), max_size=3))
        return Record(number, name, text, label, facts=tuple(facts))
    found = []
    for entity in draw(st.lists(st.sampled_from([*entities, INVENTED]), max_size=5)):
        starts = [i for i in range(len(text)) if text.startswith(entity, i)]
        start = draw(st.sampled_from(starts)) if starts and places else None
        end = None if start is None else start + len(entity)
        found.append(Pair(draw(st.sampled_from(["people", "地名"])), entity, start, end))
    return Record(number, name, text, label, pairs=tuple(found))


# ---------------------------------------------------------------- a naive scorer


def algorithm_1(output, instruct_word, is_tree):
    """Appendix G as printed, in the words of its own lines."""
    if instruct_word not in output:
        return "", set()
    label, rest = output.split(instruct_word, 1)
    pieces = [rest] if is_tree else [piece for piece in rest.split(":") if piece]
    return label.strip(), {tuple(piece.strip().split(";")) for piece in pieces}


def papers_form(record):
    items = [(p.label, p.entity) for p in record.pairs] + [f.fields for f in record.facts]
    body = "".join(":" + ";".join(item) for item in items) + (":" if record.facts else "")
    return record.label + "/" + task(record.task).word + "/" + body


def naive(gold, predicted, protocol):
    """Return TL, WL counts and ALL with nothing but loops."""
    tl, wl, right = [0, 0, 0], [0, 0, 0], 0
    for g in gold:
        p = next(p for p in predicted if p.id == g.id)
        if protocol == "paper":
            word, tree = task(g.task).word, task(g.task).shape == "facts"
            g_label, g_items = algorithm_1(papers_form(g), word, tree)
            p_label, p_items = algorithm_1(papers_form(p), word, tree)
        else:
            g_label, p_label = g.label, p.label
            g_items = {(x.label, x.entity) for x in g.pairs} | {x.fields for x in g.facts}
            p_items = {(x.label, x.entity) for x in p.pairs} | {x.fields for x in p.facts}
        if g_label:
            tl[1] += 1
        if p_label:
            tl[2] += 1
        if g_label and g_label == p_label:
            tl[0] += 1
        for item in g_items:
            wl[1] += 1
            wl[0] += item in p_items
        wl[2] += len(p_items)
        right += g_label == p_label and g_items == p_items
    return tl, wl, right


def numbers(counts):
    return [counts.matched, counts.gold, counts.predicted]


# ---------------------------------------------------------------- properties


@quick
@given(sides(), st.sampled_from(["pointline", "paper"]))
def test_equals_the_naive_scorer(both, protocol):
    gold, predicted = both
    report = score(gold, predicted, protocol=protocol, resamples=0)
    tl, wl, right = naive(gold, predicted, protocol)
    assert numbers(report.tl) == tl
    assert numbers(report.wl) == wl
    assert report.right == right
    assert report.all == right / len(gold)


@quick
@given(sides(), st.sampled_from(["pointline", "paper"]), st.randoms())
def test_the_order_of_records_does_not_matter(both, protocol, rng):
    gold, predicted = both
    shuffled = [list(side) for side in both]
    for side in shuffled:
        rng.shuffle(side)
    options = {"protocol": protocol, "resamples": 50, "seed": 3}
    assert score(gold, predicted, **options) == score(*shuffled, **options)


@quick
@given(sides(), st.sampled_from(["pointline", "paper"]))
def test_f1_is_symmetric(both, protocol):
    gold, predicted = both
    there = score(gold, predicted, protocol=protocol, resamples=0)
    back = score(predicted, gold, protocol=protocol, resamples=0)
    for one, other in ((there.tl, back.tl), (there.wl, back.wl)):
        assert one.f1 == other.f1
        assert (one.precision, one.recall) == (other.recall, other.precision)
    assert there.all == back.all


@quick
@given(sides(), st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_counts_add_over_any_partition(both, parts):
    gold, predicted = both
    whole = score(gold, predicted, resamples=0)
    reports = []
    for part in sorted(set(parts[: len(gold)])):
        picked = [i for i in range(len(gold)) if parts[i] == part]
        reports.append(
            score([gold[i] for i in picked], [predicted[i] for i in picked], resamples=0)
        )
    assert sum((r.tl for r in reports), Counts()) == whole.tl
    assert sum((r.wl for r in reports), Counts()) == whole.wl
    assert sum((r.offset or Counts() for r in reports), Counts()) == (whole.offset or Counts())
    assert sum((r.entities for r in reports), Share()) == whole.entities
    assert sum(r.right for r in reports) == whole.right
    assert sum(r.offset_records for r in reports) == whole.offset_records


@quick
@given(sides(), st.sampled_from(["pointline", "paper"]))
def test_a_perfect_prediction_scores_one(both, protocol):
    gold, _ = both
    report = score(gold, gold, protocol=protocol, resamples=20)
    assert report.tl.f1 == report.wl.f1 == report.all == 1.0
    assert {(found.low, found.high) for found in report.intervals.values()} == {(1.0, 1.0)}


@quick
@given(sides())
def test_the_tables_of_labels_add_up(both):
    for protocol in ("pointline", "paper"):
        report = score(*both, protocol=protocol, resamples=0)
        assert sum(report.tl_labels.values(), Counts()) == report.tl
        pairs = [r for name, r in report.tasks.items() if task(name).shape == "pairs"]
        for one in pairs:
            assert sum(one.wl_labels.values(), Counts()) == one.wl
        if protocol == "pointline":
            assert sum(report.wl_labels.values(), Counts()) == report.wl


@quick
@given(sides())
def test_tasks_add_up_and_outcomes_add_up(both):
    report = score(*both, resamples=0)
    if report.tasks:
        assert sum((r.wl for r in report.tasks.values()), Counts()) == report.wl
        assert sum(r.right for r in report.tasks.values()) == report.right
    single = list(outcomes(*both))
    assert sum((outcome.tl for outcome in single), Counts()) == report.tl
    assert sum((outcome.wl for outcome in single), Counts()) == report.wl
    assert sum(outcome.right for outcome in single) == report.right


@quick
@given(sides(), st.booleans())
def test_offset_match_equals_a_naive_count(both, unplace):
    gold, predicted = both
    predicted = [p.unplaced() if unplace and p.id == "0" else p for p in predicted]
    expected, records = [0, 0, 0], 0
    for g, p in zip(gold, predicted, strict=True):
        hidden = [x for x in p.pairs if x.start is None and x.entity in p.text]
        if "tcree" in g.task or hidden or any(x.start is None for x in g.pairs):
            continue
        there = {(x.label, x.start, x.end) for x in g.pairs}
        here = {(x.label, x.start, x.end or x.entity) for x in p.pairs}
        expected = [a + len(b) for a, b in zip(expected, (there & here, there, here), strict=True)]
        records += 1
    report = score(gold, predicted, resamples=0)
    assert report.offset_records == records
    assert numbers(report.offset or Counts()) == expected


@quick
@given(sides())
def test_the_paper_protocol_reads_what_it_writes(both):
    """A raw completion in the papers' form scores as the items that it was written from."""
    gold, predicted = both
    raw = [
        Prediction(p.id, p.task, p.text, completion=codec.write(p, mode="paper")) for p in predicted
    ]
    by_items = score(gold, predicted, protocol="paper", resamples=0)
    by_string = score(gold, raw, protocol="paper", resamples=0)
    assert (by_items.tl, by_items.wl, by_items.right) == (
        by_string.tl,
        by_string.wl,
        by_string.right,
    )


@quick
@given(sides(places=False))
def test_facts_never_score_a_higher_all_than_wl_as_strings(both):
    """What docs/scoring.md says of Algorithm 1 as printed and of the printed TCREE rows."""
    gold = [g for g in both[0] if g.task == "open-tcree-en"]
    predicted = [p for p in both[1] if p.task == "open-tcree-en"]
    if gold:
        report = score(gold, predicted, protocol="paper", resamples=0)
        assert report.all <= report.wl.f1


@quick
@given(sides())
def test_a_report_is_ready_for_json(both):
    report = score(*both, resamples=10)
    values = report.to_dict()
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert values["tl"]["f1"] == report.tl.f1
    assert values["all"] == report.all
    for outcome in outcomes(*both):
        json.dumps(outcome.to_dict())


# ---------------------------------------------------------------- counts


def test_counts_hold_together():
    with pytest.raises(ValueError, match="matched lies between"):
        Counts(2, 1, 3)
    with pytest.raises(ValueError, match="matched lies between"):
        Counts(-1, 1, 3)
    counts = Counts(1, 2, 4)
    assert (counts.precision, counts.recall) == (0.25, 0.5)
    assert counts.f1 == pytest.approx(float(Fraction(1, 3)))
    assert counts.f1 == pytest.approx(2 * 0.25 * 0.5 / (0.25 + 0.5))


@pytest.mark.parametrize(
    ("counts", "ratios"),
    [
        (Counts(0, 0, 0), (1.0, 1.0, 1.0)),
        (Counts(0, 3, 0), (0.0, 0.0, 0.0)),
        (Counts(0, 0, 3), (0.0, 0.0, 0.0)),
        (Counts(0, 2, 3), (0.0, 0.0, 0.0)),
    ],
)
def test_ratios_of_nothing(counts, ratios):
    assert (counts.precision, counts.recall, counts.f1) == ratios


# ---------------------------------------------------------------- what belongs together


def record(number="1", label="社会", **more):
    return Record(number, "scnm-ja", "葵は奈良にいる。", label, **more)


def test_ids_without_a_partner_are_named():
    gold = [record(str(i)) for i in range(5)]
    with pytest.raises(InputError, match=r"^4 ids have no prediction; missing='wrong'.*'1', '2', "):
        score(gold, gold[:1])
    with pytest.raises(InputError, match=r"^1 ids are predicted but not in gold.*\('4'\)$"):
        score(gold[:4], gold)


def test_repeated_ids_are_named():
    gold = [record("a"), record("b"), record("a")]
    with pytest.raises(InputError, match=r"^1 ids stand more than once in gold.*\('a'\)$"):
        score(gold, gold[:2])
    with pytest.raises(InputError, match=r"^1 ids are predicted more than once.*\('a'\)$"):
        score(gold[:2], gold)


def test_two_tasks_or_two_texts_are_refused():
    other = replace(record(), task="scnm-en")
    with pytest.raises(InputError, match="'scnm-ja' in gold and of 'scnm-en' in the predictions"):
        score([record()], [other])
    with pytest.raises(InputError, match="one text in gold and another"):
        score([record()], [replace(record(), text="葵は京都にいる。")])
    assert score([record()], [replace(record(), text="")]).all == 1.0


def test_nothing_to_score():
    with pytest.raises(InputError, match="gold holds no record"):
        score([], [])


def test_choices_are_checked():
    for wrong in (
        {"protocol": "papers"},
        {"match": "place"},
        {"completions": "new"},
        {"missing": "skip"},
    ):
        with pytest.raises(InputError, match=f"^{next(iter(wrong))} is "):
            score([record()], [record()], **wrong)
    with pytest.raises(InputError, match="the paper protocol compares strings"):
        score([record()], [record()], protocol="paper", match="offset")


def test_records_are_read_in_step():
    read = {"gold": 0, "predicted": 0}

    def stream(side):
        for number in range(100):
            read[side] += 1
            yield record(str(number))

    pairs = align(stream("gold"), stream("predicted"))
    for number in range(1, 50):
        next(pairs)
        assert read == {"gold": number, "predicted": number}


# ---------------------------------------------------------------- beside the scores


def predictions():
    text = "葵は奈良にいる。"
    pairs = (Pair("人名", "葵"), Pair("地名", "京都"))
    return [
        Prediction(
            "1", "scnm-ja", text, "社会", pairs[:1], completion="社会/固有表現抽出/:人名;葵"
        ),
        Prediction(
            "2",
            "scnm-ja",
            text,
            "社会",
            pairs,
            completion="社会 固有表現抽出 人名;葵:地名;京都",
            repairs=("header-mended", "separator-mended"),
        ),
        Prediction("3", "scnm-ja", text, completion="？", repairs=("unreadable",), ok=False),
        Prediction("4", "scnm-ja", text, "社会", repairs=("header-mended",)),
    ]


def test_what_stands_beside_the_scores():
    gold = [record(str(i)) for i in range(1, 6)]
    report = score(gold, predictions(), missing="wrong", resamples=0)
    assert report.completions == Share(1, 3)
    assert report.well_formed == pytest.approx(1 / 3)
    assert report.entities == Share(2, 3)
    assert report.verbatim == pytest.approx(2 / 3)
    assert report.repairs == {"header-mended": 2, "separator-mended": 1, "unreadable": 1}
    assert (report.missing, report.unread) == (1, 1)
    assert (report.right, report.records) == (1, 5)


def test_without_completions_or_entities_there_is_no_rate():
    report = score([record()], [record()])
    assert report.well_formed is None
    assert report.verbatim is None


def test_the_other_fields_of_a_fact_are_entities():
    text = "Rosa runs a bakery in Leeds."
    facts = (Fact(("Rosa", "role", "bakery")), Fact(("shop", "physical", "Leeds")))
    one = Record("1", "open-tcree-en", text, "news", facts=facts)
    assert score([one], [one]).entities == Share(3, 4)


def test_items_of_the_wrong_shape_leave_the_completion_to_decide():
    fact = Fact(("葵", "role", "奈良"))
    odd = Prediction("1", "scnm-ja", record().text, "社会", facts=(fact,), completion="社会/")
    assert score([record()], [odd]).well_formed == 0.0
    with pytest.raises(RecordError, match="takes pairs"):
        score([record()], [replace(odd, completion=None)], protocol="paper")


def test_a_task_of_ones_own():
    own = adhoc(labels=["晴", "雨"], entities=["人"], lang="ja", word="天気")
    gold = Record("1", "adhoc", "葵は濡れた。", "雨", (Pair("人", "葵", 0, 1),))
    predicted = Prediction("1", "adhoc", gold.text, "雨", gold.pairs, completion="雨/天気/:人;葵")
    report = score([gold], [predicted])
    assert (report.all, report.well_formed, report.completions) == (1.0, None, Share())
    with pytest.raises(TaskError, match="no task 'adhoc'"):
        score([gold], [predicted], protocol="paper")
    for protocol in ("pointline", "paper"):
        report = score([gold], [predicted], protocol=protocol, tasks={"adhoc": own})
        assert (report.all, report.well_formed) == (1.0, 1.0)


def test_places_are_asked_for_where_they_are_needed():
    placed = record(pairs=(Pair("人名", "葵", 0, 1),))
    unplaced = record(pairs=(Pair("人名", "葵"),))
    for gold, predicted in ((unplaced, placed), (placed, unplaced)):
        with pytest.raises(InputError, match="match='offset' needs pairs, and a place"):
            score([gold], [predicted], match="offset")
        report = score([gold], [predicted])
        assert (report.offset, report.offset_records) == (None, 0)
        assert "offset" not in report.intervals
    report = score([placed], [placed], match="offset")
    assert report.wl == report.offset == Counts(1, 1, 1)
    assert report.wl_labels == {"人名": Counts(1, 1, 1)}


def test_the_log_of_one_record():
    gold = record(pairs=(Pair("人名", "葵"), Pair("地名", "奈良")))
    predicted = record(label="自然", pairs=(Pair("地名", "奈良"), Pair("地名", "葵")))
    log = judge(gold, predicted, Rules()).to_dict()
    assert log["label"] == {"gold": "社会", "predicted": "自然"}
    assert log["items"] == {
        "matched": [["地名", "奈良"]],
        "missed": [["人名", "葵"]],
        "spurious": [["地名", "葵"]],
    }
    assert log["right"] is False
    assert log["row"]["wl_matched"] == 1


def test_per_label_counts_by_hand():
    gold = [
        record("1", "社会", pairs=(Pair("人名", "葵"), Pair("地名", "奈良"))),
        record("2", "自然", pairs=(Pair("地名", "奈良"),)),
    ]
    predicted = [
        record("1", "自然", pairs=(Pair("地名", "葵"), Pair("地名", "奈良"))),
        record("2", "自然"),
    ]
    report = score(gold, predicted)
    assert report.tl_labels == {"自然": Counts(1, 1, 2), "社会": Counts(0, 1, 0)}
    assert list(report.tl_labels) == ["自然", "社会"]
    assert report.wl_labels == {"地名": Counts(1, 2, 2), "人名": Counts(0, 1, 0)}
    paper = score(gold, predicted, protocol="paper")
    assert paper.tl_labels["自然/"] == Counts(1, 1, 2)
    assert paper.wl_labels["/"] == Counts(2, 2, 2)


# ---------------------------------------------------------------- the three draws


def test_set(size, tasks=("scnm-ja",)):
    texts = {"scnm-ja": "葵は奈良にいる。", "scnm-en": "Eve is in Bath."}
    return [Record(f"{name}-{i}", name, texts[name], "社会") for name in tasks for i in range(size)]


test_set.__test__ = False


def wrong_where(gold, is_wrong):
    return [replace(g, label="自然") if is_wrong(i) else g for i, g in enumerate(gold)]


def test_draws_are_the_means_of_their_reports():
    gold = test_set(50)
    drawn = draws(gold, wrong_where(gold, lambda i: i % 3 == 0), size=10, seed=5)
    assert [report.records for report in drawn.reports] == [10, 10, 10]
    assert drawn.tl_f1 == pytest.approx(sum(r.tl.f1 for r in drawn.reports) / 3)
    assert drawn.all == pytest.approx(sum(r.all for r in drawn.reports) / 3)
    assert {report.protocol for report in drawn.reports} == {"paper"}
    assert json.loads(json.dumps(drawn.to_dict())) == drawn.to_dict()


def test_all_systems_are_scored_on_the_same_draws():
    gold = test_set(200)
    marks = [str(n) for n in range(200)]
    system = [replace(g, label=mark) for g, mark in zip(gold, marks, strict=True)]
    drawn = draws(gold, system, size=20, seed=1)
    shuffled = random.Random(0).sample(system, len(system))
    again = draws(gold[::-1], shuffled, size=20, seed=1)
    assert drawn == again
    ids = [frozenset(r.tl_labels) for r in drawn.reports]
    assert len(set(ids)) == 3, "three draws, not one thrice"
    other = draws(gold, system, size=20, seed=2)
    assert other.reports[0].tl_labels != drawn.reports[0].tl_labels


def test_each_record_is_drawn_as_often_as_any_other():
    gold = test_set(10)
    system = [replace(g, label=g.id) for g in gold]
    drawn = draws(gold, system, draws=3000, size=3, protocol="pointline")
    for g in gold:
        times = sum(g.id in report.tl_labels for report in drawn.reports)
        assert 780 < times < 1020  # 900 expected, standard deviation 25


def test_each_task_gives_its_own_draw():
    gold = test_set(30, ("scnm-ja", "scnm-en")) + test_set(0)
    small = [Record("few", "scnm-zh", "下雨了。", "自然")]
    drawn = draws(gold + small, gold + small, size=10)
    assert [report.records for report in drawn.reports] == [21, 21, 21]
    sizes = {name: [r.records for r in d.reports] for name, d in drawn.tasks.items()}
    assert sizes == {"scnm-en": [10] * 3, "scnm-ja": [10] * 3, "scnm-zh": [1] * 3}
    assert drawn.tasks["scnm-en"].wl_f1 == 1.0


def test_draws_need_a_size():
    with pytest.raises(InputError, match="draws and size are 1 or more"):
        draws(test_set(3), test_set(3), size=0)


# ---------------------------------------------------------------- intervals in the report


def test_intervals_of_the_report():
    gold = [record(str(i)) for i in range(100)]
    report = score(gold, wrong_where(gold, lambda i: i < 30), seed=7)
    again = score(gold, wrong_where(gold, lambda i: i < 30), seed=7)
    assert report == again
    assert set(report.intervals) == {"tl", "wl", "all", "offset"}
    assert 0.7 in report.intervals["all"]
    assert report.intervals["all"] == report.intervals["tl"]
    assert report.intervals["wl"] == Interval(1.0, 1.0)
    assert score(gold, gold, resamples=0).intervals == {}

"""Scores of random sides: properties, and equality with a naive scorer."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from pointline.format import codec
from pointline.format.record import Fact, Pair, Prediction, Record
from pointline.format.tasks import task
from pointline.score import Counts, Share, outcomes, score

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

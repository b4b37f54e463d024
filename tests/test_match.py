import json
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pointline.errors import InputError, RecordError, TaskError
from pointline.format.record import Fact, Pair, Prediction, Record
from pointline.format.tasks import adhoc
from pointline.score import Counts, Rules, Share, align, draws, judge, score
from pointline.score.significance import Interval
from pointline.version import CODEC_VERSION, SCORE_VERSION

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


def test_an_empty_task_of_a_prediction_is_its_gold_records():
    gold = [record(pairs=(Pair("人名", "葵"),))]
    for options in ({}, {"protocol": "paper"}):
        report = score(gold, [replace(gold[0], task="", text="")], **options)
        assert (report.all, report.wl.f1) == (1.0, 1.0)
    predicted = Prediction(
        "1", "", "", "社会", gold[0].pairs, completion="社会/固有表現抽出/:人名;葵"
    )
    assert score(gold, [predicted]).well_formed == 1.0


@pytest.mark.parametrize("scored", [score, draws])
def test_a_path_is_no_records(scored):
    reason = r"^gold is a path.*pointline\.read_records\('gold\.jsonl'\)$"
    with pytest.raises(InputError, match=reason):
        scored("gold.jsonl", [record()])
    with pytest.raises(InputError, match=r"^predicted is a path"):
        scored([record()], Path("predicted.jsonl"))


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
    with pytest.raises(InputError, match="add protocol='paper'"):
        score([record()], [record()], completions="rewritten")


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
    silent = score([record()], [replace(odd, completion=None)], protocol="paper")
    assert (silent.tl.predicted, silent.wl.predicted, silent.all) == (0, 0, 0.0)
    wrong = replace(record(), pairs=(), facts=(fact,))
    with pytest.raises(RecordError, match="takes pairs"):
        score([wrong], [odd], protocol="paper")


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
    assert score(gold, gold, resamples=0).protocol == "pointline"
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


# ---------------------------------------------------------------- the report as values


def test_a_report_says_which_versions_made_it():
    gold = test_set(3, ("scnm-ja", "scnm-en"))
    values = score(gold, gold, resamples=0).to_dict()
    drawn = draws(gold, gold).to_dict()["draws"]
    for report in (values, *values["tasks"].values(), *drawn):
        assert (report["codec"], report["scores"]) == (CODEC_VERSION, SCORE_VERSION)


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

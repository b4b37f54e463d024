"""What a study found: the same numbers as compare and score give, over what is finished."""

import json
from dataclasses import replace

import pytest
from studied import SKILL, only, studied
from tiny import tiny_records

from pointline.corpus.store import iter_records, read_records, write_records
from pointline.errors import InputError
from pointline.format.record import Prediction
from pointline.score.comparison import compare
from pointline.score.difference import Verdict, detectable, family, signs
from pointline.score.match import score
from pointline.study import paper
from pointline.study.asking import find
from pointline.study.question import DESIGNS, GOLD, QUESTIONS, asked
from pointline.study.results import read_study

RESAMPLES = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    missing = ("scnm-ja.text-items.1", "scnm-zh.text+items-label.0", "scnm-zh.text+items-label.1")
    return studied(tmp_path_factory.mktemp("study") / "s", missing=missing)


@pytest.fixture(scope="module")
def study(folder):
    return read_study(folder)


@pytest.fixture(scope="module")
def found(study):
    return find(study, resamples=RESAMPLES)


def test_every_question_is_asked_of_what_is_finished(found):
    assert list(found.found) == list(QUESTIONS)
    assert set(found.of("wl")) == {"scnm-en", "scnm-ja", "scnm-zh"}
    assert set(found.of("tl")) == {"scnm-en", "scnm-ja"}
    assert found.of("wl")["scnm-ja"].seeds == (0,)  # the seeds that both conditions have
    assert found.of("wl")["scnm-en"].seeds == (0, 1)
    assert found.both() == ("scnm-en", "scnm-ja")
    assert len(found.missing) == 3
    assert found.planned == 3 * 2 * 8


@pytest.mark.parametrize("name", ["scnm-en", "scnm-ja"])
@pytest.mark.parametrize("question", GOLD)
def test_a_difference_is_that_of_compare(study, found, name, question):
    task, gold = study.datasets[name]
    pairs = study.both(name, question.without, question.given)
    sides = [[read_records(run.predictions) for run in side] for side in zip(*pairs, strict=True)]
    made = compare(gold, *sides, tasks={name: task}, resamples=RESAMPLES)
    ours, theirs = found.of(question.level)[name].difference, made.levels[question.level]
    assert (ours.first, ours.second, ours.p, ours.interval) == (
        theirs.first, theirs.second, theirs.p, theirs.interval,
    )  # fmt: skip


def test_p_is_corrected_over_the_sub_datasets(found):
    for question, answers in found.found.items():
        made = family({name: one.difference for name, one in answers.items()})
        assert {name: one.difference for name, one in answers.items()} == made, question


def test_what_could_have_been_seen(found):
    answers = found.of("wl")
    one = answers["scnm-en"]
    assert one.smallest == (
        detectable(one.difference),
        detectable(one.difference, alpha=0.05 / len(answers)),
    )
    assert one.smallest[0] < one.smallest[1]


def test_labels_are_counted_as_score_counts_them(study, found):
    _, gold = study.datasets["scnm-en"]
    for question in GOLD:
        pairs = study.both("scnm-en", question.without, question.given)
        reports = [score(gold, iter_records(run.predictions), resamples=0) for run, _ in pairs]
        told = found.of(question.level)["scnm-en"].labels
        kind = "wl_labels" if question.level == "wl" else "tl_labels"
        for label, (without, _) in told.items():
            by_run = [getattr(report, kind)[label] for report in reports]
            assert without == by_run[0] + by_run[1]
        order = [without.gold for without, _ in told.values()]
        assert order == sorted(order, reverse=True)


def test_the_papers_protocol_beside(study, found):
    task, gold = study.datasets["scnm-ja"]
    [(first, second)] = study.both("scnm-ja", "text->items", "text+label->items")
    by_protocol = [
        score(
            gold, iter_records(run.predictions), protocol="paper", completions="rewritten",
            tasks={"scnm-ja": task}, resamples=0,
        ).wl.f1
        for run in (first, second)
    ]  # fmt: skip
    assert found.of("wl")["scnm-ja"].by_protocol == tuple(by_protocol)
    assert found.of("wl", "predicted")["scnm-ja"].by_protocol is None


def test_signs_count_both_directions(found):
    both = (found.of("wl"), found.of("tl"))
    differences = [one.difference for some in both for one in some.values()]
    assert found.signs() == signs(differences)
    assert sum(found.signs()[:3]) == 5
    assert found.rises()[1] == 2


def test_all_records_together(study, found):
    """Sub-datasets with as many runs as most: here two of three for the items."""
    whole = found.together[asked("wl")]
    runs = [study.both(n, "text->items", "text+label->items") for n in ("scnm-en", "scnm-zh")]
    gold = [record for n in ("scnm-en", "scnm-zh") for record in study.datasets[n][1]]
    firsts = [
        [r for some in runs for r in read_records(some[seed][0].predictions)] for seed in (0, 1)
    ]
    seconds = [
        [r for some in runs for r in read_records(some[seed][1].predictions)] for seed in (0, 1)
    ]
    made = compare(gold, firsts, seconds, resamples=RESAMPLES).wl
    assert (whole.first, whole.second) == pytest.approx((made.first, made.second))
    assert whole.p == pytest.approx(made.p)


def test_what_stands_beside_it(found):
    subset = found.subsets["scnm-ja"]
    assert subset.mmm == paper.counterpart("scnm-ja")
    assert subset.flow == paper.counterpart("scnm-ja", "flow")
    assert subset.published("tl") == pytest.approx(0.0227)
    assert (subset.train, subset.test, subset.circular) == (8, 48, False)


def test_a_label_made_from_the_items_is_circular(tmp_path):
    """The corpora say what a rule made; such sub-datasets are shown and not counted."""
    records = [
        replace(record, meta={"corpus": "chabsa"} if record.task == "scnm-ja" else {})
        for record in tiny_records(144)
    ]
    found = find(read_study(studied(tmp_path / "s", records=records)), resamples=50)
    assert [name for name, one in found.subsets.items() if one.circular] == ["scnm-ja"]
    assert found.subsets["scnm-ja"].derived == {"labels"}
    assert sum(found.signs()[:3]) == 6
    assert sum(found.signs(circular=False)[:3]) == 4


def test_mutual_is_both_directions_and_sure(tmp_path):
    skill = SKILL | {"text->items": (0, 0.2), "text+label->items": (0, 1.0)}
    skill |= {"text->label": (0.1, 0), "text+items->label": (1.0, 0)}
    found = find(read_study(studied(tmp_path / "s", seeds=(3,), skill=skill)), resamples=2000)
    assert found.mutual() == ("scnm-en", "scnm-ja", "scnm-zh")
    assert all(one.difference.verdict is Verdict.HELPS for one in found.of("wl").values())
    worse = skill | {"text->label": (1.0, 0), "text+items->label": (0.1, 0)}
    found = find(read_study(studied(tmp_path / "t", seeds=(3,), skill=worse)), resamples=2000)
    assert found.mutual() == ()
    assert {one.difference.verdict for one in found.of("tl").values()} == {Verdict.HURTS}


def test_one_dataset_and_the_papers_conditions_alone(tmp_path):
    records = [record for record in tiny_records(144) if record.task == "scnm-zh"]
    four = ("text->items", "text+label->items", "text->label", "text+items->label")
    folder = only(studied(tmp_path / "s", seeds=(0,), conditions=four, records=records), "scnm-zh")
    found = find(read_study(folder), resamples=50)
    assert list(found.found) == list(GOLD)
    assert found.together == {}
    assert list(found.subsets) == ["scnm-zh"]


def test_nothing_to_compare_is_said(tmp_path):
    conditions = ("text->items", "text->label")
    folder = studied(tmp_path / "s", conditions=conditions)
    with pytest.raises(InputError, match="no two conditions of a dataset are finished"):
        find(read_study(folder))


def test_predictions_of_other_records_are_refused_with_their_file(tmp_path):
    folder = studied(tmp_path / "s", seeds=(0,))
    file = folder / "runs" / "scnm-en.text-items.0" / "predictions.jsonl"
    kept = read_records(file)
    write_records(file, [*kept[1:], Prediction("other", "scnm-en", "x", "")])
    with pytest.raises(InputError, match=r"scnm-en\.text-items\.0/predictions\.jsonl: "):
        find(read_study(folder))


def test_it_is_all_in_json(found):
    told = json.loads(json.dumps(found.to_dict()))
    assert set(told["signs"]) == set(DESIGNS)
    assert told["runs"]["missing"] == [run.id for run in found.missing]
    assert len(told["findings"]) == sum(len(some) for some in found.found.values())
    assert found.to_dict() == told

"""The examples of docs/scoring.md, worked by hand there and run here."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest

from pointline.format.record import Fact, Pair, Prediction, Record
from pointline.score import score

PAGE = Path(__file__).parents[1] / "docs" / "scoring.md"
BLOCKS = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
EXAMPLES = [json.loads(block) for block in BLOCKS]
CASES = [
    pytest.param(example, protocol, id=f"{example['example']}-{protocol}")
    for example in EXAMPLES
    for protocol in example["expected"]
]


def pair(label, entity, start=None):
    return Pair(label, entity, start, None if start is None else start + len(entity))


def records(example):
    """Return both sides of an example; the predictions in the other order."""
    gold, predicted = [], []
    for number, entry in enumerate(example["records"]):
        head = (str(number), entry.get("task", example["task"]), entry["text"])
        for side, values, kind in (
            (gold, entry["gold"], Record),
            (predicted, entry["predicted"], Prediction),
        ):
            if values is None:
                continue
            rest = {k: v for k, v in values.items() if k not in ("label", "pairs", "facts")}
            pairs = [pair(*each) for each in values.get("pairs", ())]
            facts = [Fact(fields) for fields in values.get("facts", ())]
            side.append(kind(*head, values["label"], tuple(pairs), tuple(facts), **rest))
    return gold, predicted[::-1]


def fraction(value):
    return None if value is None else Fraction(value)


def numbers(counts):
    both = counts.gold + counts.predicted
    exact = Fraction(2 * counts.matched, both) if both else Fraction(1)
    assert counts.f1 == pytest.approx(float(exact))
    return [counts.matched, counts.gold, counts.predicted, exact]


@pytest.mark.parametrize(("example", "protocol"), CASES)
def test_example(example, protocol):
    gold, predicted = records(example)
    options = example.get("options", {})
    report = score(gold, predicted, protocol=protocol, resamples=0, **options)
    expected = dict(example["expected"][protocol])

    *counts, f1 = expected.pop("tl")
    assert numbers(report.tl) == [*counts, Fraction(f1)]
    *counts, f1 = expected.pop("wl")
    assert numbers(report.wl) == [*counts, Fraction(f1)]
    right, of, share = expected.pop("all")
    assert [report.right, report.records] == [right, of]
    assert report.all == pytest.approx(float(Fraction(share)))
    if "offset" in expected:
        wanted = expected.pop("offset")
        found = None if report.offset is None else numbers(report.offset)
        assert found == (None if wanted is None else [*wanted[:3], Fraction(wanted[3])])
    for name in ("well_formed", "verbatim"):
        if name in expected:
            assert getattr(report, name) == fraction(expected.pop(name)), name
    for name in ("unread", "missing"):
        assert getattr(report, name) == expected.pop(name, 0), name
    assert not expected, "the page expects what no test reads"


def test_page_is_complete():
    names = [example["example"] for example in EXAMPLES]
    assert len(names) == len(set(names)) >= 20
    languages = {entry.get("task", e["task"])[-2:] for e in EXAMPLES for entry in e["records"]}
    assert languages == {"en", "ja", "zh"}
    both = [e for e in EXAMPLES if set(e["expected"]) == {"pointline", "paper"}]
    assert len(both) >= 8


def test_the_case_in_which_all_exceeds_wl():
    example = next(e for e in EXAMPLES if e["example"] == "ALL exceeds WL")
    for protocol in ("pointline", "paper"):
        report = score(*records(example), protocol=protocol, resamples=0)
        assert report.all > report.wl.f1

"""The reader of a study's folder, and the conditions and plans that it holds."""

import json

import pytest
from studied import studied

from pointline.errors import InputError
from pointline.study.condition import CONDITIONS, PAPER_CONDITIONS, chosen
from pointline.study.plan import Plan
from pointline.study.results import read_study


def test_a_finished_study_is_read(tmp_path):
    study = read_study(studied(tmp_path / "study"))
    assert list(study.datasets) == ["scnm-en", "scnm-ja", "scnm-zh"]
    task, gold = study.datasets["scnm-ja"]
    assert task.name == "scnm-ja" and len(gold) == 48
    runs = study.runs("scnm-ja", "text+predicted label->items")
    assert [run.seed for run in runs] == [0, 1]
    assert runs[0].given is not None and runs[0].curve == ()
    (first, second), *_ = study.both("scnm-zh", "text->items", "text+label->items")
    assert first.seed == second.seed == 0 and first.given is None
    assert [row["step"] for row in first.curve] == [1, 2, 3]
    assert study.missing == ()


def test_what_is_not_finished_is_missing(tmp_path):
    gone = "scnm-en.text+label-items.1"
    study = read_study(studied(tmp_path / "study", missing=[gone]))
    assert [run.id for run in study.missing] == [gone]
    assert [run.seed for run in study.runs("scnm-en", "text+label->items")] == [0]
    assert len(study.both("scnm-en", "text->items", "text+label->items")) == 1


def test_a_plan_comes_back_from_its_file(tmp_path):
    folder = studied(tmp_path / "study")
    told = json.loads((folder / "plan.json").read_text())
    assert Plan.from_dict(told).to_dict() == told


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda d: (d / "plan.json").unlink(), "holds no study"),
        (lambda d: (d / "plan.json").write_text("{"), "cannot be read"),
        (lambda d: (d / "plan.json").write_text("[]"), "no JSON object"),
        (lambda d: (d / "plan.json").write_text('{"version": 9}'), "version"),
        (lambda d: (d / "plan.json").write_text('{"version": 1}'), "damaged"),
        (lambda d: (d / "gold" / "tasks.json").write_text("{}"), "lacks the task"),
    ],
)
def test_no_study_is_told_in_one_line(tmp_path, spoil, told):
    folder = studied(tmp_path / "study", conditions=PAPER_CONDITIONS, seeds=(0,))
    spoil(folder)
    with pytest.raises(InputError, match=told) as caught:
        read_study(folder)
    assert "\n" not in str(caught.value)


def test_conditions_bring_what_they_need():
    names = [found.name for found in chosen(["predicted"])]
    assert names == [*PAPER_CONDITIONS, *list(CONDITIONS)[-2:]]
    assert [found.name for found in chosen()] == list(CONDITIONS)
    assert len({found.slug for found in chosen()}) == len(CONDITIONS)
    with pytest.raises(InputError, match="no condition 'text'"):
        chosen(["text"])

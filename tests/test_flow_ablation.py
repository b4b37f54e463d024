"""Flow beside an ablation: rank correlation, and the reports that it is read from."""

from pathlib import Path

import pytest
from tiny import tiny_datasets

from pointline.errors import InputError
from pointline.study.flow.against import ablation_differences, against, flow_number
from pointline.study.flow.correlation import correlate, spearman
from pointline.study.flow.result import read_flow
from pointline.study.flow.run import Engine, run
from pointline.study.flow.settings import FlowConfig

SMALL = FlowConfig(
    "items-to-label", split="train", samples=3, draws=3, random_models=0, knockout=2,
    knockout_samples=2, maps=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory, base):
    data = [Path(path) for path in tiny_datasets(tmp_path_factory.mktemp("data"), 30)][:2]
    out = tmp_path_factory.mktemp("flow") / "study"
    run(data, SMALL, out=out, model=str(base), engine=Engine(batch_tokens=200))
    return read_flow(out)


def test_rank_correlation_by_hand():
    assert spearman([1, 2, 3, 4], [10, 20, 30, 40]) == 1
    assert spearman([1, 2, 2, 4], [4, 3, 3, 1]) == -1
    assert spearman([1, 1, 1], [1, 2, 3]) == 0
    # ranks 0 1.5 1.5 3 against 1 0 2 3, both of mean 1.5: sum of products 0.75 + 2.25
    assert spearman([1, 2, 2, 3], [2, 1, 3, 4]) == pytest.approx(3 / (4.5 * 5) ** 0.5)


def test_an_interval_narrows_with_datasets_and_p_is_fair():
    few = correlate({str(i): i for i in range(5)}, {str(i): i * i for i in range(5)})
    many = correlate({str(i): i for i in range(21)}, {str(i): i * i for i in range(21)})
    assert few.rho == many.rho == 1 and many.interval.low > few.interval.low
    assert few.p == pytest.approx(2 / 120, abs=0.006) and many.p < 0.001
    with pytest.raises(InputError, match="needs 4 datasets that both studies have: there are 1"):
        correlate({"a": 1}, {"a": 2, "b": 3})


def test_flow_beside_an_ablations_report(study, tmp_path):
    numbers = {name: flow_number(one, "ratio") for name, one in study.results.items()}
    assert all(number > 0 for number in numbers.values())
    assert flow_number(study.results["scnm-en"], "knockout") != 0
    report = tmp_path / "report.json"
    report.write_text(
        '{"datasets": {"scnm-ja": {"circular": true}}, "findings": ['
        '{"dataset": "scnm-ja", "question": "items to label", "difference": 0.01},'
        '{"dataset": "scnm-en", "question": "items to label", "difference": -0.02},'
        '{"dataset": "scnm-en", "question": "label to items", "difference": 0.5}]}'
    )
    found = ablation_differences(report, "items-to-label", circular=True)
    assert found == {"scnm-ja": 1.0, "scnm-en": -2.0}
    assert ablation_differences(report, "items-to-label") == {"scnm-en": -2.0}
    with pytest.raises(InputError, match="needs 4 datasets"):
        against([study.folder], report)
    rows = tmp_path / "report.csv"
    rows.write_text("dataset,difference\nscnm-ja,1.5\n")
    assert ablation_differences(rows, "items-to-label") == {"scnm-ja": 1.5}
    with pytest.raises(InputError, match="no report of an ablation"):
        ablation_differences(study.folder / "config.json", "items-to-label")


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (["sub-dataset,difference", "a,+1.20", "b †,−10.80", "all records together,−0.73"],
         {"a": 1.2, "b": -10.8}),
        (["question,sub-dataset,circular,difference,mmm_difference", "items to label,a,False,0.05,",
          "label to items,a,False,0.5,", "items to label,b,True,-0.02,0.1"], {"a": 5, "b": -2}),
        (["question,dataset,difference", "items to label,a,10", "label to items,a,-3",
          "items to label,b,5"], {"a": 10, "b": 5}),
    ],
)  # fmt: skip
def test_the_reports_own_tables_are_read(tmp_path, rows, wanted):
    report = tmp_path / "report.csv"
    report.write_text("\n".join(rows) + "\n", encoding="utf-8")
    found = ablation_differences(report, "items-to-label", circular=True)
    assert found == pytest.approx(wanted)
    plain = ablation_differences(report, "items-to-label")
    told = any("†" in row or "True" in row for row in rows)
    assert plain == pytest.approx({"a": wanted["a"]} if told else wanted)


def test_a_dataset_that_stands_twice_in_a_report_is_refused(tmp_path):
    report = tmp_path / "report.csv"
    report.write_text("dataset,difference\na,1\nb,2\na,3\n", encoding="utf-8")
    with pytest.raises(InputError, match="'a' is in it more than once: give one row a dataset"):
        ablation_differences(report, "items-to-label")
    report.write_text("name,value\na,1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"no report of an ablation \(KeyError: 'sub-dataset'"):
        ablation_differences(report, "items-to-label")

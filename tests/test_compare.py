"""`compare`, in the library, on the page and on the command line."""

import importlib.util
import json
import re
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

import pointline
from pointline.app.cli import app
from pointline.corpus.store import write_records
from pointline.errors import InputError
from pointline.format.record import Pair, Record
from pointline.score import comparison, significance
from pointline.score.comparison import compare, compare_rows
from pointline.score.difference import Verdict

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
EXAMPLES = [
    json.loads(block) for block in re.findall(r"^```json compare\n(.*?)^```$", PAGE, re.M | re.S)
]
RUNNER = CliRunner()


def side(example, name):
    return [
        Record(
            str(at), example["task"], entry["text"], entry[name]["label"],
            tuple(Pair(*pair) for pair in entry[name].get("pairs", ())),
        )
        for at, entry in enumerate(example["records"])
    ]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["example"])
def test_example_of_the_page(example):
    gold, first, second = (side(example, name) for name in ("gold", "first", "second"))
    found = compare(gold, [first[::-1]], [second])
    for level, expected in example["expected"].items():
        one = found.levels[level]
        told = [Fraction(value) for value in expected["scores"]]
        assert [one.first, one.second] == pytest.approx(list(map(float, told)))
        assert one.p == pytest.approx(float(Fraction(expected["p"])), abs=0.015)
        if "discordant" in expected:
            only = one.discordant
            assert [only.first, only.second] == expected["discordant"][:2]
            assert only.p == pytest.approx(float(Fraction(expected["discordant"][2])))
        assert one.verdict.value == expected["verdict"]
        assert one.value in one.interval


def test_the_page_has_examples():
    assert len(EXAMPLES) >= 3
    assert {example["task"][-2:] for example in EXAMPLES} == {"en", "ja", "zh"}


TEXTS = {
    "scnm-en": ("Ada left for Bath 🚂.", "Ada", "people"),
    "scnm-ja": ("ＡＢ社は奈良にある。", "ＡＢ社", "法人名"),
    "scnm-zh": ("小林去了苏州。", "小林", "人名"),
}


def gold_records(tasks=("scnm-ja",), count=60):
    records = []
    for name in tasks:
        text, entity, label = TEXTS[name]
        records += [
            Record(f"{name}-{i}", name, text, "社会", (Pair(label, entity),)) for i in range(count)
        ]
    return records


def worse(gold, wrong, *, tasks=None):
    """The same with label and items lost where `wrong(number)` says so."""
    return [
        Record(g.id, g.task, g.text, "自然")
        if wrong(at) and (tasks is None or g.task in tasks)
        else g
        for at, g in enumerate(gold)
    ]


def test_equal_systems_give_one():
    gold = gold_records()
    some = worse(gold, lambda at: at % 3 == 0)
    found = compare(gold, [some], [list(reversed(some))])
    for one in found.levels.values():
        assert one.p == one.bootstrap == one.holm == one.benjamini_hochberg == 1.0
        assert (one.value, one.interval.low, one.interval.high) == (0.0, 0.0, 0.0)
        assert one.verdict is Verdict.NO_EVIDENCE
    assert found.tl.discordant == found.all.discordant == (0, 0, 1.0)
    runs = compare(gold, [some, some], [some, some])
    assert [one.p for one in runs.levels.values()] == [1.0] * 3


def test_both_directions_are_told():
    gold = gold_records()
    first = worse(gold, lambda at: at % 2 == 0)
    found = compare(gold, [first], [gold])
    assert [str(one.verdict) for one in found.levels.values()] == ["helps"] * 3
    assert found.tl.discordant[:2] == (0, 30)
    turned = compare(gold, [gold], [first])
    assert [str(one.verdict) for one in turned.levels.values()] == ["hurts"] * 3
    assert turned.wl.value == -found.wl.value
    assert turned.wl.p == pytest.approx(found.wl.p, abs=0.002)
    assert found.wl.interval.low > 0 > turned.wl.interval.high


def test_several_tasks_are_a_family():
    gold = gold_records(tuple(TEXTS))
    first = worse(gold, lambda at: at % 60 < 8, tasks=["scnm-ja", "scnm-zh"])
    found = compare(gold, [first], [gold])
    assert list(found.tasks) == ["scnm-en", "scnm-ja", "scnm-zh"]
    ja = found.tasks["scnm-ja"].tl
    assert ja.p < ja.benjamini_hochberg < ja.holm == pytest.approx(3 * ja.p)
    assert found.tasks["scnm-en"].tl.p == 1.0
    assert found.records == 180
    assert found.tl.holm == found.tl.p  # all records together are one question
    assert found.signs[:3] == (4, 0, 2)
    assert found.signs.p == pytest.approx(2 / 16)


def test_several_runs_are_slower_to_be_sure():
    gold = gold_records(count=200)
    close = [worse(gold, lambda at, k=k: (at + k) % 10 < 3) for k in range(3)]
    better = [worse(gold, lambda at, k=k: (at + k) % 10 < 1) for k in range(3)]
    found = compare(gold, close, better)
    assert found.runs == (3, 3)
    assert (found.tl.first, found.tl.second) == (pytest.approx(0.7), pytest.approx(0.9))
    assert found.tl.verdict is Verdict.HELPS
    assert found.tl.spread is not None
    assert found.tl.discordant is None
    # runs that lie far apart: the same mean difference is no evidence
    spread = [worse(gold, lambda at, n=n: at % 20 < n) for n in (1, 4, 13)]
    other = [worse(gold, lambda at, n=n: at % 20 < n) for n in (0, 1, 5)]
    found = compare(gold, spread, other)
    assert found.tl.value == pytest.approx(0.2)
    assert found.tl.p > 0.2
    assert compare(gold, spread[2:], other[2:]).tl.p < 0.001


def test_seed_order_and_chunks(monkeypatch):
    gold = gold_records()
    first = worse(gold, lambda at: at % 4 == 0)
    second = worse(gold, lambda at: at % 7 == 0)
    found = compare(gold, [first], [second], resamples=300, seed=4)
    assert found == compare(reversed(gold), [first], [second[::-1]], resamples=300, seed=4)
    assert found != compare(gold, [first], [second], resamples=300, seed=5)
    monkeypatch.setattr(significance, "CELLS", 13)
    assert found == compare(gold, [first], [second], resamples=300, seed=4)


def test_what_does_not_belong_together_is_refused():
    gold = gold_records(count=4)
    with pytest.raises(InputError, match="the second system: 1 ids have no prediction"):
        compare(gold, [gold], [gold[1:]])
    with pytest.raises(InputError, match="the first system: 1 ids are predicted but not in gold"):
        compare(gold[1:], [gold], [gold[1:]])
    with pytest.raises(InputError, match="the second system, run 2: 2 ids have no prediction"):
        compare(gold, [gold, gold], [gold, gold[2:]])
    with pytest.raises(InputError, match="got 1 and 2"):
        compare(gold, [gold], [gold, gold])
    with pytest.raises(InputError, match="got 0 and 1"):
        compare(gold, [], [gold])
    for wrong in ({"resamples": 0}, {"level": 1.0}, {"alpha": 0.0}):
        with pytest.raises(InputError, match="a comparison needs"):
            compare(gold, [gold], [gold], **wrong)


def test_missing_predictions_may_count_as_wrong():
    gold = gold_records(count=40)
    found = compare(gold, [gold[20:]], [gold], missing="wrong")
    assert (found.all.first, found.all.discordant.second) == (0.5, 20)


def test_a_missing_label_is_right_where_gold_has_none():
    gold = [Record(str(i), "tconer-en", "Hm.", "") for i in range(12)]
    claims = [Record(g.id, g.task, g.text, "chat") for g in gold]
    assert compare(gold, [claims], [gold]).tl.discordant[:2] == (0, 12)


def test_the_public_name():
    assert pointline.compare is comparison.compare
    assert "compare" in pointline.__all__


@pytest.fixture(scope="module")
def simulation():
    path = ROOT / "benchmarks" / "null_simulation.py"
    spec = importlib.util.spec_from_file_location("null_simulation", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["null_simulation"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["null_simulation"]


def test_what_is_not_there_is_rarely_found(simulation):
    """A small benchmarks/null_simulation.py: about 5 of 100 null comparisons."""
    world = simulation.World(records=200)
    found = simulation.false_positives(world, comparisons=200, resamples=300, seed=1)
    for level in ("tl", "wl", "all"):
        assert 0.015 <= found[level]["p"] <= 0.09, level
        assert 0.015 <= found[level]["bootstrap"] <= 0.09, level


def test_what_the_simulation_found():
    """The figures beside the repository's code: 3.5 to 6.5 of 100 null comparisons at 0.05."""
    path = ROOT / "benchmarks" / "results" / "null_simulation.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["comparisons"] >= 1000
    for levels in (found["false_positives"]["1,000 records"],):
        for level in ("tl", "wl"):
            for test in ("p", "bootstrap"):
                assert 0.035 <= levels[level][test] <= 0.065, (level, test)


def test_what_moderation_found():
    """Nothing too often where there is nothing, and more where there is something."""
    path = ROOT / "benchmarks" / "results" / "null_simulation.json"
    found = json.loads(path.read_text(encoding="utf-8"))["families"]
    for name, levels in found.items():
        points = name.split(", ")[-1]
        for level in ("tl", "wl"):
            if points == "0 points":
                assert levels[level]["alone"] < levels[level]["moderated"] <= 0.0655, name
            else:
                assert levels[level]["moderated"] > 1.4 * levels[level]["alone"], name


def test_a_simulated_difference_is_found(simulation):
    rows = simulation.test_set(
        simulation.World(simulation.System(0.7, 0.5), simulation.System(0.8, 0.6)),
        simulation.np.random.default_rng(0),
    )
    found = compare_rows(rows, resamples=500)
    assert found.tl.verdict is found.wl.verdict is Verdict.HELPS


# ---------------------------------------------------------------- the command line


@pytest.fixture
def files(tmp_path):
    gold = gold_records(("scnm-ja", "scnm-zh"))
    write_records(tmp_path / "gold.jsonl", gold)
    write_records(tmp_path / "a.jsonl", worse(gold, lambda at: at % 4 == 0))
    (tmp_path / "b").mkdir()
    write_records(tmp_path / "b" / "predictions.jsonl", gold)
    for seed in range(2):
        for name in ("first", "second"):
            (tmp_path / name / f"seed-{seed}").mkdir(parents=True)
            made = gold if name == "second" else worse(gold, lambda at, s=seed: (at + s) % 4 == 0)
            write_records(tmp_path / name / f"seed-{seed}" / "predictions.jsonl", made)
    return tmp_path


def ask(*arguments, **options):
    arguments = ["compare", *map(str, arguments)]
    return RUNNER.invoke(app, arguments, catch_exceptions=False, **options)


def test_command(files):
    done = ask(files / "a.jsonl", files / "b", "--gold", files / "gold.jsonl", "--json")
    found = json.loads(done.stdout)
    assert set(found["tasks"]) == {"scnm-ja", "scnm-zh"}
    assert found["tl"]["difference"] == pytest.approx(0.25)
    assert found["tasks"]["scnm-ja"]["tl"]["verdict"] == "helps"
    assert found["tasks"]["scnm-ja"]["tl"]["discordant"]["second"] == 15
    shown = ask(
        files / "a.jsonl", files / "b", "--gold", files / "gold.jsonl", env={"COLUMNS": "80"}
    )
    for words in ("+25.00", "helps", "sign test", "McNemar", "all records: 120 records"):
        assert words in shown.stdout


def test_command_on_a_file_and_itself(files):
    done = ask(files / "a.jsonl", files / "a.jsonl", "--gold", files / "gold.jsonl", "--json")
    found = json.loads(done.stdout)
    for part in (found, *found["tasks"].values()):
        assert {part[level]["p"] for level in ("tl", "wl", "all")} == {1.0}
        assert part["tl"]["discordant"]["p"] == 1.0


def test_command_on_runs(files):
    done = ask(files / "first", files / "second", "--gold", files / "gold.jsonl", "--json")
    found = json.loads(done.stdout)
    assert found["runs"] == [2, 2]
    assert found["tl"]["discordant"] is None
    assert found["tl"]["deviation"] > 0
    shown = ask(
        files / "first", files / "second", "--gold", files / "gold.jsonl", env={"COLUMNS": "120"}
    )
    assert "2 and 2 runs" in shown.stdout


def folder_of_datasets(path, **sides):
    """A dataset folder for each task, and for each side a folder of predictions."""
    for name, wrong in {"data": None, **sides}.items():
        for task in ("scnm-ja", "scnm-zh"):
            gold = gold_records((task,))
            folder = path / name / task
            folder.mkdir(parents=True)
            if wrong is None:
                write_records(folder / "test.jsonl", gold)
            else:
                write_records(folder / "predictions.jsonl", worse(gold, wrong))


def test_command_on_a_folder_of_datasets(tmp_path):
    folder_of_datasets(tmp_path, one=lambda at: at % 2 == 0, two=lambda at: at % 3 == 0)
    asked = (tmp_path / "one", tmp_path / "two", "--gold", tmp_path / "data", "--json")
    found = json.loads(ask(*asked).stdout)
    assert list(found["tasks"]) == ["scnm-ja", "scnm-zh"]
    assert found["tasks"]["scnm-zh"]["wl"]["first"] == pytest.approx(2 / 3)  # 60 of 60 + 30
    assert found["signs"]["better"] == 4
    (tmp_path / "two" / "scnm-zh").rename(tmp_path / "two" / "elsewhere")
    with pytest.raises(InputError, match=r"do not hold the same datasets of .*: see scnm-zh"):
        ask(*asked)


def test_command_wants_as_many_runs_on_each_dataset(tmp_path):
    folder_of_datasets(tmp_path, one=lambda at: at % 2 == 0, two=lambda at: at % 3 == 0)
    for seed in ("0", "1"):
        folder = tmp_path / "two" / "scnm-ja" / seed
        folder.mkdir()
        (folder / "predictions.jsonl").write_bytes(b"")
    (tmp_path / "two" / "scnm-ja" / "predictions.jsonl").unlink()
    with pytest.raises(InputError, match="not as many runs on one dataset as on another"):
        ask(tmp_path / "one", tmp_path / "two", "--gold", tmp_path / "data")


def test_command_refuses_in_one_line(files):
    records = gold_records(("scnm-ja", "scnm-zh"))
    write_records(files / "short.jsonl", records[3:])
    with pytest.raises(InputError, match=r"second system: 3 ids have no prediction") as raised:
        ask(files / "a.jsonl", files / "short.jsonl", "--gold", files / "gold.jsonl")
    assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match="neither predictions nor a folder"):
        ask(files / "nowhere", files / "b", "--gold", files / "gold.jsonl")

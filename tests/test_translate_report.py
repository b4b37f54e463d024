"""The report of translation runs: counts, tests, examples, and what is refused."""

import json

import pytest
from translated import drafted, split, write

from pointline.draft.report import Published, published, report
from pointline.draft.reportpage import page
from pointline.draft.reporttables import tables
from pointline.draft.rules import Rules
from pointline.errors import InputError, RecordError
from pointline.format.record import Pair, Record

# ---------------------------------------------------------------- one run


def test_every_record_is_counted_once(tmp_path):
    kept = [
        drafted("1", steps={"京都": "verbatim", "cat": "aligned"}),
        drafted("2", steps={"京都": "asked"}),
        drafted("3"),
    ]
    dropped = [
        drafted("4", rules=["untranslated", "entity-missing"]),
        drafted("5", rules=["entity-missing"], label="Society"),
    ]
    write(tmp_path / "run", kept=kept, dropped=dropped, queued=[drafted("6")])
    (run,) = report([tmp_path / "run"]).runs
    assert (run.records, run.kept, run.lost, run.queued, run.decided) == (6, 3, 2, 1, 5)
    assert run.dropped == {"untranslated": 1, "entity-missing": 1}
    assert run.fired == {"untranslated": 1, "entity-missing": 2}
    assert run.kept_by_step == {"aligned": 1, "asked": 1, "": 1}
    assert run.by_label == {("Nature", True): 3, ("Nature", False): 1, ("Society", False): 1}
    assert run.lost_percent == 40  # of those decided: the queued may still be kept
    assert (run.source, run.target, run.task, run.model) == ("ja", "en", "scnm-ja", "play")
    # Wilson, 3 of 5
    assert (round(run.retained.low, 4), round(run.retained.high, 4)) == (0.2307, 0.8824)


@pytest.mark.parametrize(
    ("filters", "repair", "name"),
    [
        (Rules.of("paper").filters, ["verbatim"], "paper"),
        (Rules.of("paper").filters, ["verbatim", "asked"], "paper, with repair"),
        (Rules.of("pointline").filters, ["verbatim", "asked"], "pointline"),
        (Rules.of("pointline").filters, ["verbatim"], "pointline, no repair"),
        (("copied",), ["verbatim", "asked"], "own"),
    ],
)
def test_rules_have_the_name_of_their_preset(tmp_path, filters, repair, name):
    told = {"filters": list(filters), "repair": repair}
    write(tmp_path / "run", **split(2, 1), metrics=told)
    assert report([tmp_path / "run"]).runs[0].rules == name


def test_a_run_of_which_nothing_is_decided(tmp_path):
    write(tmp_path / "run", queued=[drafted("1")])
    found = report([tmp_path / "run"])
    assert found.runs[0].lost_percent is None
    assert tables(found)["Runs"].rows[0][-1] == "–"
    assert "0 of 1" in page(found)


# ---------------------------------------------------------------- what is refused


def broken(folder, name, **values):
    file = folder / name
    file.write_text(json.dumps(json.loads(file.read_text()) | values), encoding="utf-8")


def test_runs_that_do_not_add_up_are_refused(tmp_path):
    run = write(tmp_path / "run", **split(3, 2))
    for values, told in (
        ({"records": 6}, "3 kept + 2 dropped + 0 queued = 5, but 6 records were given"),
        ({"records": 5, "kept": 4}, "3 kept in the files, 4 in metrics.json"),
        ({"kept": 3, "dropped_by_rule": {"copied": 2}}, "the rules in dropped.jsonl"),
    ):
        broken(run, "metrics.json", **values)
        with pytest.raises(InputError, match="does not add up") as error:
            report([run])
        assert told in str(error.value) and "\n" not in str(error.value)


def test_a_row_that_was_lost_or_doubled_is_noticed(tmp_path):
    run = write(tmp_path / "run", **split(3, 2))
    file = run / "train.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(InputError, match="2 kept \\+ 2 dropped"):
        report([run])
    file.write_bytes(b"".join([*lines[:-1], lines[0]]))
    with pytest.raises(RecordError, match=r"train\.jsonl:3: the id 'r0' stands in the run twice"):
        report([run])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{", "not one JSON object"),
        (b"[]", "an 'id'"),
        (b'{"id": "x"}', "no 'draft'"),
        (b'{"id": "x", "meta": {"draft": {"rules": []}}}', "names no rule"),
    ],
)
def test_a_line_that_is_no_draft_is_told_with_its_place(tmp_path, line, told):
    run = write(tmp_path / "run", **split(3, 2))
    with (run / "dropped.jsonl").open("ab") as file:
        file.write(b"\n" + line)
    with pytest.raises(RecordError, match=told) as error:
        report([run])
    assert "dropped.jsonl:4: " in str(error.value)


def test_folders_that_hold_no_run_are_refused(tmp_path):
    with pytest.raises(InputError, match="name the folder"):
        report([])
    with pytest.raises(InputError, match=r"config\.json is missing"):
        report([tmp_path / "nowhere"])
    run = write(tmp_path / "run", **split(1, 1), config={"what": "label"})
    with pytest.raises(InputError, match="no translation run"):
        report([run])
    run = write(tmp_path / "other", **split(1, 1))
    with pytest.raises(InputError, match="given twice"):
        report([run, tmp_path / "x" / ".." / "other"])
    (run / "metrics.json").unlink()
    with pytest.raises(InputError, match=r"metrics\.json is missing"):
        report([run])


# ---------------------------------------------------------------- several runs


def test_runs_of_one_name_are_told_apart(tmp_path):
    runs = [write(tmp_path / part / "run", **split(2, 1)) for part in "ab"]
    assert [run.name for run in report(runs).runs] == [str(path) for path in runs]


def test_runs_over_the_same_records_are_compared_record_by_record(tmp_path):
    ids = [f"r{n}" for n in range(20)]
    one = {"kept": [drafted(i) for i in ids[:15]],
           "dropped": [drafted(i, rules=["copied"]) for i in ids[15:]]}  # fmt: skip
    # drops r0 and keeps all but one of those that the other dropped: 1 against 4
    other = {"kept": [drafted(i) for i in ids[1:19]],
             "dropped": [drafted(i, rules=["copied"]) for i in (ids[0], ids[19])]}  # fmt: skip
    paths = [
        write(tmp_path / "one", **one, shared="s"),
        write(tmp_path / "two", **other, shared="s"),
    ]
    (found,) = report(paths).comparisons
    assert (found.test, found.records) == ("McNemar", 20)
    assert found.difference == pytest.approx(3 / 20)
    assert found.p == pytest.approx(2 * (1 + 5) / 32)


def test_a_queued_record_is_not_compared(tmp_path):
    one = write(tmp_path / "one", **split(5, 5), shared="s")
    other = split(5, 5)
    other["queued"] = [other["dropped"].pop()]
    (found,) = report([one, write(tmp_path / "two", **other, shared="s")]).comparisons
    assert (found.records, found.p) == (9, 1.0)


def test_runs_over_other_records_are_compared_by_their_counts(tmp_path):
    paths = [
        write(tmp_path / "one", **split(3, 1), shared="s"),
        write(tmp_path / "two", **split(1, 3, first=100), shared="t"),
    ]
    found = report(paths)
    assert found.comparisons[0].test == "Fisher"
    assert found.comparisons[0].p == pytest.approx(34 / 70)
    assert found.comparisons[0].difference == pytest.approx(-0.5)
    assert found.remaining.statistic == pytest.approx(2)  # every expected count is 2


def test_p_values_are_corrected_for_the_number_of_pairs(tmp_path):
    shares = {"a": (40, 10), "b": (30, 20), "c": (10, 40)}
    found = report([write(tmp_path / name, **split(*counts)) for name, counts in shares.items()])
    told = {(one.first, one.second): one for one in found.comparisons}
    assert list(told) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert told["a", "b"].corrected == told["a", "b"].p  # the largest of three is left as it is
    assert told["a", "c"].corrected == pytest.approx(3 * told["a", "c"].p)


def test_rules_that_drop_otherwise_and_labels_that_are_lost_more_often_show(tmp_path):
    one = split(50, 50, rule="copied")
    one["dropped"] = [drafted(r.id, rules=["copied"], label="Society") for r in one["dropped"]]
    found = report([write(tmp_path / "one", **one), write(tmp_path / "two", **split(50, 50))])
    assert found.remaining.p == 1
    assert found.rules.p < 1e-10
    assert found.labels["one"].p < 1e-10  # Society is lost, Nature kept
    assert found.labels["two"].p == 1


def test_sums_are_by_language_pair_model_and_rules(tmp_path):
    runs = [
        write(tmp_path / "a", **split(8, 2)),
        write(tmp_path / "b", **split(6, 4), source="tcree-ja"),
        write(tmp_path / "c", **split(1, 9), to="zh"),
    ]
    rows = tables(report(runs))["By language pair and model"].rows
    assert rows[0][:7] == ("ja to en", "play", "own, no repair", "2", "14", "6", "30.00")
    assert len(rows) == 2
    assert "By language pair and model" not in tables(report(runs[:1]))
    same = [write(tmp_path / name, **split(8, 2), shared="sum") for name in ("d", "e")]
    assert "By language pair and model" not in tables(report(same))
    rows = tables(report([*runs, same[0]]))["By language pair and model"].rows
    assert rows[0][3:6] == ("3", "22", "8")


def test_one_run_is_summed_of_those_over_the_same_files_and_the_others_are_named(tmp_path):
    waiting = write(tmp_path / "waiting", **split(5, 1), queued=[drafted("q")], shared="same")
    runs = [
        waiting,
        write(tmp_path / "other", **split(6, 4), source="tcree-ja"),
        write(tmp_path / "most", **split(5, 2), shared="same"),
        write(tmp_path / "equal", **split(3, 4), shared="same"),
        write(tmp_path / "zh", **split(1, 9), to="zh"),
    ]
    table = tables(report(runs))["By language pair and model"]
    assert table.headers[-1] == "not summed: same files"
    assert table.rows[0][3:6] == ("2", "11", "6")
    assert [row[-1] for row in table.rows] == ["waiting, equal", ""]
    table = tables(report(runs[:2]))["By language pair and model"]
    assert table.headers[-1] == "kept %, interval" and table.rows[0][3:6] == ("2", "11", "5")


def test_runs_that_share_one_file_of_several_are_not_summed(tmp_path):
    runs = [write(tmp_path / name, **split(8, 2), shared=name) for name in ("one", "two")]
    beside = {"translated": {"files": {"train.jsonl": "two", "test.jsonl": "three"}}}
    both = write(tmp_path / "both", **split(9, 3))
    (both / "manifest.json").write_text(json.dumps(beside), encoding="utf-8")
    (row,) = tables(report([*runs, both]))["By language pair and model"].rows
    assert (row[3:6], row[-1]) == (("2", "17", "5"), "two")


# ---------------------------------------------------------------- the paper's table


def test_the_published_figures_are_those_of_the_paper():
    rows = published()
    assert len(rows) == 10
    assert rows[1] == Published("SCNM", "ja", "en", "GPT-4o", 3996, 25.21)
    assert rows[-1] == Published("TCONER", "en", "zh", "GPT-4o", 7951, 20.49)
    totals = [row.remaining / (1 - row.lost_percent / 100) for row in rows]
    assert [round(total) for total in totals] == [
        5343, 5343, 2000, 2005, 10000, 10000, 2000, 2000, 10000, 10000,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "to", "dataset", "count"),
    [
        ("scnm-ja", "en", "SCNM", 2),
        ("scpos-rw-ja", "en", "SCPOS:RW", 2),
        ("tconer-en", "zh", "TCONER", 2),
        ("tconer-en", "ja", "TCONER", 0),  # no such direction in the table
        ("scnm-en", "ja", "SCNM", 0),
        ("scpos-n-ja", "en", None, 0),  # no such dataset
        ("open-tcree-ja", "en", None, 0),
    ],
)
def test_the_paper_stands_beside_runs_of_its_datasets_and_directions(
    tmp_path, source, to, dataset, count
):
    found = report([write(tmp_path / "run", **split(2, 1), source=source, to=to)])
    assert [row.dataset for row in found.published] == [dataset] * count
    assert ("Beside the MMM paper's Table 7" in tables(found)) == bool(count)


# ---------------------------------------------------------------- examples


def test_examples_are_of_every_rule_and_the_same_in_every_run(tmp_path):
    dropped = [drafted(f"r{n}", rules=["copied", "chatter"][n % 2 :]) for n in range(40)]
    paths = [write(tmp_path / name, dropped=dropped) for name in ("one", "two")]
    found = report(paths, examples=4)
    assert found.rule_names == ("chatter", "copied")
    for rule in found.rule_names:
        shown = found.examples(rule)
        assert [one.run for one in shown] == ["one"] * 4 + ["two"] * 4
        assert [one.record.id for one in shown[:4]] == [one.record.id for one in shown[4:]]
        assert all(rule in one.rules for one in shown)
    write(tmp_path / "turned", dropped=dropped[::-1])
    turned = report([tmp_path / "turned"], examples=4).examples("copied")
    assert {o.record.id for o in turned} == {o.record.id for o in found.examples("copied")}
    assert not report(paths, examples=0).examples("copied")


def test_why_an_example_was_dropped_is_told(tmp_path):
    record = Record(
        "1", "scnm-en", "Ada left.", "", (Pair("people", "Ada", 0, 3), Pair("places", "Turin")),
        meta={"draft": {"steps": {}, "rules": ["entity-missing", "copied"],
                        "reasons": {"copied": "the text is the source's"}, "source": "エイダ"}},
    )  # fmt: skip
    found = report([write(tmp_path / "run", dropped=[record])])
    whys = {row[3]: row[4] for rule in found.rule_names
            for row in [(*_row(found, rule)[:3], rule, _row(found, rule)[4])]}  # fmt: skip
    assert whys == {
        "entity-missing": "not in the draft: Turin; also copied",
        "copied": "the text is the source's; also entity-missing",
    }
    assert found.examples("copied")[0].source == "エイダ"


def _row(found, rule):
    from pointline.draft.reporttables import examples

    return examples(found.examples(rule)).rows[0]

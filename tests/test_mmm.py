"""The published MMM: every dialect and quirk of a row, every row of a folder accounted for."""

import csv
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import names, texts

from pointline.corpus import store
from pointline.corpus.check import check
from pointline.corpus.exchange import hub, mmm
from pointline.corpus.exchange.published import (
    BLOCK_MISSING,
    BY_MAJORITY,
    NO_KANA,
    NOT_IN_TEXT,
    ONLY_IN_OUTPUT,
    OTHER_LANGUAGE,
    OUTSIDE,
    WORD_MENDED,
    Clue,
    family_in,
    peel,
    read_row,
    script,
)
from pointline.errors import CorpusError
from pointline.format.tasks import TASKS, task

SHIP = "霧の港に古い船が着いた。"
BOOK = "花子が小説『霧の港』を出した。"
POEM = "Ada wrote a poem in Turin."
RIVER = "河边的小城里，小明开了一家书店。"

# source, output, clue, status, [(task, label, items)], reasons, notes
ROWS = {
    "ja as printed": (
        f"{BOOK}/固有表現抽出", "文芸/固有表現抽出/:人名;花子:製品名;霧の港", Clue(), "read",
        [("scnm-ja", "文芸", (("人名", "花子"), ("製品名", "霧の港")))], (),
        ("task word of scnm and tconer: taken for scnm by its label",),
    ),
    "en with a colon before the slash": (
        f"{POEM}/NER", "Literature/NER:/people;Ada:places;Turin", Clue(family="scnm"), "read",
        [("scnm-en", "Literature", (("people", "Ada"), ("places", "Turin")))], (), (),
    ),
    "zh with colons for semicolons": (
        f"{RIVER}/实体命名识别", "社会/实体命名识别/:人名:小明:设施名:书店", Clue(family="scnm"), "read",
        [("scnm-zh", "社会", (("人名", "小明"), ("设施名", "书店")))], (), (),
    ),
    "a semicolon where a colon belongs": (
        f"{BOOK}/固有表現抽出", "文芸/固有表現抽出/:人名;花子;製品名;霧の港", Clue(family="scnm"),
        "repaired", [("scnm-ja", "文芸", (("人名", "花子"), ("製品名", "霧の港")))],
        ("separator-mended",), (),
    ),
    "facts closed by a colon": (
        f"{BOOK}/関係抽出", "広告/関係抽出/:花子;商品;霧の港:", Clue(), "read",
        [("tcree-ja", "広告", (("花子", "商品", "霧の港"),))], (), (),
    ),
    "en facts": (
        f"{POEM}/relation extraction", "film/relation extraction:/Ada;product;poem:", Clue(),
        "read", [("tcree-en", "film", (("Ada", "product", "poem"),))], (), (),
    ),
    "zh events of more fields, colons only": (
        f"{RIVER}/事件抽取", "广告/事件抽取/:小明:商品:书店:小城:", Clue(), "read",
        [("tcree-zh", "广告", (("小明", "商品", "书店", "小城"),))], (), (),
    ),
    "the figure's task word": (
        f"{POEM}/Event Extraction", "film/Event Extraction/", Clue(), "read",
        [("tcree-en", "film", ())], (), (),
    ),
    "no items": (
        f"{SHIP}/感情分析形容詞", "積極/感情分析形容詞/", Clue(), "read",
        [("scpos-adj-ja", "積極", ())], (), (),
    ),
    "the RW sample with the word of N": (
        f"{SHIP}/感情分析名詞", "積極/感情分析名詞/:中立;船", Clue(family="scpos-rw"), "read",
        [("scpos-rw-ja", "積極", (("中立", "船"),))], (), (),
    ),
    "the same word, the file says nothing": (
        f"{SHIP}/感情分析名詞", "積極/感情分析名詞/:中立;船", Clue(), "read",
        [("scpos-n-ja", "積極", (("中立", "船"),))], (),
        ("task word of scpos-n and scpos-rw: taken for scpos-n by its label",),
    ),
    "several task words": (
        f"{POEM}/NER/Sentiment Adj", "Literature/NER/:people;Adapositive/Sentiment Adj/",
        Clue(family="scnm"), "read",
        [("scnm-en", "Literature", (("people", "Ada"),)), ("scpos-adj-en", "positive", ())],
        (), (),
    ),
    "several task words on lines": (
        f"{POEM}/NER/Sentiment N", "Literature/NER/:people;Ada\npositive/Sentiment N/:neutral;poem",
        Clue(family="scnm"), "read",
        [("scnm-en", "Literature", (("people", "Ada"),)),
         ("scpos-n-en", "positive", (("neutral", "poem"),))], (), (),
    ),
    "a block is missing": (
        f"{POEM}/NER/Sentiment N", "Literature/NER/:people;Ada", Clue(family="scnm"), "repaired",
        [("scnm-en", "Literature", (("people", "Ada"),))], (BLOCK_MISSING,), (),
    ),
    "a slash in the text": (
        "1/2 of it is NER/NER", "Technology/NER/", Clue(family="scnm"), "read",
        [("scnm-en", "Technology", ())], (), (),
    ),
    "a delimiter in an entity": (
        "At 10:30 in Turin./NER", "Society/NER/:events;10:30:places;Turin", Clue(family="scnm"),
        "repaired", [("scnm-en", "Society", (("events", "10:30"), ("places", "Turin")))],
        ("delimiter-joined",), (),
    ),
    "an open label": (
        f"{BOOK}/固有表現抽出", "新刊/固有表現抽出/:作家;花子", Clue(), "read",
        [("tconer-ja", "新刊", (("作家", "花子"),))], (),
        ("task word of scnm and tconer: taken for tconer by its label",),
    ),
    "labels outside the set": (
        f"{POEM}/NER", "Literature/NER/:Company;Ada", Clue(family="scnm"), "read",
        [("scnm-en", "Literature", (("Company", "Ada"),))], (), (OUTSIDE,),
    ),
    "an entity that is not there": (
        f"{POEM}/NER", "Literature/NER/:people;Bo", Clue(family="scnm"), "read",
        [("scnm-en", "Literature", (("people", "Bo"),))], (), (NOT_IN_TEXT,),
    ),
    "no slash but a line": (
        f"{POEM}\nner/", "Literature/NER/", Clue(family="scnm"), "repaired",
        [("scnm-en", "Literature", ())], (WORD_MENDED,), (),
    ),
    "full-width slash": (
        f"{BOOK}／固有表現抽出", "文芸/固有表現抽出/", Clue(family="scnm"), "repaired",
        [("scnm-ja", "文芸", ())], (WORD_MENDED,), (),
    ),
    "the word in the output only": (
        POEM, "Literature/NER/:people;Ada", Clue(family="scnm"), "repaired",
        [("scnm-en", "Literature", (("people", "Ada"),))], (ONLY_IN_OUTPUT,), (),
    ),
    "English word, Japanese text": (
        f"{BOOK}/NER", "文芸/NER/:人名;花子", Clue(family="scnm"), "repaired",
        [("scnm-ja", "文芸", (("人名", "花子"),))], (OTHER_LANGUAGE,), (),
    ),
    "Chinese word, Japanese text": (
        f"{BOOK}/事件抽取", "映画/事件抽取/:花子;出演;霧の港:", Clue(), "repaired",
        [("tcree-ja", "映画", (("花子", "出演", "霧の港"),))], (OTHER_LANGUAGE,), (),
    ),
    "no kana, Japanese word": (
        "東京都立大学/固有表現抽出", "学問/固有表現抽出/:法人名;東京都立大学", Clue(family="scnm"), "read",
        [("scnm-ja", "学問", (("法人名", "東京都立大学"),))], (), (NO_KANA,),
    ),
    "no kana, English word, a Japanese file": (
        "東京都立大学/NER", "学問/NER/", Clue(family="scnm", majority="ja"), "repaired",
        [("scnm-ja", "学問", ())], (BY_MAJORITY,), (),
    ),
    "Latin letters, Japanese word": (
        "iPhone 15 Pro/固有表現抽出", "技術/固有表現抽出/:製品名;iPhone 15 Pro", Clue(family="scnm"),
        "read", [("scnm-ja", "技術", (("製品名", "iPhone 15 Pro"),))], (), (),
    ),
    "the task is given": (
        f"{POEM}/NER", "Poetry/NER/:people;Ada", Clue(task("tconer-en")), "read",
        [("tconer-en", "Poetry", (("people", "Ada"),))], (), (),
    ),
    "a label alone": (
        f"{POEM}/NER", "Literature", Clue(family="scnm"), "repaired",
        [("scnm-en", "Literature", ())], ("label-alone",), (),
    ),
}  # fmt: skip

REJECTED = {
    "no input": (None, "x", "the input is no string"),
    "a list": (f"{POEM}/NER", ["x"], "the output is no string"),
    "empty": ("  ", "x", "the input is empty"),
    "no output": (f"{POEM}/NER", "\n", "the output is empty"),
    "only a word": ("/NER", "Nature/NER/", "the input has no text"),
    "no word": (POEM, "Literature: Ada", "no task word that is known"),
    "unknown word": (f"{POEM}/POS", "Literature/POS/", "no task word that is known"),
    "chatter": (f"{POEM}/NER", "I am sorry, I cannot.", "the output cannot be read"),
    "han alone": ("東京都立大学/NER", "学問/NER/", "language: Han characters alone, no majority"),
    "surrogate": ("\ud800x/NER", "Nature/NER/", "no record can be made of it"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_is_read_as_it_was_meant(row):
    source, output, clue, status, records, reasons, notes = row
    found = read_row(source, output, clue)
    assert (found.status, found.reasons, found.notes) == (status, reasons, notes)
    assert [(r.task, r.label, r.items) for r in found.records] == records


@pytest.mark.parametrize(("source", "output", "reason"), REJECTED.values(), ids=REJECTED)
def test_a_row_that_says_nothing_is_rejected_with_its_reason(source, output, reason):
    found = read_row(source, output, Clue())
    assert (found.status, found.records, found.reasons) == ("rejected", (), (reason,))


@settings(max_examples=200, deadline=None)
@given(
    source=st.one_of(texts, names.flatmap(lambda t: st.sampled_from(["NER", "事件抽取"]).map(lambda w: f"{t}/{w}"))),
    output=st.one_of(texts, st.builds("{}/{}/:{};{}".format, names, st.sampled_from(["NER", "事件抽取"]), names, names)),
    family=st.sampled_from([None, "scnm", "tconer"]),
)  # fmt: skip
def test_no_row_is_too_strange_to_be_accounted_for(source, output, family):
    found = read_row(source, output, Clue(family=family))
    assert (found.status == "rejected") == (not found.records)
    assert bool(found.reasons) == (found.status != "read")
    for record in found.records:
        assert source.startswith(record.text)


@pytest.mark.parametrize(
    "of", [t for t in TASKS.values() if not t.name.startswith("open-")], ids=lambda t: t.name
)
def test_every_published_task_is_told_from_its_name_and_word(of):
    text = {"en": POEM, "ja": SHIP, "zh": RIVER}[of.lang]
    label = (of.labels or ("Zoo",))[0]
    found = read_row(f"{text}/{of.word}", f"{label}/{of.word}/", Clue(family=family_in(of.name)))
    assert [(r.task, r.label, r.text) for r in found.records] == [(of.name, label, text)]
    assert found.status == "read"


def test_task_words_are_peeled_off_the_end_and_nothing_else():
    assert peel("a/b/感情分析形容词/实体命名识别") == (
        "a/b",
        ["感情分析形容词", "实体命名识别"],
        True,
    )
    assert peel("NERD/x") == ("NERD/x", [], True)
    assert peel("a/ ner :/") == ("a", ["ner"], False)


def test_the_script_of_a_text():
    assert [script(t) for t in (POEM, SHIP, RIVER, "2024", "鲜の每日生活，天天都在你身边")] == [
        "en", "ja", "han", "", "han",
    ]  # fmt: skip


# ---------------------------------------------------------------- a folder of all kinds


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def folder(tmp_path):
    """Tables of every kind, with broken rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    root = tmp_path / "published"
    (root / "data").mkdir(parents=True)
    lines = [
        json.dumps({"input": f"{BOOK}/固有表現抽出", "output": "文芸/固有表現抽出/:人名;花子", "n": 7}),
        '{"input": "cut off',
        json.dumps({"input": f"{SHIP}/固有表現抽出", "output": "自然/固有表現抽出/"}),
        "[1]",
    ]  # fmt: skip
    (root / "data" / "SCNM-train.jsonl").write_bytes(
        "\n".join(lines).encode() + b'\n{"input": "\xff"}\n'
    )
    with (root / "data" / "SCNM-test.csv").open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(["question", "answer"])
        table.writerow(['Ada said "no",\nand left./NER', "Society/NER:/people;Ada"])
        table.writerow([f"{POEM}/NER", "Literature/NER/:people;Ada", "a third cell"])
        table.writerow([f"{POEM}/NER", ""])
    rows = [
        {"text": f"{RIVER}/事件抽取", "label": "广告/事件抽取/:小明:商品:书店:", "tags": ["a"]},
        {"text": None, "label": "广告/事件抽取/", "tags": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), root / "tcree_zh.parquet")
    array = [
        {"a": f"{POEM}/Sentiment Adj", "b": "positive/Sentiment Adj/", "c": "x"},
        {"a": f"{POEM}/NER/Sentiment N", "b": "Literature/NER/:people;Ada\npositive/Sentiment N/"},
        7,
    ]
    (root / "mixed.json").write_text(json.dumps(array, indent=1), encoding="utf-8")
    (root / "dev.tsv").write_text(  # a text of its own: a test text in train would be a leak
        f"input\toutput\n{SHIP}/関係抽出\t映画/関係抽出/:船;主演;港:\n港に春が来た。/NER\t自然/NER/\n",
        encoding="utf-8",
    )
    (root / "README.md").write_text("a card")
    (root / ".cache").mkdir()
    (root / ".cache" / "x.json").write_text("[]")
    return root


def test_every_row_of_a_folder_is_accounted_for(tmp_path, folder):
    account = mmm.bring(str(folder), tmp_path / "out")
    told = account.to_dict()
    assert told["rows"] == told["read"] + told["repaired"] + told["rejected"] == 15
    assert (told["read"], told["repaired"], told["rejected"]) == (7, 1, 7)
    assert told["reasons"] == {
        "repaired": {OTHER_LANGUAGE: 1},
        "rejected": {
            "the row cannot be parsed": 5, "the input is no string": 1, "the output is empty": 1,
        },
    }  # fmt: skip
    assert told["files_left_aside"] == ["README.md"]
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report.items() >= told.items()
    rows = lines_of(tmp_path / "out" / "rows.jsonl")
    assert len(rows) == told["rows"]
    rejected = lines_of(tmp_path / "out" / "rejected.jsonl")
    assert [(r["file"], r["row"]) for r in rejected] == [
        (row["file"], row["row"]) for row in rows if row["status"] == "rejected"
    ]
    by_place = {(r["file"], r["row"]): r for r in rejected}
    assert by_place["data/SCNM-train.jsonl", 2]["raw"] == '{"input": "cut off'
    assert by_place["data/SCNM-train.jsonl", 5]["detail"] == "byte 11 (0xff) is not UTF-8"
    assert by_place["data/SCNM-test.csv", 2]["detail"] == "3 cells in a row of 2 columns"
    assert by_place["mixed.json", 3]["raw"] == "7"


def test_the_datasets_of_a_folder_are_clean_and_know_their_rows(tmp_path, folder):
    account = mmm.bring(str(folder), tmp_path / "out")
    found = {
        path.name: store.read_dataset(path)
        for path in (tmp_path / "out").iterdir()
        if path.is_dir()
    }
    assert {name: len(d.train) + len(d.dev) + len(d.test) for name, d in found.items()} == dict(
        account.records
    )
    assert dict(account.records) == {
        "scnm-en": 2, "scnm-ja": 3, "scpos-adj-en": 1, "scpos-n-en": 1, "tcree-ja": 1, "tcree-zh": 1,
    }  # fmt: skip
    for name in found:
        assert check(tmp_path / "out" / name).ok
    first = found["scnm-ja"].train[0]
    assert first.meta == {"file": "data/SCNM-train.jsonl", "row": 1, "columns": {"n": 7}}
    assert found["scnm-en"].test[0].text == 'Ada said "no",\nand left.'
    assert [r.meta["file"] for r in found["tcree-ja"].dev] == ["dev.tsv"]
    assert account.notes["column 'tags' holds more than a value: left out"] == 1
    origin = found["tcree-zh"].manifest["sources"][0]
    assert origin["corpus"] == "mmm"
    assert set(origin["files"]) >= {"tcree_zh.parquet", "dev.tsv"}


def test_the_hub_and_a_local_copy_give_the_same(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    rows = [{"input": f"{BOOK}/関係抽出", "output": "映画/関係抽出/:花子;商品;霧の港:"}]
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "train.json").write_text(json.dumps(rows), encoding="utf-8")
    loaded = datasets.load_dataset(
        "json", data_files=str(tmp_path / "local" / "train.json"), cache_dir=str(tmp_path / "c")
    )
    asked = []
    monkeypatch.setattr(datasets, "get_dataset_config_names", lambda *_, **__: ["default"])
    monkeypatch.setattr(datasets, "load_dataset", lambda *a, **k: asked.append((a, k)) or loaded)
    mmm.bring(mmm.HUB_ID, tmp_path / "hub", revision="main")
    mmm.bring(str(tmp_path / "local"), tmp_path / "disk")
    assert asked == [((mmm.HUB_ID, "default"), {"revision": "main"})]
    on_hub, on_disk = (store.read_dataset(tmp_path / d / "tcree-ja") for d in ("hub", "disk"))
    assert [(r.text, r.facts) for r in on_hub.train] == [(r.text, r.facts) for r in on_disk.train]
    assert on_hub.manifest["sources"][0]["revision"] == "main"


# ---------------------------------------------------------------- columns, shapes, refusals


def bring_rows(tmp_path, content, name="a.json", **more):
    (tmp_path / name).write_text(content, encoding="utf-8")
    return mmm.bring(str(tmp_path / name), tmp_path / "out", **more)


GOOD = (f"{POEM}/relation extraction", "film/relation extraction/:Ada;product;poem:")
SHAPES = {
    "array": json.dumps([{"x": GOOD[0], "y": GOOD[1]}] * 2),
    "lines": "\n".join([json.dumps({"x": GOOD[0], "y": GOOD[1]})] * 2),
    "columns": json.dumps({"x": [GOOD[0]] * 2, "y": [GOOD[1]] * 2}),
    "data": json.dumps({"data": [{"x": GOOD[0], "y": GOOD[1]}] * 2}),
    "splits": json.dumps({s: [{"x": GOOD[0], "y": GOOD[1]}] for s in ("train", "test")}, indent=2),
}


@pytest.mark.parametrize("content", SHAPES.values(), ids=SHAPES)
def test_json_of_every_shape_is_read_and_columns_are_told_by_what_they_hold(tmp_path, content):
    account = bring_rows(tmp_path, content)
    assert (account.rows, account.records) == (2, {"tcree-en": 2})


def test_names_of_columns_give_way_to_what_they_hold(tmp_path):
    row = {"text": POEM, "label": "Literature", "prompt": GOOD[0], "completion": GOOD[1]}
    account = bring_rows(tmp_path, json.dumps([row]))
    assert account.records == {"tcree-en": 1}


def test_columns_may_be_told(tmp_path):
    row = {"input": "x/NER", "output": "Nature/NER/", "p": GOOD[0], "q": GOOD[1]}
    account = bring_rows(tmp_path, json.dumps([row]), columns=mmm.Columns("p", "q"))
    assert account.records == {"tcree-en": 1}


BAD = {
    "no columns": ('[{"p": "x", "q": "y"}]', {}, "no columns of inputs and outputs found among 'p'"),
    "told wrongly": (SHAPES["array"], {"columns": mmm.Columns("z", "y")}, "no column 'z' among 'x'"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "more", "message"), BAD.values(), ids=BAD)
def test_a_table_without_the_columns_is_refused_and_nothing_is_written(
    tmp_path, content, more, message
):
    with pytest.raises(CorpusError, match=f"a.json: {message}.*--input-column"):
        bring_rows(tmp_path, content, **more)
    assert not (tmp_path / "out").exists()


def test_a_broken_array_is_a_rejected_row_and_what_came_before_is_kept(tmp_path):
    content = SHAPES["array"][:-20]
    account = bring_rows(tmp_path, content)
    assert (account.status["read"], account.status["rejected"]) == (1, 1)
    (rejected,) = lines_of(tmp_path / "out" / "rejected.jsonl")
    assert rejected["reason"] == "the row cannot be parsed"
    assert rejected["raw"].startswith('{"x": "Ada')


def test_what_stands_behind_an_array_and_numbers_too_long_are_rejected_rows(tmp_path):
    row = '{"input": "Ada left./NER", "output": "Society/NER/:people;Ada"}'
    for number, content in enumerate((f"[{row}] [{row}]", f"[{row}, {'9' * 5000}]")):
        (tmp_path / "a.json").write_text(content)
        account = mmm.bring(str(tmp_path / "a.json"), tmp_path / str(number)).to_dict()
        assert (account["read"], account["rejected"]) == (1, 1)
    (tmp_path / "b.jsonl").write_text(f'{row}\n{{"n": {"9" * 5000}}}\n')
    account = mmm.bring(str(tmp_path / "b.jsonl"), tmp_path / "b").to_dict()
    assert (account["read"], account["rejected"]) == (1, 1)


def test_an_array_longer_than_what_is_read_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("pointline.corpus.exchange.rows._CHUNK", 37)
    many = json.dumps([{"x": GOOD[0], "y": GOOD[1]}] * 30, indent=2)
    assert bring_rows(tmp_path, many).records == {"tcree-en": 30}


def test_sources_that_are_none_are_named(tmp_path):
    with pytest.raises(CorpusError, match="no such file or folder, and no id of the hub"):
        mmm.bring("no where", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="no table here"):
        mmm.bring(str(tmp_path / "empty"), tmp_path / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(CorpusError, match="the folder is there"):
        bring_rows(tmp_path, SHAPES["array"])


def test_what_the_hub_refuses_is_told(tmp_path, monkeypatch):
    def refused(name, *, revision):
        raise CorpusError(f"{name}: no dataset")

    monkeypatch.setattr(hub, "fetch", refused)
    with pytest.raises(CorpusError, match="owner/name: no dataset"):
        mmm.bring("owner/name", tmp_path / "out")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(texts, texts), max_size=5))
def test_rows_always_add_up(tmp_path_factory, rows):
    tmp_path = tmp_path_factory.mktemp("add")
    good = [{"input": GOOD[0], "output": GOOD[1]}]
    account = bring_rows(tmp_path, json.dumps(good + [{"input": a, "output": b} for a, b in rows]))
    assert account.rows == len(rows) + 1 == account.status.total()

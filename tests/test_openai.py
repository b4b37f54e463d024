"""Extraction by a chat model: a real server on loopback that plays every kind of day."""

import asyncio
import json
import re
from dataclasses import replace

import pytest
from chat_server import ChatServer, Reply
from tiny import tiny_records

from pointline.corpus import store
from pointline.errors import BudgetSpent, InputError, MissingExtra, NoAnswer, ServerError
from pointline.format import codec
from pointline.format.record import Prediction, Record
from pointline.format.tasks import adhoc, task
from pointline.model import openai
from pointline.model.backend import Backend
from pointline.model.chat.client import Client
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address
from pointline.model.extract import Extractor, Options
from pointline.model.form import Form, Order
from pointline.model.openai import ANSWERS, ChatBackend, ChatExtractor
from pointline.model.predict import PREDICTIONS, predict

QUICK = Limits(first_wait=0.02, longest_wait=0.05, timeout=5.0, attempts=3)
GOLD = tiny_records(24)
FREE = Options(constrained=False)


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def asked_text(body) -> str:
    return body["messages"][-1]["content"].rpartition("/")[0]


def oracle(body, n):
    """Answers as annotated, in the form that is asked for."""
    gold = next(record for record in GOLD if record.text == asked_text(body))
    if "response_format" not in body:
        return Reply(codec.write(gold, places=False))
    items = [{"label": pair.label, "entity": pair.entity} for pair in gold.pairs]
    return Reply(json.dumps({"label": gold.label, "items": items}, ensure_ascii=False))


def chat(server, options=None, *, limits=QUICK, **more):
    return ChatExtractor(Address("tiny", server.url), options, limits=limits, **more)


def bare(records=GOLD):
    return [Record(record.id, record.task, record.text) for record in records]


# ---------------------------------------------------------------- single texts


@pytest.mark.parametrize("options", [None, FREE], ids=["structured", "free"])
def test_three_languages_come_back_as_annotated(options):
    with ChatServer(oracle) as server:
        ex = Extractor.load(f"openai:tiny@{server.url}", options=options)
        found = list(ex.many(bare()))
    assert isinstance(ex, ChatExtractor)
    assert [(one.id, one.label, one.pairs) for one in found] == [
        (gold.id, gold.label, gold.pairs) for gold in GOLD
    ]
    assert {one.task for one in found} == {"scnm-en", "scnm-ja", "scnm-zh"}
    assert all("response_format" in body for body in server.asked) is (options is None)


def test_one_text_and_labels_of_ones_own():
    def script(body, n):
        said = {"label": "スポーツ", "items": [{"label": "選手", "entity": "太郎"}]}
        return Reply(json.dumps(said))

    with ChatServer(script) as server:
        found = chat(server)("太郎が得点した⚽。", labels=["スポーツ", "政治"], entities=["選手"])
    assert (found.label, found.pairs[0].start, found.pairs[0].end) == ("スポーツ", 0, 2)
    told = server.asked[0]["messages"][0]["content"]
    assert "スポーツ、政治" in told
    assert server.asked[0]["messages"][-1]["content"] == "太郎が得点した⚽。/固有表現抽出\n"
    schema = server.asked[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["label"]["enum"] == ["スポーツ", "政治"]


def test_predictions_keep_the_order_of_the_texts_or_come_as_they_are_done():
    def script(body, n):
        return replace(oracle(body, n), delay=0.4 if asked_text(body) == GOLD[0].text else 0.0)

    with ChatServer(script) as server:
        ex = chat(server)
        counted = []
        ordered = [p.id for p in ex.many(bare(GOLD[:6]), progress=counted.append)]
        assert (sum(counted), len(server.asked)) == (6, 6)
        again = [p.id for p in ex.many(bare(GOLD[:6]), ordered=False)]
    assert ordered == [gold.id for gold in GOLD[:6]]
    assert sorted(again) == sorted(ordered)
    assert len(server.asked) == 6, "what was answered was asked again"


def test_it_works_where_an_event_loop_runs():
    async def notebook():
        return [found.label for found in chat(server).many(bare(GOLD[:3]))]

    with ChatServer(oracle) as server:
        assert asyncio.run(notebook()) == [gold.label for gold in GOLD[:3]]


def test_level_example_and_limit_are_those_of_the_options():
    example = next(gold for gold in GOLD if gold.task == "scnm-zh")
    options = Options(constrained=False, level="text", example=example, max_new_tokens=33)
    with ChatServer(lambda body, n: Reply("文学/实体命名识别/")) as server:
        found = chat(server, options)("天晴了。", task="scnm-zh")
    (body,) = server.asked
    assert (found.label, body["max_tokens"]) == ("文学", 33)
    assert body["messages"][1]["content"] == f"{example.text}/实体命名识别\n"
    assert body["messages"][2]["content"] == f"{example.label}/实体命名识别/"


def test_a_server_without_structured_output_is_asked_for_json_in_words():
    def script(body, n):
        if "response_format" in body:
            return Reply(status=400, error={"message": "unknown field response_format"})
        return oracle({**body, "response_format": True}, n)

    with ChatServer(script) as server:
        found = list(chat(server, limits=replace(QUICK, concurrency=1)).many(bare(GOLD[:4])))
    assert [one.pairs for one in found] == [gold.pairs for gold in GOLD[:4]]
    assert ["response_format" in body for body in server.asked] == [True, *[False] * 4]


# ---------------------------------------------------------------- what is refused


def test_what_belongs_to_a_model_of_this_machine_is_refused():
    name = "openai:m@http://127.0.0.1:9/v1"
    with pytest.raises(InputError, match="leave an adapter out"):
        Extractor.load(name, adapter="lora")
    with pytest.raises(InputError, match="leave a device out"):
        Extractor.load(name, device="cuda")
    with pytest.raises(InputError, match="leave the option form out"):
        Extractor.load(name, options=Options(form=Form(order=Order.ITEMS_FIRST)))
    with pytest.raises(InputError, match="'strict' or 'lenient'"):
        ChatExtractor(Address.parse(name), reading="kind")
    with pytest.raises(InputError, match="OPENAI_API_KEY is not set"):
        Extractor.load("openai:m@https://example.org/v1")
    with pytest.raises(InputError, match="begins with http"):
        Extractor.load("openai:m@example.org")


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    with pytest.raises(MissingExtra, match=r"pointline\[draft\]"):
        Extractor.load("openai:m@http://127.0.0.1:9/v1")


def test_an_example_of_another_task_is_told_before_anything_is_asked():
    with (
        ChatServer(oracle) as server,
        pytest.raises(InputError, match="is not of the task 'scnm-ja'"),
    ):
        english = next(gold for gold in GOLD if gold.task == "scnm-en")
        chat(server, Options(example=english))("雨だ。", task="scnm-ja")
    assert server.asked == []


# ---------------------------------------------------------------- bad days


def test_busy_and_broken_servers_are_asked_again():
    def script(body, n):
        if n == 1:
            return Reply(status=429, headers={"Retry-After": 0.05}, error={"message": "slow"})
        return Reply(status=500, error={"message": "oh"}) if n == 2 else oracle(body, n)

    with ChatServer(script) as server:
        found = list(chat(server).many(bare(GOLD[:5])))
    assert [one.label for one in found] == [gold.label for gold in GOLD[:5]]
    assert len(server.asked) == 7


def test_texts_without_an_answer_are_told_when_the_others_are_done():
    def script(body, n):
        bad = asked_text(body) in (GOLD[1].text, GOLD[3].text)
        return Reply(status=500, error={"message": "oh"}) if bad else oracle(body, n)

    with ChatServer(script) as server:
        made = chat(server).many(bare(GOLD[:6]))
        found = [next(made).id for _ in range(4)]
        with pytest.raises(NoAnswer, match="2 of the texts got no answer, record") as told:
            next(made)
    assert found == [GOLD[at].id for at in (0, 2, 4, 5)]
    assert len(told.value.problems) == 2
    assert all("still 500 after 3 tries" in problem for problem in told.value.problems)


def test_a_server_that_is_not_there_is_told_in_one_line():
    with pytest.raises(ServerError, match="no server answers there") as told:
        Extractor.load("openai:m@http://127.0.0.1:9/v1")("Rain.", task="scnm-en")
    assert "\n" not in str(told.value)


# ---------------------------------------------------------------- runs


def run(server, folder, options=None, *, limits=QUICK, records=GOLD, **more):
    return predict(records, chat(server, options, limits=limits, reading="strict"), folder, **more)


@pytest.mark.parametrize("options", [None, FREE], ids=["structured", "free"])
def test_a_run_of_an_oracle_is_all_right(tmp_path, options):
    with ChatServer(oracle) as server:
        done = run(server, tmp_path / "run", options)
        again = run(server, tmp_path / "run", options)
    assert (done.report.tl.f1, done.report.wl.f1, done.report.all) == (1.0, 1.0, 1.0)
    assert done.report.well_formed == 1.0
    assert (done.faults, done.repaired) == ({}, None)
    assert done.account["usage"]["requests"] == len(server.asked) == len(GOLD)
    assert (again.made, again.account) == (0, done.account)


def test_both_ways_of_asking_score_the_same(tmp_path):
    def script(body, n):
        """One entity is wrong, in either form."""
        reply = oracle(body, n)
        return replace(reply, text=reply.text.replace("Turin", "Trieste"))

    with ChatServer(script) as server:
        made = [run(server, tmp_path / name, o) for name, o in (("json", None), ("free", FREE))]
        paper = [
            {p.id: p.completion for p in store.iter_records(one.folder / PREDICTIONS)}
            for one in made
        ]
    assert made[0].report.to_dict() == made[1].report.to_dict()
    assert paper[0] == paper[1]
    assert 0 < made[0].report.wl.f1 < 1
    assert made[0].report.entities.part < made[0].report.entities.whole


def mixed(body, n):
    """Every answer is bad in its own way, by the text."""
    number = next(at for at, gold in enumerate(GOLD) if gold.text == asked_text(body))
    good = oracle(body, n)
    return [
        good,
        Reply("I'm sorry, but I can't help with that."),
        Reply("", refusal="This is not allowed."),
        Reply(f"Sure!\n{good.text}\nAnything else?"),
        Reply(good.text[:-3], finish="length"),
        Reply(status=400, error={"message": "filtered", "code": "content_filter"}),
        Reply(""),
        Reply("🐈 ニャー 喵"),
    ][number % 8]


@pytest.mark.parametrize("options", [None, FREE], ids=["structured", "free"])
def test_bad_answers_are_predictions_that_say_nothing(tmp_path, options):
    with ChatServer(mixed) as server:
        done = run(server, tmp_path / "run", options)
    assert done.faults == {"refused": 9, "not in the format": 6, "cut off": 3, "empty": 3}
    made = {one.id: one for one in store.iter_records(tmp_path / "run" / PREDICTIONS)}
    assert len(made) == len(GOLD)
    for at, gold in enumerate(GOLD):
        assert isinstance(made[gold.id], Prediction)
        assert made[gold.id].ok is (at % 8 == 0)
        assert made[gold.id].items == (gold.items if at % 8 == 0 else ())
    assert done.report.all == 3 / 24
    assert done.repaired.tl.matched == 6 + (3 if options else 0)
    told = json.loads((tmp_path / "run" / "metrics.json").read_text("utf-8"))
    assert told["faults"] == done.faults
    assert told["score"]["all"] < told["score_repaired"]["all"]


def test_what_was_asked_is_written_down_without_the_texts(tmp_path):
    with ChatServer(oracle) as server:
        done = run(server, tmp_path / "run")
    config = json.loads((done.folder / "config.json").read_text("utf-8"))
    assert config["model"] == f"openai:tiny@{server.url}"
    assert config["reading"] == "strict"
    assert re.fullmatch("[0-9a-f]{12}", config["prompt"])
    start = json.loads((done.folder / "log.jsonl").read_text("utf-8").splitlines()[0])
    sent = [[one["role"], one["content"]] for one in server.asked[0]["messages"]]
    shown = [[*messages[:-1]] for messages in start["prompts"].values()]
    assert sent[:-1] in shown


def test_another_reading_or_schema_is_another_run(tmp_path):
    with ChatServer(oracle) as server:
        run(server, tmp_path / "run")
        with pytest.raises(InputError, match="another reading"):
            predict(GOLD, chat(server), tmp_path / "run")
        with pytest.raises(InputError, match="another options"):
            run(server, tmp_path / "run", FREE)


def test_a_budget_stops_a_run_and_a_larger_one_goes_on(tmp_path):
    with ChatServer(oracle) as server:
        small = replace(QUICK, budget_tokens=60, concurrency=1)  # 12 tokens an answer
        with pytest.raises(BudgetSpent, match="60 tokens is spent"):
            run(server, tmp_path / "run", limits=small)
        kept = len(store.read_records(tmp_path / "run" / PREDICTIONS))
        assert (kept, len(server.asked)) == (5, 5)
        with pytest.raises(BudgetSpent):
            run(server, tmp_path / "run", limits=small)
        assert len(server.asked) == 5
        done = run(server, tmp_path / "run", limits=replace(QUICK, budget=1.0, price_in=1e3))
    assert (done.made, len(server.asked)) == (19, 24)
    assert done.account["usage"]["tokens_in"] == 240
    assert done.account["cost"] == pytest.approx(0.24)
    events = [json.loads(x) for x in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["start", "stopped"] * 2 + ["start", "done"]


def test_answers_that_were_kept_but_not_written_down_are_not_asked_for_again(tmp_path):
    with ChatServer(oracle) as server:
        run(server, tmp_path / "run")
        (tmp_path / "run" / PREDICTIONS).unlink()
        done = run(server, tmp_path / "run")
    assert (done.made, len(server.asked)) == (24, 24)


def test_a_text_without_an_answer_is_asked_for_by_the_next_call_alone(tmp_path):
    bad = [GOLD[2].text]

    def script(body, n):
        if asked_text(body) in bad:
            return Reply(status=500, error={"message": "oh"})
        return oracle(body, n)

    with ChatServer(script) as server:
        with pytest.raises(NoAnswer, match=GOLD[2].id):
            run(server, tmp_path / "run")
        assert len(store.read_records(tmp_path / "run" / PREDICTIONS)) == 23
        bad.clear()
        before = len(server.asked)
        done = run(server, tmp_path / "run")
    assert (done.made, len(server.asked) - before, done.report.all) == (1, 1, 1.0)


def test_the_key_is_sent_and_nowhere_written(tmp_path, monkeypatch):
    key = "sk-very-secret-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", key)

    def script(body, n):
        if n == 12:
            return Reply(status=401, error={"message": f"Incorrect API key provided: {key}"})
        return oracle(body, n)

    with ChatServer(script) as server:
        with pytest.raises(ServerError, match="the key is refused") as told:
            run(server, tmp_path / "run", limits=replace(QUICK, concurrency=1))
        assert key not in str(told.value)
        run(server, tmp_path / "run")
    assert set(server.keys) == {f"Bearer {key}"}
    files = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert {ANSWERS, PREDICTIONS, "config.json", "log.jsonl"} <= {file.name for file in files}
    assert not [file for file in files if key.encode() in file.read_bytes()]


def test_the_task_of_a_manifest_goes_before_the_table(tmp_path):
    own = replace(task("scnm-ja"), labels=("昼", "夜"))
    records = [Record("1", "scnm-ja", "月が出た。", "夜")]
    with ChatServer(lambda body, n: Reply(json.dumps({"label": "夜", "items": []}))) as server:
        done = run(server, tmp_path / "run", records=records, task=own)
    assert done.report.all == 1.0
    assert "昼、夜" in server.asked[0]["messages"][0]["content"]


# ---------------------------------------------------------------- the backend


def test_the_backend_gives_bare_prompts_and_the_first_line_of_the_answer():
    def script(body, n):
        (message,) = body["messages"]
        cut = message["content"].startswith("B")
        return Reply(f"{message['content']}/x/" + ("" if cut else "\nand so on"), finish="length")

    with ChatServer(script) as server:
        backend: Backend = ChatBackend(Client(Address("tiny", server.url), QUICK))
        found = backend.complete(["Ada", "Bo", "花🌸"], max_new_tokens=9)
        assert server.asked[0]["max_tokens"] == 9
        with pytest.raises(InputError, match="takes no grammar"):
            backend.complete(["Ada"], ["start: /./"])
        ex = Extractor(backend, Options(constrained=False))
        assert ex("Ada", adhoc(labels=["Ada"], entities=["b"])).completion
    assert [one.text for one in found] == ["Ada/x/", "Bo/x/", "花🌸/x/"]
    assert [one.cut for one in found] == [False, True, False]
    assert backend.count("花") == 1
    assert openai.behind("openai:m@http://127.0.0.1:9/v1").backend.weights == ""

"""A run of labelling: every record is accounted for, nothing is asked twice, a kill loses little."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from chat_server import ChatServer, Reply, label

from pointline.corpus import store
from pointline.draft import label as labelling
from pointline.draft.label import LEDGER
from pointline.draft.labeller import ChatLabeller, ModelLabeller
from pointline.draft.prompts import LabelPrompt
from pointline.errors import InputError, RecordError, ServerError
from pointline.format.record import Pair, Record
from pointline.format.tasks import task
from pointline.model.backend import Completion, Token
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address
from pointline.model.extract import Extractor, Options

LABELS = ("社会", "文芸", "学問", "技術", "自然")
SCNM = task("scnm-ja")


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def records(count):
    return [
        Record(f"r{n:03}", "", f"第{n}の報告、京都にて🌸。", "", (Pair("地名", "京都", 5 + len(str(n)), 7 + len(str(n))),))
        for n in range(count)
    ]  # fmt: skip


@pytest.fixture
def source(tmp_path):
    store.write_records(tmp_path / "in.jsonl", records(12))
    return tmp_path / "in.jsonl"


def number(body):
    """The number that stands in the text asked about."""
    text = json.loads(body["messages"][-1]["content"])["text"]
    return int(text[1 : text.index("の")])


def who(server, ballots=1, **limits):
    quick = {"first_wait": 0.01, "longest_wait": 0.02, "attempts": 2, "concurrency": 2, **limits}
    prompt = LabelPrompt(LABELS, "ja")
    return ChatLabeller(
        Address("tiny", server.url), prompt, limits=Limits(**quick), ballots=ballots
    )


def run(source, labeller, tmp_path, **more):
    return labelling.label(source, labeller, tmp_path / "run", **more)


def read(tmp_path, name):
    return store.read_records(tmp_path / "run" / f"{name}.jsonl")


def moods(body, n):
    """Every kind of answer, by the number in the text."""
    sure, unsure = [("社会", -0.01)], [("社会", -1.5)]
    return {
        0: label("社会", tokens=sure), 1: label("社会", tokens=unsure),
        2: Reply("I'm sorry, I cannot help with that."), 3: label("経済", tokens=sure),
        4: Reply("```json\n{\"label\": \"自然\"}\n```"), 5: Reply(status=400, error={"message": "long"}),
        6: Reply("{broken"), 7: label("文芸"),
    }.get(number(body), label("技術"))  # fmt: skip


def test_every_record_is_accounted_for(source, tmp_path):
    with ChatServer(moods) as server:
        done = run(source, who(server), tmp_path, threshold=0.5, task=SCNM)
    assert (done.records, done.labelled, done.queued, done.failed, done.waiting) == (12, 7, 4, 1, 0)
    assert done.reasons == {"low confidence": 1, "refused": 1, "out of set": 2}
    ids = [record.id for name in ("labelled", "queue", "failed") for record in read(tmp_path, name)]
    assert sorted(ids) == [record.id for record in records(12)]
    assert done.labels == {"技術": 4, "社会": 1, "自然": 1, "文芸": 1}


def test_a_labelled_record_says_who_labelled_it(source, tmp_path):
    with ChatServer(moods) as server:
        run(source, who(server), tmp_path, task=SCNM)
    first = read(tmp_path, "labelled")[0]
    assert (first.label, first.task) == ("社会", "scnm-ja")
    assert first.pairs == records(1)[0].pairs
    made = first.meta["label_source"]
    assert made["model"] == f"openai:tiny@{server.url}"
    assert made["confidence"] == pytest.approx(0.990, abs=1e-3)
    assert made["prompt"] == LabelPrompt(LABELS, "ja").version


def test_the_queue_begins_with_the_most_doubtful_and_the_source_is_beside_it(source, tmp_path):
    with ChatServer(moods) as server:
        run(source, who(server), tmp_path, threshold=0.5)
    queue, given = read(tmp_path, "queue"), read(tmp_path, "source")
    assert [record.id for record in queue] == [record.id for record in given]
    assert [(r.id, r.label, r.meta["doubt"]) for r in queue] == [
        ("r002", "", "refused"), ("r003", "", "out of set"), ("r006", "", "out of set"),
        ("r001", "社会", "low confidence"),
    ]  # fmt: skip
    assert queue[0].meta["label_source"]["answer"].startswith("I'm sorry")
    assert set(given) <= set(records(12))


def test_the_same_command_asks_only_for_what_is_missing(source, tmp_path):
    with ChatServer(moods) as server:
        first = run(source, who(server), tmp_path)
        asked = len(server.asked)
        files = {p.name: p.read_bytes() for p in (tmp_path / "run").glob("*.jsonl")}
        again = run(source, who(server), tmp_path)
        assert {number(body) for body in server.asked[asked:]} == {5}  # the one that failed
    assert replace(again, seconds=0, usage=first.usage) == replace(first, seconds=0)
    for name in ("labelled.jsonl", "queue.jsonl", "source.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == files[name]


def test_another_threshold_asks_nothing(source, tmp_path):
    def script(body, n):
        return label("社会", tokens=[("社会", -0.1 * number(body))])

    with ChatServer(script) as server:
        low = run(source, who(server), tmp_path, threshold=0.0)
        high = run(source, who(server), tmp_path, threshold=0.7)
    assert (low.labelled, high.labelled, high.queued) == (12, 4, 8)
    assert len(server.asked) == 12
    order = [record.meta["label_source"]["confidence"] for record in read(tmp_path, "queue")]
    assert order == sorted(order)


def test_a_record_that_was_changed_is_asked_for_again(source, tmp_path):
    with ChatServer(moods) as server:
        run(source, who(server), tmp_path)
        asked = len(server.asked)
        changed = [replace(r, pairs=()) if r.id == "r000" else r for r in records(12)]
        store.write_records(source, [*changed[:5], Record("new", "", "第9の文。")])
        done = run(source, who(server), tmp_path)
        assert sorted(number(body) for body in server.asked[asked:]) == [0, 9]
    assert done.records == 6


def test_a_folder_of_another_run_is_refused(source, tmp_path):
    with ChatServer(moods) as server:
        run(source, who(server), tmp_path)
        with pytest.raises(InputError, match=r"another .*votes"):
            run(source, who(server, ballots=2), tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="holds no run"):
        labelling.label(source, who(server), tmp_path / "mine")


def test_labels_that_are_there_stay(source, tmp_path):
    given = [replace(r, label="自然") if r.id < "r004" else r for r in records(6)]
    store.write_records(source, given)
    with ChatServer(lambda body, n: label("社会")) as server:
        done = run(source, who(server), tmp_path)
        assert (done.labelled, done.had_label, len(server.asked)) == (6, 4, 2)
        assert [r.label for r in read(tmp_path, "labelled")] == ["自然"] * 4 + ["社会"] * 2
        asked = labelling.label(source, who(server), tmp_path / "anew", relabel=True)
    assert (asked.labelled, asked.had_label, asked.labels) == (6, 0, {"社会": 6})


def test_votes_that_differ_are_queued(source, tmp_path):
    def script(body, n):
        return label("自然" if number(body) == 3 and body["seed"] else "社会")

    with ChatServer(script) as server:
        done = run(source, who(server, ballots=2), tmp_path)
    assert (done.labelled, done.queued, done.reasons) == (11, 1, {"disagreement": 1})
    (doubtful,) = read(tmp_path, "queue")
    assert doubtful.meta["label_source"]["votes"] == ["社会", "自然"]
    assert len(server.asked) == 24


def test_a_budget_stops_the_run_and_a_larger_one_goes_on(source, tmp_path):
    with ChatServer(lambda body, n: label("社会", usage=(90, 10))) as server:
        stopped = run(source, who(server, budget_tokens=400), tmp_path)
        assert "the budget of 400 tokens is spent" in stopped.stopped
        assert stopped.labelled == len(server.asked) <= 5
        assert stopped.waiting == 12 - stopped.labelled
        assert len(read(tmp_path, "labelled")) == stopped.labelled
        at_once = run(source, who(server, budget_tokens=400), tmp_path)
        assert at_once.stopped and at_once.labelled == stopped.labelled
        done = run(source, who(server, budget_tokens=10_000), tmp_path)
    assert (done.labelled, done.stopped, len(server.asked)) == (12, "", 12)
    assert done.usage.tokens == 1200


def test_agreement_with_gold_counts_what_the_threshold_does(source, tmp_path):
    def script(body, n):
        odd = number(body) % 2
        return label("自然" if odd else "社会", tokens=[("自然" if odd else "社会", -odd * 1.0)])

    gold = {record.id: "社会" for record in records(8)} | {"r001": "自然", "elsewhere": "自然"}
    with ChatServer(script) as server:
        found = run(source, who(server), tmp_path, threshold=0.5, gold=gold).agreement
    assert found is not None
    assert (found["records"], found["accuracy"]) == (8, 5 / 8)
    assert found["labelled"] == {"records": 4, "right": 4}
    assert found["queued"] == {"records": 4, "right": 1}
    assert {"first": "社会", "second": "自然", "count": 3} in found["confusion"]
    assert found["thresholds"][0] == {"threshold": 0.5, "records": 4, "right": 4}
    assert found["kappa_interval"][0] <= found["kappa"] <= found["kappa_interval"][1]


def test_a_broken_line_is_told_before_anything_is_asked(source, tmp_path):
    with source.open("a") as file:
        file.write("{half\n")
    with ChatServer(moods) as server, pytest.raises(RecordError, match=r"in\.jsonl:13"):
        run(source, who(server), tmp_path)
    assert server.asked == []
    assert not (tmp_path / "run").exists()


def test_nothing_to_label_and_a_threshold_that_is_none_are_refused(source, tmp_path):
    store.write_records(tmp_path / "empty.jsonl", [])
    with ChatServer(moods) as server:
        with pytest.raises(InputError, match="no record to label"):
            run(tmp_path / "empty.jsonl", who(server), tmp_path)
        with pytest.raises(InputError, match="threshold"):
            run(source, who(server), tmp_path, threshold=1.5)


def test_a_server_that_goes_away_loses_nothing(source, tmp_path):
    with ChatServer(lambda body, n: label("社会")) as server:
        labeller = who(server)
        run(source, labeller, tmp_path, limit=5)
    with pytest.raises(ServerError, match="no server answers there"):
        run(source, labeller, tmp_path)
    with ChatServer(lambda body, n: label("社会")) as other:
        # another address is another run: the first one's labels are still in its files
        assert len(read(tmp_path, "labelled")) == 5
        assert other.asked == []


def test_the_run_says_how_it_was_made_and_never_the_key(source, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    with ChatServer(moods) as server:
        run(source, who(server), tmp_path, threshold=0.25)
    folder = tmp_path / "run"
    config = json.loads((folder / "config.json").read_text())
    assert config["prompt"] == LabelPrompt(LABELS, "ja").version
    assert config["messages"][0][0] == "system"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["labelled"] + metrics["queued"] + metrics["failed"] == metrics["records"]
    assert metrics["threshold"] == 0.25
    events = [json.loads(line)["event"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert events == ["start", "done"]
    assert all(b"secret" not in file.read_bytes() for file in folder.iterdir())


class Unsure:
    """A backend that gives every label, with a probability that falls with the text's number."""

    name, weights, window = "unsure", "w", 2048

    def count(self, text):
        return len(text)

    def complete(self, prompts, grammars=None, *, max_new_tokens=512, halts=None):
        assert all('"社会" | "文芸"' in grammar for grammar in grammars)
        asked = [int(prompt[1 : prompt.index("の")]) for prompt in prompts]
        return [
            Completion(
                "社会/固有表現抽出/", (Token(0, 0, 2, -0.1 * n, 0.0), Token(1, 2, 10, 0.0, 0.0))
            )
            for n in asked
        ]


def test_a_model_of_this_machine_labels_under_the_grammar(source, tmp_path):
    seen = []
    ex = Extractor(Unsure(), Options(level="text"))
    labeller = ModelLabeller(ex, SCNM, batch_size=4)
    done = run(
        source, labeller, tmp_path, task=SCNM, threshold=0.5,
        progress=lambda made, total: seen.append((made, total)),
    )  # fmt: skip
    assert (done.labelled, done.queued) == (7, 5)
    assert [record.id for record in read(tmp_path, "queue")] == [
        "r011",
        "r010",
        "r009",
        "r008",
        "r007",
    ]
    assert seen[-1] == (12, 12)
    assert run(source, labeller, tmp_path, task=SCNM, threshold=0.5).labelled == 7


# ---------------------------------------------------------------- kills


def test_a_kill_loses_at_most_what_is_in_flight(tmp_path):
    store.write_records(tmp_path / "in.jsonl", records(60))
    finished: set[str] = set()

    def script(body, n):
        return label(LABELS[number(body) % 5], delay=0.05)

    with ChatServer(script) as server:
        command = [
            sys.executable, "-m", "pointline", "data", "label", str(tmp_path / "in.jsonl"),
            "--out", str(tmp_path / "run"), "--model", f"openai:tiny@{server.url}",
            "--labels", ",".join(LABELS), "--lang", "ja", "--concurrency", "4",
        ]  # fmt: skip
        for wanted in (10, 30):
            asked = len(server.asked)
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while len(server.asked) < wanted and process.poll() is None:
                time.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            repeated = finished & {f"r{number(body):03}" for body in server.asked[asked:]}
            assert not repeated
            with sqlite3.connect(tmp_path / "run" / LEDGER) as connection:
                finished = {id for (id,) in connection.execute("select id from rows")}
            connection.close()
            assert finished
        asked = len(server.asked)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert not finished & {f"r{number(body):03}" for body in server.asked[asked:]}
        assert len(server.asked) <= 60 + 2 * 4
    assert "60 labelled + 0 queued + 0 failed = 60 records" in done.stdout
    made = read(tmp_path, "labelled")
    assert [record.label for record in made] == [LABELS[n % 5] for n in range(60)]

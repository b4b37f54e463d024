"""A run of translation: every record is accounted for, every kind of bad answer caught by name."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from translating import dataset, found, run
from translators import MOODS, Book, ChatServer, Translators

from pointline.corpus import store
from pointline.draft.filters import FILTERS
from pointline.draft.origin import origin
from pointline.draft.prompts import TranslationPrompt
from pointline.draft.rules import Rules
from pointline.draft.translate import LEDGER, translate
from pointline.draft.translator import Translator
from pointline.errors import InputError, RecordError
from pointline.format.record import Pair, Record
from pointline.format.tasks import task
from pointline.model.chat.question import Address


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


# ------------------------------------------------------------ every kind of translator

#: What becomes of a record by mood: the file, the first rule, and the steps of its entities.
FATES = {
    "good": ("kept", "", {"verbatim": 3}),
    "fewer": ("kept", "", {"asked": 3}),
    "merged": ("kept", "", {"asked": 3}),
    "paraphrased": ("kept", "", {"asked": 1, "verbatim": 2}),
    "inflected": ("kept", "", {"asked": 3}),
    "reordered": ("kept", "", {"asked": 3}),
    "widened": ("kept", "", {"normalised": 3}),
    "lost": ("dropped", "entity-missing", {"verbatim": 2}),
    "wrong language": ("dropped", "untranslated", {}),
    "copied": ("dropped", "copied", {"verbatim": 3}),
    "half": ("dropped", "untranslated", {"verbatim": 3}),
    "endless": ("dropped", "length-ratio", {"verbatim": 3}),
    "fenced": ("kept", "", {"verbatim": 3}),
    "cut": ("kept", "", {"asked": 3}),
    "broken once": ("kept", "", {"verbatim": 3}),
    "broken": ("dropped", "unreadable", {}),
    "plain": ("kept", "", {"asked": 3}),
    "chatter": ("dropped", "chatter", {"verbatim": 3}),
    "refusal": ("dropped", "refusal", {}),
    "busy": ("kept", "", {"verbatim": 3}),
    "slow once": ("kept", "", {"verbatim": 3}),
    "slow": ("queued", None, {}),
    "refused": ("queued", None, {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def fates(tmp_path_factory):
    """One run with a record of every mood."""
    folder = tmp_path_factory.mktemp("fates")
    names, book = list(FATES), Book(len(FATES))
    script = Translators(book, lambda n: names[n])
    with ChatServer(script) as server:
        source = dataset(folder / "in", book.records("ja"))
        done = run(source, server, folder / "out", timeout=0.5)
    return done, found(folder / "out"), names


@pytest.mark.parametrize("mood", FATES)
def test_a_bad_answer_is_repaired_by_a_step_or_dropped_by_a_rule(fates, mood):
    _, told, names = fates
    file, rules, steps, _ = told[f"book-{names.index(mood):05d}"]
    kept, rule, wanted = FATES[mood]
    assert (file if file in ("dropped", "queued") else "kept") == kept
    assert rules is None if rule is None else next(iter(rules), "") == rule
    assert Counter((steps or {}).values()) == wanted


def test_kept_and_dropped_and_queued_are_the_input(fates):
    done, told, _ = fates
    values = done.to_dict()
    assert values["kept"] + values["dropped"] + values["queued"] == values["records"] == len(FATES)
    assert len(told) == len(FATES)
    by_file = Counter(file for file, *_ in told.values())
    assert by_file["dropped"] == values["dropped"] == sum(values["dropped_by_rule"].values())
    assert by_file["queued"] == values["queued"] == values["queued_by_reason"]["no answer"]
    assert {s: by_file[s] for s in ("train", "dev", "test")} == values["kept_by_split"]
    assert json.loads((done.folder / "metrics.json").read_text())["kept"] == values["kept"]
    assert values["notes"] == {
        "asked again: missing entities": 9, "asked again: unreadable": 3,
        "entities not as they were asked for": 4, "mended: broken JSON, or none": 2,
    }  # fmt: skip


def test_a_dropped_record_says_why_and_what_it_was(fates):
    _, told, names = fates
    for mood, rule in (("chatter", "chatter"), ("refusal", "refusal"), ("broken", "unreadable")):
        record = told[f"book-{names.index(mood):05d}"][3]
        draft = record.meta["draft"]
        assert list(draft["reasons"]) == draft["rules"] == [rule]
        assert draft["source"] == Book(len(FATES)).text(names.index(mood), "ja")
    assert draft["reasons"]["unreadable"].startswith('{"translation of the text"')


def test_moods_all_have_a_fate():
    assert set(MOODS) - set(FATES) == {"changed", "same"}


def test_the_documented_table_is_the_tested_one():
    text = (Path(__file__).parents[1] / "docs" / "translation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \*([^*]+)\*: [^|]+ \| (\w+) \| ([^|]*) \|$", text, re.MULTILINE)
    told = {
        mood: (
            kept,
            rule or ", ".join(f"{step} {n}" for step, n in steps.items() if kept == "kept"),
        )
        for mood, (kept, rule, steps) in FATES.items()
    }
    assert {mood: (kept, by.strip("` ")) for mood, kept, by in rows} == told


def test_the_documented_rules_are_those_of_the_presets():
    text = (Path(__file__).parents[1] / "docs" / "translation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z`, -]+) \| .* \| (x|plain|) ?\| (x|) ?\|$", text, re.MULTILINE)
    named = {name.strip("` "): row for row in rows for name in row[0].split(",")}
    always = {"refusal", "unreadable"}
    assert set(named) == {*FILTERS, "duplicated", "unreadable"}
    ours = {name for name, row in named.items() if row[2]} - {"unwritable-plain"}
    assert ours == {*Rules().filters, *always}
    paper = {name for name, row in named.items() if row[1]} - {"unwritable"}
    assert paper == {*Rules.of("paper").filters, *always}


@pytest.mark.parametrize(
    ("mood", "rule", "steps"),
    [
        ("paraphrased", "entity-missing", {"verbatim": 2}),
        ("fewer", "entity-missing", {}),
        ("widened", "", {"normalised": 3}),
    ],
)
def test_a_translator_that_will_not_say_where_loses_what_cannot_be_found(
    tmp_path, mood, rule, steps
):
    book = Book(1)
    with ChatServer(Translators(book, lambda n: mood, stubborn=True)) as server:
        run(dataset(tmp_path / "in", book.records("zh")), server, tmp_path / "out")
    ((_, rules, told, _),) = found(tmp_path / "out").values()
    assert next(iter(rules), "") == rule
    assert Counter(told.values()) == steps


@pytest.mark.parametrize(("source", "to"), [
    ("en", "ja"), ("en", "zh"), ("ja", "en"), ("ja", "zh"), ("zh", "en"), ("zh", "ja"),
])  # fmt: skip
def test_every_direction_gives_the_records_of_the_other_language(tmp_path, source, to):
    book = Book(8)
    with ChatServer(Translators(book, lambda n: "changed")) as server:
        run(dataset(tmp_path / "in", book.records(source)), server, tmp_path / "out", to=to)
    made = store.read_dataset(tmp_path / "out")
    assert made.task == task(f"scnm-{to}")
    records = [*made.train, *made.dev, *made.test]
    for n, record in enumerate(records):
        wanted = book.record(n, to)
        assert (record.id, record.text, record.label) == (wanted.id, wanted.text, wanted.label)
        assert set(record.pairs) == set(wanted.pairs)
        assert record.meta["n"] == n
    assert [len(part) for part in (made.train, made.dev, made.test)] == [4, 2, 2]


def test_the_folder_is_a_dataset_without_a_fault(tmp_path):
    book = Book(12)
    with ChatServer(Translators(book)) as server:
        source = dataset(tmp_path / "in", book.records("ja"))
        run(source, server, tmp_path / "out")
    checked = store.check(tmp_path / "out")
    assert [p for p in checked.problems if p.rule != "twin"] == []
    manifest = store.read_manifest(tmp_path / "out")
    assert manifest["counts"] == {"train": 6, "dev": 3, "test": 3}
    assert manifest["sources"] == [
        {"text": "machine-translated", "items": "machine-translated", "labels": "mapped"}
    ]
    told = manifest["translated"]
    assert told["from"]["name"] == "scnm-ja"
    assert told["prompt"] == TranslationPrompt("ja", "en").version
    (first,) = store.read_records(tmp_path / "out" / "dev.jsonl")[:1]
    assert first.meta["draft"]["model"] == told["model"]


def test_facts_are_translated_field_by_field_and_their_relation_by_table(tmp_path):
    book = Book(4)
    store.write_records(tmp_path / "facts.jsonl", [book.facts(n, "ja") for n in range(4)])
    with ChatServer(Translators(book, lambda n: ("good", "fewer", "lost", "widened")[n])) as server:
        run(tmp_path / "facts.jsonl", server, tmp_path / "out", to="zh")
    told = found(tmp_path / "out")
    assert [told[f"fact-{n:05d}"][0] for n in range(4)] == ["drafts", "drafts", "dropped", "drafts"]
    record = told["fact-00000"][3]
    assert (record.task, record.label) == ("tcree-zh", book.facts(0, "zh").label)
    assert record.facts == book.facts(0, "zh").facts
    lost = told["fact-00002"][3]
    assert lost.facts[0].fields[1] == "所属"
    assert told["fact-00002"][1][0] == "entity-missing"


def test_twins_are_dropped_but_the_first(tmp_path):
    book = Book(2)
    script = Translators(book)
    script.book.number[book.text(0, "ja") + "！"] = 0
    first = book.record(0, "ja")
    twin = replace(first, id="twin", text=first.text + "！")
    source = dataset(tmp_path / "in", [first, book.record(1, "ja"), twin], parts=(0.7, 0))
    with ChatServer(script) as server:
        done = run(source, server, tmp_path / "out")
        assert found(tmp_path / "out")["twin"][:2] == ("dropped", ["duplicated"])
        asked = len(server.asked)
        done = run(source, server, tmp_path / "out", rules=Rules.of("entity-missing"))
        assert (done.kept, len(server.asked)) == (3, asked)


def test_an_entity_mentioned_twice_takes_both_places(tmp_path):
    text = "猫のタマと犬のポチとタマ。"
    pairs = tuple(Pair("人名", "タマ", at, at + 2) for at in (2, 10))
    store.write_records(tmp_path / "in.jsonl", [Record("1", "scnm-ja", text, "自然", pairs)])

    def script(body, n):
        from chat_server import Reply

        asked = json.loads(body["messages"][-1]["content"])
        assert asked["entities"] == ["タマ"]
        return Reply(json.dumps({"text": "Tama the cat, Pochi the dog and Tama.",
                                 "entities": ["Tama"]}))  # fmt: skip

    with ChatServer(script) as server:
        run(tmp_path / "in.jsonl", server, tmp_path / "out")
    (record,) = store.read_records(tmp_path / "out" / "drafts.jsonl")
    assert [(pair.start, pair.end) for pair in record.pairs] == [(0, 4), (32, 36)]


# ------------------------------------------------------------ labels


def open_records(book, count):
    """Records with labels of which the tables know some."""
    made = []
    for n in range(count):
        record = book.record(n, "en")
        labels = ["person", f"odd kind {n % 25}", "city of birth"]
        pairs = [replace(p, label=labels[at]) for at, p in enumerate(record.pairs)]
        label = "music" if n % 2 else f"sea stories {n % 3}"
        made.append(replace(record, task="tconer-en", label=label, pairs=tuple(pairs)))
    return made


def test_open_labels_are_asked_once_and_are_the_same_in_every_record(tmp_path):
    book = Book(60)
    script = Translators(book)
    store.write_records(tmp_path / "in.jsonl", open_records(book, 60))
    with ChatServer(script) as server:
        done = run(tmp_path / "in.jsonl", server, tmp_path / "out", to="ja")
        assert done.kept == 60
        label_questions = [json.loads(body["messages"][-1]["content"]) for body in server.asked
                           if "labels" in body["messages"][-1]["content"]]  # fmt: skip
        asked = [label for question in label_questions for label in question["labels"]]
        assert len(asked) == len(set(asked)) == 3 + 25 + 1
        assert [len(question["labels"]) for question in label_questions] == [3, 20, 6]
        assert len(label_questions[2]["known"]) == 20
    records = store.read_records(tmp_path / "out" / "drafts.jsonl")
    assert records[1].label == "音楽"
    assert records[0].label == records[6].label == "ja·sea stories 0"
    assert {pair.label for pair in records[0].pairs} == {
        "人物",
        "ja·odd kind 0",
        "ja·city of birth",
    }
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["glossary"]["word: odd kind 24"] == "ja·odd kind 24"


def test_what_was_named_stays_when_more_records_come(tmp_path):
    book = Book(40)
    script, records = Translators(book), open_records(book, 40)
    store.write_records(tmp_path / "in.jsonl", records[:4])
    with ChatServer(script) as server:
        run(tmp_path / "in.jsonl", server, tmp_path / "out", to="ja")
        before = found(tmp_path / "out")
        asked = len(server.asked)
        store.write_records(tmp_path / "in.jsonl", records)
        run(tmp_path / "in.jsonl", server, tmp_path / "out", to="ja")
        new = [json.loads(body["messages"][-1]["content"]) for body in server.asked[asked:]]
    (known,) = [q["known"] for q in new if "odd kind 24" in q.get("labels", ())]
    assert known["odd kind 0"] == "ja·odd kind 0"
    after = found(tmp_path / "out")
    assert all(after[id] == before[id] for id in before)


def test_labels_of_a_table_are_never_asked(tmp_path):
    book = Book(3)
    script = Translators(book)
    with ChatServer(script) as server:
        run(dataset(tmp_path / "in", book.records("zh")), server, tmp_path / "out", to="ja")
    assert script.asked[-1, "labels"] == 0


# ------------------------------------------------------------ what is refused


def test_a_folder_or_a_database_of_another_run_is_refused(tmp_path):
    book = Book(2)
    source = dataset(tmp_path / "in", book.records("ja"))
    with ChatServer(Translators(book)) as server:
        run(source, server, tmp_path / "out")
        with pytest.raises(InputError, match=r"holds a run with another .*to"):
            run(source, server, tmp_path / "out", to="zh")
        given = origin(source)
        who = Translator(Address("tiny", server.url), TranslationPrompt("ja", "zh"))
        place = f"sqlite:///{tmp_path / 'out' / LEDGER}"
        with pytest.raises(InputError, match="holds another run"):
            translate(given, who, tmp_path / "zh", db=place)


def test_input_that_cannot_be_translated_is_told_before_anything_is_asked(tmp_path):
    book = Book(2)
    store.write_records(tmp_path / "empty.jsonl", [])
    store.write_records(tmp_path / "odd.jsonl", [Record("1", "mine", "x")])
    folder = tmp_path / "twice"
    folder.mkdir()
    for split in ("train", "test"):
        store.write_records(folder / f"{split}.jsonl", [book.record(0, "ja")])
    for path, told in (
        (tmp_path / "none.jsonl", "no such file or folder"),
        (tmp_path, "no train.jsonl"),
        (tmp_path / "empty.jsonl", "no record to translate"),
    ):
        with pytest.raises(InputError, match=told):
            origin(path)
    with pytest.raises(InputError, match="no task 'mine'"):
        origin(tmp_path / "odd.jsonl")
    with pytest.raises(RecordError, match="in test and before"):
        origin(folder)
    with pytest.raises(InputError, match="choose another language"):
        TranslationPrompt("ja", "ja")
    with pytest.raises(InputError, match="no filter 'fun'"):
        Rules.of("copied,fun")


def test_neither_key_nor_password_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    book = Book(2)
    with ChatServer(Translators(book)) as server:
        run(dataset(tmp_path / "in", book.records("ja")), server, tmp_path / "out")
        assert server.keys[-1] == "Bearer sk-very-secret"
    assert all(b"secret" not in f.read_bytes() for f in (tmp_path / "out").iterdir())

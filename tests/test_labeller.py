"""Who proposes a label, and what several proposals come to."""

import math

import pytest
from chat_server import ChatServer, Reply, label
from hypothesis import given
from hypothesis import strategies as st

from pointline.draft.labeller import ChatLabeller, ModelLabeller, Vote, judge
from pointline.draft.ledger import Ledger
from pointline.draft.prompts import LabelPrompt
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import adhoc, task
from pointline.model.backend import Scripted
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address
from pointline.model.extract import Extractor, Options

RECORDS = [Record(str(n), "", f"{n}番目の文。") for n in range(4)]
QUICK = Limits(first_wait=0.01, longest_wait=0.02, attempts=2, timeout=5.0, concurrency=2)


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def votes(tmp_path, script, labels=("社会", "自然"), records=RECORDS[:1], **more):
    with ChatServer(script) as server, Ledger(tmp_path / "l.sqlite") as ledger:
        prompt = LabelPrompt(labels, "ja")
        who = ChatLabeller(Address("tiny", server.url), prompt, limits=QUICK, **more)
        return dict(who.votes(records, ledger)), server


@pytest.mark.parametrize(
    ("reply", "found", "fault"),
    [
        (label("社会"), "社会", ""),
        (Reply('Of course!\n```json\n{"label": "自然"}\n```'), "自然", ""),
        (Reply("社会です。"), "社会", ""),
        (label("経済"), "", "out of set"),
        (Reply("経済"), "", "out of set"),
        (Reply("申し訳ありませんが、お答えできません。"), "", "refused"),
        (Reply("", refusal="I will not."), "", "refused"),
        (Reply("", finish="content_filter"), "", "refused"),
        (Reply('{"label": ', finish="length"), "", "cut off"),
        (Reply("", finish="length"), "", "cut off"),
        (Reply(""), "", "no label"),
        (Reply('{"topic": "社会"}'), "", "no label"),
        (Reply('{"label": ["社会"]}'), "", "no label"),
    ],
)  # fmt: skip
def test_what_a_model_writes_is_a_label_or_has_a_reason(tmp_path, reply, found, fault):
    made, _ = votes(tmp_path, lambda body, n: reply)
    (vote,) = made["0"]
    assert (vote.label, vote.fault) == (found, fault)


def test_an_open_label_is_any_short_one(tmp_path):
    made, server = votes(tmp_path, lambda body, n: label(f"話題{n}"), labels=None, records=RECORDS)
    assert sorted(vote.label for (vote,) in made.values()) == ["話題1", "話題2", "話題3", "話題4"]
    assert "enum" not in str(server.asked[0]["response_format"])
    made, _ = votes(tmp_path, lambda body, n: label("とても長い説明。次の文。"), labels=None,
                    records=[Record("z", "", "別の文")])  # fmt: skip
    assert made["z"][0].fault == "no label"


def test_confidence_is_that_of_the_label(tmp_path):
    tokens = [('{"label": "', -0.7), ("社会", -0.1), ('"}', -0.2)]
    made, _ = votes(tmp_path, lambda body, n: label("社会", tokens=tokens))
    assert made["0"][0].confidence == pytest.approx(math.exp(-0.1))


def test_several_ballots_are_drawn_and_asked_once_each(tmp_path):
    made, server = votes(
        tmp_path, lambda body, n: label("社会" if body["seed"] else "自然"), ballots=3
    )
    assert [vote.label for vote in made["0"]] == ["自然", "社会", "社会"]
    assert [body["temperature"] for body in server.asked] == [0.7] * 3


def test_a_record_without_an_answer_has_the_reason(tmp_path):
    made, _ = votes(tmp_path, lambda body, n: Reply(status=500, error={"message": "out of memory"}))
    assert "still 500 after 2 tries" in made["0"]
    assert "out of memory" in made["0"]


def test_fewer_than_one_ballot_is_refused():
    with pytest.raises(InputError):
        ChatLabeller(Address("m", "http://127.0.0.1:1"), LabelPrompt(None, "en"), ballots=0)


def test_a_model_of_this_machine_gives_label_and_probability(tmp_path):
    ex = Extractor(Scripted(lambda prompt: "社会/固有表現抽出/"), Options(level="text"))
    who = ModelLabeller(ex, task("scnm-ja"))
    made = dict(who.votes(RECORDS, None))
    assert made["3"] == (Vote("社会", 1.0, "", "社会/固有表現抽出/"),)
    assert who.config()["model"] == "scripted"


def test_a_model_that_writes_no_label_has_a_reason():
    own = adhoc(labels=["社会", "自然"], lang="ja")
    for line, fault in (("経済/固有表現抽出/", "out of set"), ("", "no label")):
        ex = Extractor(Scripted(lambda prompt, line=line: line), Options(level="text"))
        made = dict(ModelLabeller(ex, own).votes(RECORDS, None))
        assert made["0"][0].fault == fault


def test_a_models_prompt_has_a_version():
    def version(task, **options):
        ex = Extractor(Scripted(lambda prompt: ""), Options(level="text", **options))
        return ModelLabeller(ex, task).version

    own = adhoc(labels=["社会", "自然"], lang="ja")
    shown = Record("e", "", "雨", "自然")
    assert len({version(task("scnm-ja")), version(own), version(own, example=shown)}) == 3


def test_labels_are_asked_at_their_own_level():
    with pytest.raises(InputError, match="level 'text'"):
        ModelLabeller(Extractor(Scripted(lambda prompt: "")), task("scnm-ja"))


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("given_votes", "label", "confidence", "doubt"),
    [
        ([Vote("a")], "a", None, ""),
        ([Vote("a", 0.9)], "a", 0.9, ""),
        ([Vote("a", 0.4)], "a", 0.4, "low confidence"),
        ([Vote("a"), Vote("a")], "a", 1.0, ""),
        ([Vote("a"), Vote("b"), Vote("b")], "b", 2 / 3, "disagreement"),
        ([Vote("a"), Vote("", fault="refused")], "a", 0.5, "disagreement"),
        ([Vote("", fault="refused")], "", None, "refused"),
        ([Vote("Space  Travel"), Vote("ｓｐａｃｅ travel")], "Space  Travel", 1.0, ""),
    ],
)
def test_votes_come_to_a_verdict(given_votes, label, confidence, doubt):
    found = judge(tuple(given_votes), 0.5)
    assert (found.label, found.confidence, found.doubt) == (label, confidence, doubt)


@given(
    st.lists(
        st.builds(Vote, st.sampled_from(["", "a", "b"]), st.none() | st.floats(0, 1)),
        min_size=1,
        max_size=5,
    ),
    st.floats(0, 1),
)
def test_a_verdict_without_doubt_has_a_label_that_all_gave(given_votes, threshold):
    found = judge(tuple(given_votes), threshold)
    assert 0 <= found.certainty <= 1
    if not found.doubt:
        assert {vote.label for vote in given_votes} == {found.label}
        assert found.confidence is None or found.confidence >= threshold
    if not found.label:
        assert found.certainty == 0

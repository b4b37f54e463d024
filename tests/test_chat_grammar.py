"""A model behind an address is held to its grammar: who is told what, and what is read after."""

import pytest
from chat_server import ChatServer, Reply
from completion_server import LlamaServer, VLLMServer
from gbnf_reader import Gbnf
from tiny import tiny_model, tiny_records
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.errors import InputError, NoAnswer, ServerError
from pointline.format import codec
from pointline.format.record import Record
from pointline.format.tasks import task
from pointline.model.chat.client import Client
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address, Answer, Question, Rules
from pointline.model.chat.server import Server, identified
from pointline.model.extract import Extractor, Options
from pointline.model.grammar import build
from pointline.model.openai import ChatExtractor
from pointline.model.predict import predict
from pointline.model.prompt import input_text
from pointline.model.served import ServedBackend, behind

QUICK = Limits(first_wait=0.02, longest_wait=0.05, timeout=10.0, attempts=2)
GOLD = tiny_records(6)
VLLM = {"id": "tiny", "owned_by": "vllm", "max_model_len": 2048}
LLAMA = {"id": "tiny", "owned_by": "llamacpp", "meta": {}}


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def oracle(body, n=0):
    text = body["messages"][-1]["content"].rpartition("/")[0]
    gold = next(record for record in GOLD if record.text == text)
    return Reply(codec.write(gold, places=False))


def bare(records=GOLD):
    return [Record(record.id, record.task, record.text) for record in records]


def chat(server, options=None, **more):
    return ChatExtractor(Address("tiny", server.url), options, limits=QUICK, **more)


# ---------------------------------------------------------------- which server it is


def test_a_server_is_known_by_its_list_of_models():
    assert identified('{"data": []}', "m") == Server("other", None)
    assert identified('{"data": [1, {"owned_by": null}]}', "m") == Server()
    assert identified("[]", "m") == identified("<html>", "m") == Server()
    adapters = '{"data": [{"id": "a", "owned_by": "vllm", "max_model_len": 8}, {"id": "m"}]}'
    assert identified(adapters, "m") == Server("vllm", 8)
    two = adapters.replace('{"id": "m"}', '{"id": "m", "max_model_len": 9}')
    assert identified(two, "m").window == 9


@pytest.mark.parametrize(
    ("card", "kind"), [(VLLM, "lark"), (LLAMA, "gbnf"), ({"id": "tiny"}, "schema")]
)
def test_a_chat_model_is_held_as_its_server_takes_it(card, kind):
    with ChatServer(oracle if kind != "schema" else lambda b, n: Reply("{}"), [card]) as server:
        ex = chat(server)
        assert ex.held == kind
        found = list(ex.many(bare()))
    for body, record in zip(_in_order(server.asked), GOLD, strict=True):
        lark = build(task(record.task), record.text, align="words")
        if kind == "lark":
            assert body["structured_outputs"] == {"grammar": lark}
        elif kind == "gbnf":
            assert Gbnf(body["grammar"]).accepts(codec.write(record, places=False))
        assert ("response_format" in body) is (kind == "schema")
    if kind != "schema":
        assert [(one.label, one.pairs) for one in found] == [(g.label, g.pairs) for g in GOLD]


def _in_order(bodies):
    texts = [record.text for record in GOLD]
    return sorted(
        bodies, key=lambda b: texts.index(b["messages"][-1]["content"].rpartition("/")[0])
    )


@pytest.mark.parametrize("grammar", ["lark", "gbnf", "schema", "none"])
def test_what_is_said_goes_before_what_is_found_out(grammar):
    with ChatServer(oracle, [VLLM if grammar != "lark" else {"id": "tiny"}]) as server:
        ex = chat(server, grammar=grammar)
        assert ex.held == grammar
        next(ex.many(bare()[:1]))
    (body,) = server.asked
    sent = {"structured_outputs", "grammar", "response_format"} & body.keys()
    names = {"lark": "structured_outputs", "gbnf": "grammar", "schema": "response_format"}
    assert sent == ({names[grammar]} if grammar in names else set())


def test_a_grammar_has_the_options_of_the_extractor():
    options = Options(align="chars", max_items=2, level="word")
    with ChatServer(lambda b, n: Reply("/NER/"), [VLLM]) as server:
        chat(server, options)("Ada left.", task="scnm-en")
    held = server.asked[0]["structured_outputs"]["grammar"]
    expected = build(task("scnm-en"), "Ada left.", align="chars", form=options.level, max_items=2)
    assert held == expected


def test_reading_is_strict_after_all():
    with ChatServer(lambda b, n: Reply("I think: Society"), [VLLM]) as server:
        found = chat(server, reading="strict")("Ada left.", task="scnm-en")
    assert not found.ok and found.meta["fault"] == "not in the format"


def test_a_server_that_refuses_the_grammar_is_not_asked_without_it():
    refusal = Reply(status=400, error={"message": "structured_outputs: extra inputs"})
    with ChatServer(lambda b, n: refusal, [VLLM]) as server, pytest.raises(NoAnswer):
        chat(server)("Ada left.", task="scnm-en")
    assert all("structured_outputs" in body for body in server.asked)


def test_what_cannot_be_is_refused():
    address = Address("tiny", "http://127.0.0.1:1/v1")
    with pytest.raises(InputError, match="grammar is one of auto, lark"):
        ChatExtractor(address, grammar="ebnf")
    with pytest.raises(InputError, match="a free answer is held to nothing"):
        ChatExtractor(address, Options(constrained=False), grammar="lark")
    with pytest.raises(InputError, match="grammar is 'auto', 'lark', 'gbnf' or 'none'"):
        ServedBackend(address, grammar="schema")
    with pytest.raises(InputError, match="leave an adapter out"):
        behind("completions:m@http://127.0.0.1:1/v1", adapter="a")
    with pytest.raises(InputError, match="write completions:NAME@BASE_URL"):
        behind("m@http://127.0.0.1:1/v1")
    with pytest.raises(ServerError, match="no server answers there"):
        Extractor.load("completions:m@http://127.0.0.1:1/v1")


# ---------------------------------------------------------------- runs and memories


def test_a_run_under_another_grammar_is_another_run(tmp_path):
    with ChatServer(oracle, [VLLM]) as server:
        predict(bare(), chat(server), tmp_path / "run")
        with pytest.raises(InputError, match="grammar"):
            predict(bare(), chat(server, grammar="gbnf"), tmp_path / "run")
        assert chat(server, grammar="schema").settings().keys() == {"reading", "prompt"}


def test_questions_of_earlier_versions_have_the_keys_they_had():
    here, hi = Address("m"), (("user", "hi"),)
    assert Question(hi).key(here) == KEY_OF_HI
    held = Question(hi, rules=Rules("lark", "start: LABEL"))
    assert (
        held.key(here) != Question(hi, rules=Rules("gbnf", "start: LABEL")).key(here) != KEY_OF_HI
    )
    assert Question((), prompt="a").key(here) != Question((), prompt="b").key(here)


KEY_OF_HI = "95f54943bbe1ad9f1ca4ec7a32d9802ca37f247b8ba5ee45d932382bce65d373"


def test_an_answer_comes_back_from_its_json_with_and_without_what_was_likely():
    plain = Answer("a", tokens=(("a", -1.0),))
    assert "likely" not in plain.to_dict() and Answer.from_dict(plain.to_dict()) == plain
    told = Answer("a", tokens=(("a", -1.0),), likely=({"a": -1.0, ":": -2.0},))
    assert Answer.from_dict(told.to_dict()) == told


# ---------------------------------------------------------------- a model that pointline trained


def test_a_text_that_spells_a_special_token_is_text_to_llama():
    text = "Ada <eos> left."
    with LlamaServer(lambda prompt: "Nature/NER/") as server:
        ex = Extractor.load(f"completions:tiny@{server.url}")
        assert ex(text, task="scnm-en").label == "Nature"
        (body,) = server.bodies()
        assert body["prompt"] == [2, *map(ord, input_text(text, task("scnm-en")))]
        assert {asked["parse_special"] for asked in server.bodies("/tokenize")} == {False}


def test_a_long_text_is_split_by_the_tokens_of_the_server():
    text = "Ada left Turin. " * 60
    with LlamaServer(lambda prompt: "Nature/NER/", window=700) as server:
        found = Extractor.load(f"completions:tiny@{server.url}", options=Options(max_new_tokens=50))
        assert found(text, task="scnm-en").label == "Nature"
        assert len(server.bodies()) >= 2
        assert all(len(body["prompt"]) + 50 <= 700 for body in server.bodies())


def test_vllm_is_told_the_whole_question(tmp_path):
    folder = tiny_model(tmp_path / "m", seed=3, spread=0.25)
    lark = build(task("scnm-en"), "Ada left.", max_items=1)
    with VLLMServer(folder) as server:
        backend = ServedBackend(Address("tiny", server.url), limits=QUICK)
        (made,) = backend.complete(["Ada left./NER\n"], [lark], max_new_tokens=20)
        assert backend.window == 512 and made.tokens
        (body,) = server.bodies()
        with pytest.raises(ServerError, match=r"/tokenize: .*`other` does not exist"):
            ServedBackend(Address("other", server.url), limits=QUICK).count("a")
    assert body == {
        "model": "tiny",
        "prompt": body["prompt"],
        "temperature": 0.0,
        "max_tokens": 20,
        "logprobs": 20,
        "structured_outputs": {"grammar": lark},
    }


def test_another_server_takes_no_grammar_unless_it_is_said_which():
    with ChatServer(lambda body, n: Reply("x"), ["tiny"]) as server:
        backend = ServedBackend(Address("tiny", server.url), limits=QUICK)
        with pytest.raises(InputError, match="takes no grammar"):
            backend.complete(["Ada left./NER\n"], [build(task("scnm-en"), "Ada left.")])
        said = ServedBackend(Address("tiny", server.url), limits=QUICK, grammar="gbnf")
        assert said.grammar == "gbnf" and said.count("abcd") == 2


def test_the_client_asks_the_server_once_and_tells_what_it_does_not_get():
    with LlamaServer(lambda prompt: "x", window=99) as server:
        client = Client(Address("tiny", server.url), QUICK)
        assert client.server() is client.server() and client.server().window == 99
        server.status = 404
        with pytest.raises(ServerError, match=r"/tokenize: .*not now"):
            client.tokens("a")


# ---------------------------------------------------------------- the command line


def test_the_commands_take_a_served_model_and_a_grammar():
    run = CliRunner().invoke
    with LlamaServer(lambda prompt: "Nature/NER/:people;Ada") as server:
        model = f"completions:tiny@{server.url}"
        for told in ([], ["--grammar", "gbnf"]):
            shown = run(
                app,
                ["extract", "Ada left.", "--task", "scnm-en", "--model", model, *told, "--json"],
            )
            assert shown.exit_code == 0 and '"entity":"Ada"' in shown.output
        refused = run(app, ["extract", "Ada", "--task", "scnm-en", "--grammar", "lark"])
        assert "--grammar is for a model behind an address" in str(refused.exception)
        assert all("grammar" in body for body in server.bodies())

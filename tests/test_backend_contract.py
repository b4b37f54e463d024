"""What every backend keeps to, whatever it is made of: one suite over all of them."""

import math
import threading
from dataclasses import dataclass, field

import fakevllm
import llguidance
import pytest
from chat_server import ChatServer, Reply
from completion_server import LlamaServer, VLLMServer
from tiny import tiny_model

from pointline.errors import InputError, PointlineError, ServerError, TextTooLong
from pointline.format import codec
from pointline.format.record import Record
from pointline.format.tasks import task
from pointline.model import backbone, vllm
from pointline.model.backend import Backend, Request, Scripted, Streaming, completions
from pointline.model.chat.client import Client
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address
from pointline.model.extract import Extractor, Options
from pointline.model.form import Form, Level, Order
from pointline.model.grammar import build
from pointline.model.hf import HFBackend
from pointline.model.openai import ChatBackend
from pointline.model.prompt import input_text
from pointline.model.served import ServedBackend
from pointline.model.vllm import VLLMBackend

# (task, text, a completion of it): emoji, half and full width, combining marks, delimiters.
ASKED = [
    ("scnm-en", "José met Ada at 10:30 🌳.", "Society/NER/:people;José:people;Ada"),
    ("scnm-ja", "ｱﾀﾞは紫式部：源氏を読む📖。", "文芸/固有表現抽出/:人名;ｱﾀﾞ:人名;紫式部"),
    ("scnm-zh", "王小明在上海；浦东。", "社会/实体命名识别/:人名;王小明"),
    ("tcree-en", "Mary cafe\u0301 played Ada.", "film/relation extraction/:Mary;wins;Ada"),
    ("scnm-en", "", "Nature/NER/"),
]
PROMPTS = [input_text(text, task(name)) for name, text, _ in ASKED]
GRAMMARS = [build(task(name), text, max_items=2) for name, text, _ in ASKED]
PAIRS = list(zip(PROMPTS, GRAMMARS, strict=True))
GOLD = dict(zip(PROMPTS, (line for _, _, line in ASKED), strict=True))
QUICK = Limits(first_wait=0.01, longest_wait=0.02, attempts=2, timeout=20.0)
BYTES = llguidance.LLTokenizer("byte")


@dataclass
class Case:
    """A backend and what it is not able to do."""

    backend: Backend
    lacks: set = field(default_factory=set)
    break_it: object = None  # makes whatever is behind it fail


def _hf(folder, stack):
    return Case(HFBackend(backbone.load(folder)))


def _scripted(folder, stack):
    return Case(Scripted(GOLD.__getitem__, window=512), {"grammar", "window", "halts"})


def _vllm(folder, stack):
    fakevllm.install(stack)
    stack.setattr(vllm, "_SLACK", 32)  # enough here, and sooner done
    backend = VLLMBackend(folder, dtype="float32")
    return Case(backend, break_it=lambda: setattr(backend._llm.llm_engine, "dies", True))


def _chat(folder, stack):
    server = stack.enter(ChatServer(lambda body, n: _said(body)))
    backend = ChatBackend(Client(Address("tiny", server.url), QUICK))
    return Case(backend, {"grammar", "window", "halts", "scores"}, _down(server))


def _said(body):
    text = GOLD[body["messages"][-1]["content"]]
    cut = len(text) > body["max_tokens"]
    return Reply(text[: body["max_tokens"]], finish="length" if cut else "stop")


def _served_vllm(folder, stack):
    server = stack.enter(VLLMServer(folder))
    backend = ServedBackend(Address("tiny", server.url), limits=QUICK)
    return Case(backend, break_it=lambda: setattr(server, "status", 500))


def _served_llama(folder, stack):
    server = stack.enter(LlamaServer(GOLD.__getitem__, window=1000))
    backend = ServedBackend(Address("tiny", server.url), limits=QUICK)
    return Case(backend, {"scores"}, lambda: setattr(server, "status", 500))


def _down(server):
    def down():
        server.script = lambda body, n: Reply(status=500, error="not now")

    return down


class _Stack(pytest.MonkeyPatch):
    """Patches and servers of one case, undone together."""

    def __init__(self):
        super().__init__()
        self._open = []

    def enter(self, server):
        self._open.append(server)
        return server.__enter__()

    def close(self):
        for server in reversed(self._open):
            server.__exit__(None, None, None)
        self.undo()


CASES = [_hf, _scripted, _vllm, _chat, _served_vllm, _served_llama]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("m") / "m", seed=3, spread=0.25)


@pytest.fixture(scope="module", params=CASES, ids=lambda make: make.__name__.lstrip("_"))
def case(request, folder):
    stack = _Stack()
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        stack.delenv(name, raising=False)
    yield request.param(folder, stack)
    stack.close()


@pytest.fixture(scope="module")
def backend(case):
    return case.backend


def needs(case, *abilities):
    for ability in abilities:
        if ability in case.lacks:
            pytest.skip(f"this backend has no {ability}, and its documentation says so")


def asked(case, *, limit=24, numbers=(0, 1, 2, 3, 4), **more):
    """Complete some of the prompts, under their grammars if the backend takes any."""
    held = [GRAMMARS[at] for at in numbers] if "grammar" not in case.lacks else None
    return case.backend.complete(
        [PROMPTS[at] for at in numbers], held, max_new_tokens=limit, **more
    )


@pytest.fixture(scope="module")
def made(case):
    return asked(case, limit=30)


# ---------------------------------------------------------------- what comes back


def test_completions_come_in_the_order_of_the_prompts(case, made):
    turned = asked(case, limit=30, numbers=[4, 2, 0, 3, 1])
    assert [one.text for one in turned] == [made[at].text for at in (4, 2, 0, 3, 1)]
    assert asked(case, limit=30, numbers=[1])[0].text == made[1].text


def test_a_stream_gives_every_number_once_with_its_completion(case, made):
    held = "grammar" not in case.lacks
    taken = []

    def requests():
        for number, (prompt, rules) in enumerate(PAIRS):
            taken.append(number)
            yield Request(prompt, rules if held else None)

    stream = completions(case.backend, requests(), batch_size=2, max_new_tokens=30)
    number, first = next(stream)
    if isinstance(case.backend, Streaming):
        assert len(taken) <= 3, "no more are taken than are on their way, and one to follow"
    found = {number: first, **dict(stream)}
    assert {at: one.text for at, one in found.items()} == dict(enumerate(one.text for one in made))


def test_a_none_among_the_requests_has_no_number(case, made):
    held = "grammar" not in case.lacks
    asks = [Request(PROMPTS[at], GRAMMARS[at] if held else None) for at in (0, 2, 4)]
    coming = [None, asks[0], None, None, asks[1], asks[2], None]
    found = dict(completions(case.backend, coming, batch_size=2, max_new_tokens=30))
    assert {at: one.text for at, one in found.items()} == {
        0: made[0].text, 1: made[2].text, 2: made[4].text,
    }  # fmt: skip


def test_a_stream_that_waits_for_its_caller_is_not_in_the_way_of_others(case, made):
    held = "grammar" not in case.lacks
    asks = [Request(*pair) if held else Request(pair[0]) for pair in PAIRS]
    one = completions(case.backend, asks, batch_size=2, max_new_tokens=30)
    found = dict([next(one)])
    assert asked(case, limit=30, numbers=[2, 0])[0].text == made[2].text
    other = completions(case.backend, reversed(asks), batch_size=3, max_new_tokens=30)
    turned = dict([next(other)])
    found |= dict([next(one)])
    turned |= dict(other)
    found |= dict(one)
    whole = [one.text for one in made]
    assert [found[at].text for at in range(5)] == whole
    assert [turned[at].text for at in range(5)] == whole[::-1]


def test_a_stream_that_is_left_is_not_in_the_way_of_others(case, made):
    held = "grammar" not in case.lacks
    asks = [Request(*pair) if held else Request(pair[0]) for pair in PAIRS]
    streams = [completions(case.backend, asks, batch_size=2, max_new_tokens=30) for _ in range(2)]
    found = [dict([next(stream)]) for stream in streams]
    streams[0].close()
    found[1] |= dict(streams[1])
    assert [found[1][at].text for at in range(5)] == [one.text for one in made]


def test_an_empty_batch_is_empty(case):
    assert case.backend.complete([]) == []
    assert "grammar" in case.lacks or case.backend.complete([], []) == []
    assert list(completions(case.backend, [], batch_size=3)) == []


def test_the_same_again_is_the_same(case, made):
    assert [(one.text, one.cut) for one in asked(case, limit=30)] == [
        (one.text, one.cut) for one in made
    ]


# ---------------------------------------------------------------- the grammar


def in_lark(lark, line):
    matcher = llguidance.LLMatcher(BYTES, lark, log_level=0)
    raw = list(line.encode())
    return matcher.try_consume_tokens(raw) == len(raw) and matcher.is_accepting()


@pytest.mark.parametrize("limit", [1, 9, 30])
def test_a_completion_is_a_string_of_its_grammar_also_where_it_is_cut(case, made, limit):
    needs(case, "grammar")
    for one, whole, rules in zip(asked(case, limit=limit), made, GRAMMARS, strict=True):
        assert in_lark(rules, one.text) or (one.cut and not one.text)
        assert one.cut or one.text == whole.text


def test_what_it_says_is_read_strictly_and_stands_in_the_text(case, made):
    needs(case, "grammar")
    for one, (name, text, _) in zip(made, ASKED, strict=True):
        found = codec.read(one.text, task(name), text, mode="strict")
        assert all(pair.start is not None for pair in found.pairs)
        assert found.label in task(name).labels


def test_a_backend_that_takes_no_grammar_says_so_or_looks_at_none(case):
    if "grammar" not in case.lacks:
        pytest.skip("it takes one")
    if isinstance(case.backend, Scripted):
        assert case.backend.complete(PROMPTS[:1], GRAMMARS[:1])
    else:
        with pytest.raises(InputError, match="takes no grammar"):
            case.backend.complete(PROMPTS[:1], GRAMMARS[:1])


def test_a_grammar_that_is_none_is_refused(case):
    needs(case, "grammar")
    with pytest.raises(PointlineError, match=r"grammar|no rule|refused"):
        case.backend.complete(PROMPTS[:1], ["start: nothing_here"], max_new_tokens=4)
    with pytest.raises(InputError, match="2 prompts but 1 grammars"):
        case.backend.complete(PROMPTS[:2], GRAMMARS[:1], max_new_tokens=4)
    assert asked(case, numbers=[2], limit=4), "the backend is of use after that"


# ---------------------------------------------------------------- where it ends


def test_a_free_completion_is_one_line(case):
    for one in case.backend.complete(PROMPTS, max_new_tokens=16):
        assert "\n" not in one.text
        assert len(one.tokens) <= 16


@pytest.mark.parametrize("limit", [1, 3])
def test_the_limit_cuts_and_says_so(case, limit):
    whole = case.backend.complete(PROMPTS, max_new_tokens=16)
    cut = case.backend.complete(PROMPTS, max_new_tokens=limit)
    for one, other in zip(cut, whole, strict=True):
        if other.text != one.text:
            assert one.cut
            assert one.text == "" or other.text.startswith(
                one.text.rstrip("\N{REPLACEMENT CHARACTER}")
            )


def test_a_halt_cuts_at_the_end_of_an_item_or_the_model_goes_on(case, made):
    lines = []

    def halt(line):
        lines.append(line)
        return line.count(":") >= 1

    cut = asked(case, limit=30, halts=[halt] * len(ASKED))
    for one, other in zip(cut, made, strict=True):
        if "halts" in case.lacks:
            assert one.text == other.text
        else:
            assert other.text.startswith(one.text)
            assert one.cut or one.text == other.text
            assert codec_items(one.text) <= 1
    assert "halts" in case.lacks or lines or all(codec_items(one.text) < 1 for one in made)


def codec_items(line):
    return line.replace("\\:", "").count(":")


# ---------------------------------------------------------------- tokens and probabilities


def test_tokens_spell_the_text_and_have_probabilities(case, made):
    for one in made:
        if "scores" in case.lacks:
            assert one.tokens == ()
            continue
        ends = [token.end for token in one.tokens]
        starts = [token.start for token in one.tokens]
        assert starts == sorted(starts) and ends == sorted(ends)
        assert {at for t in one.tokens for at in range(t.start, t.end)} == set(range(len(one.text)))
        for token in one.tokens:
            assert -math.inf < token.logprob <= 0.0
            assert token.close <= 0.0


def test_an_extractor_over_it_has_scores_or_none(case):
    options = Options(constrained="grammar" not in case.lacks, max_new_tokens=30, max_items=2)
    records = [Record(str(at), name, text) for at, (name, text, _) in enumerate(ASKED)]
    found = list(Extractor(case.backend, options).many(records, batch_size=3))
    assert [one.id for one in found] == ["0", "1", "2", "3", "4"]
    for one in found:
        assert all(one.text[pair.start : pair.end] == pair.entity for pair in one.pairs)
        if "scores" in case.lacks:
            assert one.scores == {}
        elif one.label:
            assert 0.0 <= one.scores["label"] <= 1.0
            assert len(one.scores["items"]) == len(one.items)


def test_an_extractor_asks_for_a_label_behind_the_items_while_others_are_read(case):
    needs(case, "grammar", "scores")  # what our small llama.cpp answers to has its label first
    options = Options(form=Form(Level.BOTH, order=Order.ITEMS_FIRST), max_new_tokens=6, max_items=9)
    records = [Record(str(at), name, text) for at, (name, text, _) in enumerate(ASKED)]
    found = list(Extractor(case.backend, options).many(records, batch_size=3))
    assert [one.label in task(one.task).labels for one in found] == [True] * 5


# ---------------------------------------------------------------- what it is


def test_it_says_what_it_is(case):
    backend = case.backend
    assert backend.name and isinstance(backend.weights, str)
    assert isinstance(backend.window, int) and backend.window > 0
    assert 0 <= backend.count("") <= backend.count("太") <= backend.count("太郎が得点した🌳。" * 9)


def test_a_prompt_that_leaves_no_room_is_refused(case):
    needs(case, "window")
    room = case.backend.window
    with pytest.raises(TextTooLong, match="do not fit into the window"):
        case.backend.complete([PROMPTS[0]], GRAMMARS[:1], max_new_tokens=room)
    with pytest.raises(TextTooLong, match="split the text"):
        list(completions(case.backend, [Request("x y " * room)], batch_size=1, max_new_tokens=4))


def test_it_may_be_asked_from_another_thread(case, made):
    found = []
    for _ in range(2):  # one thread at a time is what a backend promises
        thread = threading.Thread(target=lambda: found.append(asked(case, limit=30, numbers=[0])))
        thread.start()
        thread.join()
    assert [one.text for (one,) in found] == [made[0].text] * 2


def test_zz_what_breaks_behind_it_is_of_the_error_tree_and_one_line(case):
    if case.break_it is None:
        pytest.skip("there is nothing behind it")
    case.break_it()
    with pytest.raises(PointlineError) as caught:
        case.backend.complete(["A question that was not asked before./NER\n"], max_new_tokens=4)
    assert "\n" not in str(caught.value)


def test_a_server_that_ignores_the_grammar_is_told(folder):
    with VLLMServer(folder, obeys=False) as server:
        backend = ServedBackend(Address("tiny", server.url), limits=QUICK)
        with pytest.raises(ServerError, match="did not keep to the grammar"):
            backend.complete(PROMPTS[:1], GRAMMARS[:1], max_new_tokens=12)
    with LlamaServer(lambda prompt: "Sure! Ada", obeys=False) as server:
        backend = ServedBackend(Address("tiny", server.url), limits=QUICK)
        with pytest.raises(ServerError, match=r"did not keep to the grammar, at 'ure! Ada'"):
            backend.complete(PROMPTS[:1], GRAMMARS[:1], max_new_tokens=12)

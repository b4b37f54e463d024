"""The vLLM backend over a fake engine of the real one's shape, beside our own decoder."""

import sys

import fakevllm
import pytest
from tiny import tiny_datasets, tiny_model, tiny_records

from pointline.errors import InputError, MissingExtra, ModelError, TextTooLong
from pointline.format.tasks import task
from pointline.model import backbone, vllm
from pointline.model.backend import Request, Streaming
from pointline.model.extract import Extractor, Options
from pointline.model.grammar import build
from pointline.model.hf import HFBackend
from pointline.model.interpret import loops
from pointline.model.prompt import input_text
from pointline.model.settings import TrainConfig
from pointline.model.train import train
from pointline.model.vllm import VLLMBackend

TEXTS = [
    ("scnm-en", "Ada moved from London to Turin in 1840, at 10:30; so they say."),
    ("scnm-ja", "紫式部は京都で長い小説を書いた🌳。"),
    ("scnm-zh", "王小明在上海浦东测量了潮汐，a/b\\c。"),
    ("tcree-en", "Mary Anning played Ada in a film."),
    ("scpos-rw-ja", "ﾊﾞｽがe\u0301té 👩‍🚀"),
]
PROMPTS = [input_text(text, task(name)) for name, text in TEXTS]
GRAMMARS = [build(task(name), text, max_items=3) for name, text in TEXTS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("m") / "m", seed=3, spread=0.25)


@pytest.fixture(scope="module")
def reference(folder):
    return HFBackend(backbone.load(folder))


@pytest.fixture(scope="module")
def backend(folder):
    with pytest.MonkeyPatch.context() as patch:
        fakevllm.install(patch)
        yield VLLMBackend(folder)


@pytest.fixture
def engine(backend):
    return backend._llm.llm_engine


def test_completions_and_their_probabilities_are_those_of_our_own_decoder(backend, reference):
    made = backend.complete(PROMPTS, GRAMMARS, max_new_tokens=16)
    wanted = reference.complete(PROMPTS, GRAMMARS, max_new_tokens=16)
    assert [(one.text, one.cut) for one in made] == [(one.text, one.cut) for one in wanted]
    alike = [pair for pair in zip(made, wanted, strict=True) if pair[0].ids == pair[1].ids]
    assert alike, "a forced word may be spelled by other tokens, but not in every completion"
    closes = 0
    for one, other in alike:
        for token, known in zip(one.tokens, other.tokens, strict=True):
            assert (token.start, token.end) == (known.start, known.end)
            assert token.logprob == pytest.approx(known.logprob, abs=1e-3)
            assert token.close <= known.close + 1e-3, "what is not among the likeliest is missing"
            closes += token.close == pytest.approx(known.close, abs=1e-3)
    assert closes > 10


def test_free_completions_end_at_the_line_break_or_the_limit(backend, reference):
    made = backend.complete(PROMPTS, max_new_tokens=12)
    wanted = reference.complete(PROMPTS, max_new_tokens=12)
    assert [(one.text, one.cut, one.ids) for one in made] == [
        (one.text, one.cut, one.ids) for one in wanted
    ]


@pytest.mark.parametrize("limit", [1, 5, 9])
def test_the_limit_takes_effect_where_the_grammar_may_end(backend, reference, limit):
    made = backend.complete(PROMPTS, GRAMMARS, max_new_tokens=limit)
    wanted = reference.complete(PROMPTS, GRAMMARS, max_new_tokens=limit)
    alike = [
        (one, other)
        for one, other in zip(made, wanted, strict=True)
        if one.ids == other.ids[: len(one.ids)]
    ]
    assert len(alike) >= 4, "a forced word may be spelled by other tokens, but not in most"
    for one, other in alike:
        assert (one.text, one.cut) == (other.text, other.cut)


def test_an_ordinary_token_that_looks_like_a_tag_is_text(folder):
    texts = backbone.outline(folder)
    texts.tokenizer.add_tokens(["<b>", "</table>"])
    spelling = vllm._Spelling(texts)
    tags = texts.tokenizer.convert_tokens_to_ids(["<b>", "</table>"])
    assert all(map(spelling._guide.is_special_token, tags)), "llguidance takes them for special"
    assert [spelling.piece(tag) for tag in tags] == [b"<b>", b"</table>"]
    ends = texts.tokenizer.convert_tokens_to_ids(["<eos>", "<bos>", "<pad>", "<unk>"])
    assert [spelling.piece(end) for end in ends] == [b""] * 4


def test_a_halt_cuts_where_it_would_have_cut_our_own(backend, reference):
    halts = [loops(text, task(name)) for name, text in TEXTS]
    after_one = [lambda line: line.count(":") > 1] * len(TEXTS)
    for asked in (halts, after_one):
        made = backend.complete(PROMPTS, GRAMMARS, max_new_tokens=16, halts=asked)
        wanted = reference.complete(PROMPTS, GRAMMARS, max_new_tokens=16, halts=asked)
        assert [(one.text, one.cut) for one in made] == [(one.text, one.cut) for one in wanted]
    assert any(one.cut for one in made)


def test_a_stream_takes_no_more_than_its_batch_and_keeps_the_numbers(backend, engine, monkeypatch):
    monkeypatch.setattr(vllm, "_SLACK", 8)
    taken, engine.most = [], 0

    def requests():
        for number in range(7):
            taken.append(number)
            yield Request(PROMPTS[number % 5], GRAMMARS[number % 5])

    assert isinstance(backend, Streaming)
    stream = backend.stream(requests(), batch_size=3, max_new_tokens=4)
    first, _ = next(stream)
    assert len(taken) <= 3 and first in taken
    rest = dict(stream)
    assert {first, *rest} == set(range(7)) and engine.most == 3
    assert not engine.running


def test_none_among_the_requests_of_a_stream_is_no_request(backend):
    asked = [Request(*pair) for pair in zip(PROMPTS, GRAMMARS, strict=True)]
    parted = [None, asked[0], None, None, *asked[1:], None]
    found = dict(backend.stream(parted, batch_size=2, max_new_tokens=4))
    assert found == dict(backend.stream(asked, batch_size=2, max_new_tokens=4))


def test_a_caller_who_leaves_a_stream_leaves_nothing_in_the_engine(backend, engine):
    asked = [Request(PROMPTS[at], GRAMMARS[at]) for at in (0, 3, 4)]
    stream = backend.stream(asked, batch_size=3, max_new_tokens=4)
    next(stream)
    stream.close()
    assert not engine.running and engine.aborted
    assert backend.complete(PROMPTS[:1], GRAMMARS[:1], max_new_tokens=2)


def test_what_ends_while_another_stream_has_the_engine_is_kept_for_its_own(backend, engine):
    short, long = "start: /[a-z]{3,4}/", "start: /[a-z]{60,70}/"
    asked = [Request("a", 'start: "x"'), Request("b", short), Request("c", long)]
    stream = backend.stream(asked, batch_size=3, max_new_tokens=5)
    assert next(stream)[0] == 0
    assert len(backend.complete(["d"], [long], max_new_tokens=60)[0].text) >= 60
    assert not engine.running, "the other stream's requests ended as well"
    steps, engine.aborted = engine.step, []
    engine.step = lambda: pytest.fail("what is there already needs no step")
    try:
        found = dict(stream)
    finally:
        engine.step = steps
    alone = backend.complete(["b", "c"], [short, long], max_new_tokens=5)
    assert [found[1], found[2]] == alone
    assert not backend._ended and not engine.aborted


def test_what_ended_for_a_stream_that_is_left_is_forgotten(backend, engine):
    asked = [Request("a", 'start: "x"'), Request("b", "start: /[a-z]{3,4}/")]
    stream = backend.stream(asked, batch_size=2, max_new_tokens=5)
    next(stream)
    backend.complete(["d"], ["start: /[a-z]{60,70}/"], max_new_tokens=60)
    engine.aborted = []
    stream.close()
    assert not backend._ended and not engine.running and not engine.aborted


def test_a_refused_request_leaves_nothing_in_the_engine(backend, engine):
    with pytest.raises(InputError, match="vLLM refuses the grammar: Grammar error: "):
        backend.complete(PROMPTS[:2], [GRAMMARS[0], "start: nothing_here"], max_new_tokens=4)
    assert not engine.running
    with pytest.raises(TextTooLong, match="do not fit into the window of m, 512 tokens"):
        backend.complete([PROMPTS[0], "long " * 600], GRAMMARS[:2])
    assert not engine.running


def test_an_engine_that_dies_is_one_line(backend, engine, monkeypatch):
    monkeypatch.setattr(engine, "dies", True)
    with pytest.raises(ModelError, match=r"^the engine of vLLM stopped: EngineCore encountered"):
        backend.complete(PROMPTS[:1], GRAMMARS[:1], max_new_tokens=4)


def test_an_engine_that_does_not_keep_to_the_grammar_is_told(backend, monkeypatch):
    monkeypatch.setattr(fakevllm.LLMEngine, "_token", lambda self, one: _free(self, one))
    with pytest.raises(ModelError, match="did not keep to the grammar"):
        backend.complete(PROMPTS[:1], GRAMMARS[:1], max_new_tokens=4)


def _free(engine, one):
    one.made.append(5)
    one.likely.append({5: fakevllm.Logprob(-1.0)})


def test_what_the_engine_is_started_with(folder, monkeypatch):
    fakevllm.install(monkeypatch)
    VLLMBackend(folder)
    assert fakevllm.LLM.last.args == {
        "dtype": "auto", "structured_outputs_config": {"backend": "guidance"},
    }  # fmt: skip
    made = VLLMBackend(folder, dtype="bfloat16", engine={"max_model_len": 300, "seed": 1})
    assert made.window == 300 and made.weights.startswith("bfloat16 ")
    with pytest.raises(ModelError, match=r"vLLM cannot load .* unexpected argument 'no_such'"):
        VLLMBackend(folder, engine={"no_such": 1})


def test_another_weight_is_another_mark(folder, backend, tmp_path, monkeypatch):
    other = tiny_model(tmp_path / "m", seed=4)
    assert VLLMBackend(other).weights != backend.weights
    assert VLLMBackend(folder).weights == backend.weights
    assert VLLMBackend(other).name == backend.name == "m"


def test_an_adapter_is_added_by_the_engine_and_its_tasks_are_known(folder, tmp_path, monkeypatch):
    data = tiny_datasets(tmp_path / "data", count=6)
    run = str(tmp_path / "run")
    train(TrainConfig(data, run, base=str(folder), dtype="float32", epochs=1, rank=4,
                      learning_rate=0.1, max_length=256))  # fmt: skip
    fakevllm.install(monkeypatch)
    ex = Extractor.load(f"vllm:{run}", options=Options(max_new_tokens=12))
    assert ex.backend.name == "run+adapter"
    assert fakevllm.LLM.last.args["max_lora_rank"] == 8
    assert set(ex.tasks) == {"scnm-en", "scnm-ja", "scnm-zh"}
    mine = Extractor.load(run, options=Options(max_new_tokens=12))
    records = tiny_records(4)
    found = list(ex.many(records))
    wanted = list(mine.many(records))
    assert [one.completion for one in found] == [one.completion for one in wanted]
    bare = VLLMBackend(folder)
    assert bare.weights != ex.backend.weights


def test_missing_things_are_named(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(MissingExtra, match=r'pip install "pointline\[vllm\]"'):
        Extractor.load(f"vllm:{folder}")
    fakevllm.install(monkeypatch)
    with pytest.raises(ModelError, match="no model 'no/such/place'"):
        Extractor.load("vllm:no/such/place")
    with pytest.raises(ModelError, match="holds no adapter"):
        Extractor.load(f"vllm:{folder}", adapter=tmp_path)
    with pytest.raises(InputError, match="leave device out"):
        Extractor.load(f"vllm:{folder}", device="cuda")

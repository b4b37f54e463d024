"""Probabilities of words at the open place, against a plain computation of the whole sequence."""

import pytest
import torch
from verbalized import WORDS, tiny_bert, tiny_causal, tiny_gpt2, tiny_t5

from pointline.errors import InputError, ModelError
from pointline.study.verbalizer.autoregressive import Sentinel
from pointline.study.verbalizer.masked import Masked
from pointline.study.verbalizer.scorer import Prompt, like, load, score_prompts
from pointline.study.verbalizer.spelling import Spelled
from pointline.study.verbalizer.template import TEMPLATES, Template

TEXTS = {
    "en": ["Ada wrote a long novel in Turin.", "😀 e\u0301"],
    "ja": ["紫式部は京都で長い小説を書いた。", "ｱﾀﾞは潮を調べた🌳。"],
    "zh": ["李白在西安写了一部长篇小说。", "全角：ＡＢ"],
}
LANGS = ["en", "ja", "zh"]


@pytest.fixture(scope="module")
def scorers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scorers")
    made = {"causal": tiny_causal, "seq2seq": tiny_t5, "masked": tiny_bert}
    return {kind: load(str(make(folder / kind))) for kind, make in made.items()}


def asked(scorer, lang, how="joint"):
    template = Template(TEMPLATES["topic"][lang])
    words = [word.strip() for word in WORDS[lang]]
    prompts = [scorer.frame.prompt(text, template) for text in TEXTS[lang]]
    return prompts, scorer.frame.spell(words, template, how=how)


def one_by_one(scorer, prompt: Prompt, tokens) -> float:
    """log p of one word by the whole sequence, one forward pass, no cache, no batch."""
    model = scorer.model
    with torch.inference_mode():
        if scorer.kind == "causal":
            logits = model(input_ids=torch.tensor([[*prompt.ids, *tokens]])).logits[0]
            places = range(len(prompt.ids) - 1, len(prompt.ids) + len(tokens) - 1)
        elif scorer.kind == "seq2seq":
            sentinel = scorer.frame.fill[0]
            logits = model(
                input_ids=torch.tensor([prompt.ids]),
                decoder_input_ids=torch.tensor([[0, sentinel, *tokens]]),
            ).logits[0]
            places = range(1, len(tokens) + 1)
        else:
            ids = list(prompt.ids)
            ids[prompt.blank : prompt.blank + 1] = scorer.frame.fill * len(tokens)
            logits = model(input_ids=torch.tensor([ids])).logits[0]
            places = range(prompt.blank, prompt.blank + len(tokens))
        log_p = logits.double().log_softmax(-1)
        return sum(log_p[at, token].item() for at, token in zip(places, tokens, strict=True))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", ["causal", "seq2seq", "masked"])
def test_a_word_of_several_tokens_has_the_joint_probability(scorers, kind, lang):
    scorer = scorers[kind]
    prompts, words = asked(scorer, lang)
    assert max(map(len, words.tokens.values())) >= 3 and min(map(len, words.tokens.values())) < 3
    found = score_prompts(scorer, prompts, words)
    assert found.words == words.words
    for at, prompt in enumerate(prompts):
        wanted = [one_by_one(scorer, prompt, tokens) for tokens in words.tokens.values()]
        assert found.values[at].tolist() == pytest.approx(wanted, abs=2e-4)


@pytest.mark.parametrize("kind", ["causal", "seq2seq", "masked"])
def test_first_token_only(scorers, kind):
    scorer = scorers[kind]
    prompts, words = asked(scorer, "ja", how="first")
    whole = asked(scorer, "ja")[1]
    assert all(len(tokens) == 1 for tokens in words.tokens.values())
    found = score_prompts(scorer, prompts, words)
    wanted = [one_by_one(scorer, prompts[0], tokens[:1]) for tokens in whole.tokens.values()]
    assert found.values[0].tolist() == pytest.approx(wanted, abs=2e-4)


@pytest.mark.parametrize("kind", ["causal", "seq2seq", "masked"])
def test_a_batch_changes_nothing(scorers, kind):
    prompts, words = asked(scorers[kind], "zh", how="first")
    short = scorers[kind].frame.prompt("雨", Template(TEMPLATES["topic"]["zh"]))
    together = score_prompts(scorers[kind], [*prompts, short], words).values
    alone = [score_prompts(scorers[kind], [p], words).values[0] for p in (*prompts, short)]
    for one, other in zip(together, alone, strict=True):
        assert one.tolist() == pytest.approx(other.tolist(), abs=2e-4)


def test_the_first_tokens_of_all_words_are_a_share_of_one(scorers):
    prompts, _ = asked(scorers["causal"], "en")
    every = Spelled({str(token): (token,) for token in range(512)}, {})
    found = score_prompts(scorers["causal"], prompts, every)
    assert torch.tensor(found.values).exp().sum(1).tolist() == pytest.approx([1, 1], abs=1e-5)


def test_more_beginnings_than_one_pass_takes(scorers, monkeypatch):
    from pointline.study.verbalizer import autoregressive

    prompts, words = asked(scorers["causal"], "ja")
    whole = score_prompts(scorers["causal"], prompts, words).values
    monkeypatch.setattr(autoregressive, "_ROWS", 2)
    parted = score_prompts(scorers["causal"], prompts, words).values
    assert parted.ravel().tolist() == pytest.approx(whole.ravel().tolist(), abs=2e-4)


def test_a_prompt_longer_than_a_sliding_window(scorers):
    template = Template(TEMPLATES["topic"]["ja"])
    prompt = scorers["causal"].frame.prompt("潮の満ち引きを調べた。" * 16, template)
    assert len(prompt.ids) > 64  # the tiny model's window is 32
    short = scorers["causal"].frame.prompt("雨。", template)
    words = scorers["causal"].frame.spell(["長い小説", "政治家"], template)
    found = score_prompts(scorers["causal"], [prompt, short], words, max_tokens=10_000).values
    for row, one in zip(found, (prompt, short), strict=True):
        wanted = [one_by_one(scorers["causal"], one, t) for t in words.tokens.values()]
        assert row.tolist() == pytest.approx(wanted, abs=2e-4)


@pytest.mark.parametrize("make", [tiny_gpt2, tiny_bert])
def test_the_longest_word_fits_behind_a_prompt_that_fills_the_window(make, tmp_path):
    """Places behind the last one have no vector: such a model breaks there."""
    scorer, template = load(str(make(tmp_path / "model"))), Template(TEMPLATES["topic"]["ja"])
    words = scorer.frame.spell(["政治家の長い小説を書いた人々の橡", "文"], template)
    assert words.longest > 16  # more than was left free for a masked model
    prompt = scorer.frame.prompt("潮の満ち引きを調べた。" * 40, template, longest=words.longest)
    places = getattr(scorer.model.config, "n_positions", None) or 160
    assert prompt.cut and places - 12 <= len(prompt.ids) + words.longest - 1 <= places
    found = score_prompts(scorer, [prompt], words).values[0]
    wanted = [one_by_one(scorer, prompt, tokens) for tokens in words.tokens.values()]
    assert found.tolist() == pytest.approx(wanted, abs=2e-4)


def test_a_word_that_leaves_no_room_for_text_is_told(tmp_path):
    scorer, template = load(str(tiny_gpt2(tmp_path))), Template(TEMPLATES["topic"]["ja"])
    with pytest.raises(InputError, match=r"64 tokens has no room for text.* give --longest"):
        scorer.frame.prompt("潮。", template, longest=60)


def test_a_decoder_has_its_own_room_for_words(scorers):
    frame, template = scorers["seq2seq"].frame, Template(TEMPLATES["topic"]["ja"])
    assert frame.prompt("潮。", template, limit=80, longest=10**9) == frame.prompt("潮。", template)


@pytest.mark.parametrize("kind", ["causal", "seq2seq", "masked"])
def test_a_long_text_is_cut_and_says_so(scorers, kind):
    template = Template(TEMPLATES["topic"]["en"])
    frame = scorers[kind].frame
    cut = frame.prompt("Oaks grew near Turin. " * 60, template, limit=80)
    assert cut.cut and len(cut.ids) <= 80
    end = len(frame.encode(template.lead))
    assert cut.ids[cut.blank - end : cut.blank] == frame.encode(template.lead)
    assert not frame.prompt("Oaks.", template, limit=80).cut


def test_a_sentinel_in_a_text_is_text(scorers):
    template = Template(TEMPLATES["topic"]["en"])
    frame = scorers["seq2seq"].frame
    assert frame.prompt("<extra_id_0> <eos>", template).ids.count(frame.fill[0]) == 1
    masked = scorers["masked"].frame
    assert masked.prompt("[MASK] [SEP]", template).ids.count(masked.fill[0]) == 1


def test_a_causal_model_reads_no_further_than_the_open_place(scorers):
    with pytest.raises(InputError, match="reads no further"):
        scorers["causal"].frame.prompt("Rain.", Template("{text} It was {mask}, he said."))
    prompt = scorers["masked"].frame.prompt("Rain.", Template("{text} It was {mask}, he said."))
    assert prompt.ids[prompt.blank] == scorers["masked"].frame.fill[0]


def test_kinds_are_told_by_the_config(scorers):
    assert {kind: scorer.kind for kind, scorer in scorers.items()} == {k: k for k in scorers}
    with pytest.raises(InputError, match="causal"):
        load(scorers["masked"].name, adapter="some")
    tokenizer = scorers["causal"].frame.tokenizer
    with pytest.raises(ModelError, match="sentinel"):
        Sentinel("plain", scorers["seq2seq"].model, tokenizer)
    with pytest.raises(ModelError, match="mask"):
        Masked("plain", scorers["masked"].model, tokenizer)


def test_batches_of_like_length_hold_the_limit():
    assert list(like([5, 1, 5, 9], 10)) == [[1, 0], [2], [3]]

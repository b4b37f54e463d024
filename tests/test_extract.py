"""The extractor: order, batches, ad-hoc labels, long texts, empty ones, texts that spell tokens."""

import itertools
import re
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import texts
from tiny import tiny_model, tiny_records

import pointline as pl
from pointline.errors import InputError, ModelError, TaskError, TextTooLong
from pointline.format.record import Pair, Prediction, Record
from pointline.format.tasks import adhoc, task
from pointline.model import backbone
from pointline.model.backend import Scripted
from pointline.model.extract import Extractor, Options, guess_language
from pointline.model.hf import HFBackend
from pointline.model.prompt import Level

_NAMES = ("Ada", "Bo Li", "紫式部", "王小明", "Zanzibar", "New York City")


def script(prompt):
    """Answer as a model that knows our names would, also for a text it sees a part of."""
    text, _, word = prompt.rstrip("\n").rpartition("\n\n")[2].rpartition("/")
    people = {"NER": "people", "固有表現抽出": "人名", "实体命名识别": "人名"}[word]
    label = {"NER": "Society", "固有表現抽出": "社会", "实体命名识别": "社会"}[word]
    found = [name for name in _NAMES for _ in re.finditer(name, text)]
    return f"{label}/{word}/" + "".join(f":{people};{name}" for name in found)


class Watched(Scripted):
    """A scripted backend that keeps what it was asked."""

    def __init__(self, window=2048):
        super().__init__(script, window)
        object.__setattr__(self, "asked", [])

    def complete(self, prompts, grammars=None, **keywords):
        self.asked.append((list(prompts), grammars, keywords))
        return super().complete(prompts, grammars, **keywords)


@pytest.fixture
def watched():
    return Watched()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return Extractor(HFBackend(backbone.load(tiny_model(tmp_path_factory.mktemp("m") / "m"))))


# ---------------------------------------------------------------- one text and many


def test_one_text(watched):
    found = Extractor(watched)("Ada met Bo Li.", task="scnm-en")
    assert isinstance(found, Prediction)
    assert (found.label, found.task, found.text) == ("Society", "scnm-en", "Ada met Bo Li.")
    assert [(p.label, p.entity, p.start, p.end) for p in found.pairs] == [
        ("people", "Ada", 0, 3),
        ("people", "Bo Li", 8, 13),
    ]
    assert found.scores == {"label": 1.0, "items": [1.0, 1.0]}
    assert watched.asked[0][0] == ["Ada met Bo Li./NER\n"]
    assert 'LABEL: "Society"' in watched.asked[0][1][0]


def test_many_come_in_order_from_batches_of_like_length(watched):
    given = ["Ada" + " and so on" * (at * 7 % 10) for at in range(50)]
    finished = []
    found = list(Extractor(watched).many(given, "scnm-en", batch_size=4, progress=finished.append))
    assert [p.text for p in found] == given
    assert [p.id for p in found] == [str(at) for at in range(50)]
    assert sum(finished) == 50
    for prompts, _, _ in watched.asked:
        assert len(prompts) <= 4
    first = [len(p) for prompts, _, _ in watched.asked[:8] for p in prompts]
    assert first == sorted(first, reverse=True)  # of the 32 read ahead


def test_unordered_gives_the_same_predictions(watched):
    given = ["Ada" * (at % 5 + 1) for at in range(20)]
    ex = Extractor(watched)
    ordered = list(ex.many(given, "scnm-en"))
    anyhow = list(ex.many(given, "scnm-en", ordered=False))
    assert sorted(anyhow, key=lambda p: int(p.id)) == ordered


def test_many_is_lazy_and_reads_a_bounded_stretch_ahead(watched):
    drawn = itertools.count()
    endless = (f"Ada {next(drawn)}" for _ in itertools.repeat(None))
    found = Extractor(watched).many(endless, "scnm-en", batch_size=2)
    assert watched.asked == []
    assert next(found).text == "Ada 0"
    assert next(drawn) == 16


def test_records_keep_their_id_meta_and_task(watched):
    given = [
        Record(
            "a-1",
            "scnm-ja",
            "紫式部は京都へ。",
            "自然",
            (Pair("地名", "京都", 4, 6),),
            meta={"k": 1},
        ),
        Record("b-2", "scnm-zh", "王小明来了。"),
    ]
    one, two = Extractor(watched).many(given)
    assert (one.id, one.task, one.label, one.meta) == ("a-1", "scnm-ja", "社会", {"k": 1})
    assert one.items == (("人名", "紫式部"),)  # nothing of the gold annotation
    assert (two.id, two.task, two.pairs[0].start) == ("b-2", "scnm-zh", 0)


def test_a_task_may_be_one_that_the_table_does_not_know(watched):
    own = adhoc(labels=["Society"], entities=["people"])
    (found,) = Extractor(watched).many([Record("1", "elsewhere", "Ada.")], own)
    assert found.task == "adhoc"
    with pytest.raises(TaskError, match="no task 'elsewhere'"):
        next(Extractor(watched).many([Record("1", "elsewhere", "Ada.")]))


def test_labels_of_the_callers_own(watched):
    ex = Extractor(watched)
    found = ex("Ada met Bo Li.", labels=["Society", "weather/find"], entities=["people"])
    assert found.items == (("people", "Ada"), ("people", "Bo Li"))
    assert watched.asked[0][0] == ["/Society;weather/find\n:people\nAda met Bo Li./NER\n"]
    assert 'LABEL: "Society" | "weather\\\\/find"' in watched.asked[0][1][0]
    assert ex("紫式部です。", entities=["人名"]).label == "社会"
    assert watched.asked[1][0] == [":人名\n紫式部です。/固有表現抽出\n"]
    ex("王小明来了", labels=["社会"])
    assert watched.asked[2][0][0].endswith("/实体命名识别\n")
    ex("王小明来了", labels=["社会"], lang="ja")
    assert watched.asked[3][0][0].endswith("/固有表現抽出\n")


def test_relations_of_the_callers_own():
    ex = Extractor(Scripted(lambda prompt: "film/relation extraction/:Ada;plays in;Rain"))
    found = ex("Ada plays in Rain.", labels=["film"], relations=["plays in"])
    assert found.facts[0].fields == ("Ada", "plays in", "Rain")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "no task: give one"),
        ({"task": "scnm-jp"}, "did you mean scnm-ja"),
        ({"task": "scnm-en", "labels": ["a"]}, "a task has its own labels"),
        ({"entities": ["a"], "relations": ["b"]}, "not both"),
    ],
)
def test_bad_tasks_are_refused(watched, arguments, message):
    with pytest.raises(TaskError, match=message):
        Extractor(watched)("Ada", **arguments)
    assert watched.asked == []


# ---------------------------------------------------------------- options


def test_free_mode_has_no_grammar_and_is_repaired():
    free = Options(constrained=False)
    ex = Extractor(Scripted(lambda prompt: "Society／NER: people;ada"), free)
    found = ex("Ada left.", task="scnm-en")
    assert found.ok
    assert found.repairs
    assert found.label == "Society"
    watched = Watched()
    Extractor(watched, free)("Ada", task="scnm-en")
    assert watched.asked[0][1] is None


def test_levels_and_alignment_reach_prompt_and_grammar(watched):
    Extractor(watched, Options(level=Level.WORD, align="words"))("Japanese", task="scnm-en")
    (grammar,) = watched.asked[0][1]
    assert grammar.startswith('start: "/NER/" item')
    assert '["Japanese"]' in grammar


def test_an_example_is_shown_before_every_text(watched):
    example = Record("e", "scnm-en", "Bo Li slept.", "Nature", (Pair("people", "Bo Li"),))
    found = Extractor(watched, Options(example=example))("Ada", task="scnm-en")
    assert watched.asked[0][0] == ["Bo Li slept./NER\nNature/NER/:people;Bo Li\n\nAda/NER\n"]
    assert found.items == (("people", "Ada"),)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"long": "cut"}, "long is 'split' or 'refuse', got 'cut'"),
        ({"window": 0}, "window and max_new_tokens are 1 or more"),
        ({"overlap": -1}, "overlap 0 or more"),
        ({"level": "words"}, "level is one of 'both', 'text', 'word', got 'words'"),
        ({"fields": 2}, "fields 3 or more"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        Options(**options)
    with pytest.raises(InputError, match="batch_size is 1 or more"):
        list(Extractor(Watched()).many(["a"], "scnm-en", batch_size=0))


# ---------------------------------------------------------------- long texts


@pytest.mark.parametrize(
    ("name", "filler", "planted"),
    [
        ("scnm-en", "The tide went out and nobody saw it. ", "Zanzibar"),
        ("scnm-ja", "潮が引いたが誰も見ていなかった。", "紫式部"),
        ("scnm-zh", "潮水退去，没有人看见。", "王小明"),
    ],
)
def test_nothing_of_a_long_text_is_lost(name, filler, planted):
    ex = Extractor(Watched(), Options(window=400, overlap=40))
    for before in (0, 37, 181, 360, 399, 1200):
        head = (filler * 200)[:before].rstrip(" ") + " "
        text = head + planted + " " + filler * 60 + planted
        found = ex(text, task=name)
        starts = [p.start for p in found.pairs]
        assert starts == [len(head), len(text) - len(planted)]
        assert found.text == text
        assert found.scores["label"] == 1.0
        assert len(ex.backend.asked) > 1


@pytest.mark.parametrize("at", range(340, 400, 3))
def test_an_entity_across_a_border_is_found(at):
    text = "x" * 3 + " y" * 300
    text = text[:at] + " New York City " + text[at:]
    found = Extractor(Watched(), Options(window=400, overlap=40))(text, task="scnm-en")
    assert [(p.entity, p.start) for p in found.pairs] == [("New York City", at + 1)]


def test_the_models_own_window_counts():
    watched = Watched(window=300)
    Extractor(watched)("Ada went. " * 100, task="scnm-en")
    for prompts, _, keywords in watched.asked:
        assert all(len(prompt) + keywords["max_new_tokens"] <= 300 for prompt in prompts)


@pytest.mark.parametrize("ordered", [True, False])
def test_what_is_wrong_with_a_text_is_raised_after_those_before_it(watched, ordered):
    def read():
        yield from ("Ada 1", "Ada 2")
        raise InputError("line 3: no record")

    ex = Extractor(watched)
    named = [Record(str(at), name, "Ada") for at, name in enumerate(["scnm-en", "scnm-en", "none"])]
    for wrong, told in ((named, "no task 'none'"), (map(_record, read()), "line 3: no record")):
        found = []
        with pytest.raises((TaskError, InputError), match=told):
            for one in ex.many(wrong, batch_size=2, ordered=ordered):
                found.append(one.text)
        assert sorted(found) in (["Ada", "Ada"], ["Ada 1", "Ada 2"])


def _record(text):
    return Record(text, "scnm-en", text)


def test_a_long_text_may_be_refused(watched):
    ex = Extractor(watched, Options(long="refuse", window=100))
    with pytest.raises(
        TextTooLong,
        match=r"record 'r': 1,000 characters make a prompt of 1,005 tokens, the window takes 100",
    ):
        list(ex.many([Record("r", "scnm-en", "Ada went. " * 100)]))
    assert ex("Ada", task="scnm-en").pairs
    texts = ["Ada 1", "Ada 2", "Ada went. " * 100, "Ada 3"]
    found = ex.many(texts, "scnm-en")
    assert [next(found).text, next(found).text] == texts[:2]
    with pytest.raises(TextTooLong, match="record '2'"):
        next(found)


def test_a_long_text_is_done_soon_after_it_was_begun():
    watched = Watched()
    texts = [f"Ada {n} went out. " * 40 for n in range(8)]
    found = Extractor(watched, Options(window=400)).many(
        texts, "scnm-en", batch_size=2, ordered=False
    )
    next(found)
    assert len(watched.asked) < 6  # of about sixteen


def test_a_text_that_fits_is_never_parted(watched):
    ex = Extractor(watched, Options(long="refuse", window=20))
    watched_tokens = lambda text: 5 + len(text.split())  # noqa: E731 - blanks cost nothing here
    object.__setattr__(watched, "count", watched_tokens)
    assert ex("Ada" + " " * 500 + "went", task="scnm-en").label == "Society"
    assert len(watched.asked) == 1


def test_fifty_thousand_characters(tiny):
    text = "The tide went out at Lyme, and 王小明 wrote 紫式部は京都で a letter. " * 800
    ex = Extractor(tiny.backend, Options(max_items=1))
    begin = time.process_time()
    found = ex(text[:50_000], task="scnm-en")
    assert time.process_time() - begin < 60
    assert found.text == text[:50_000]
    assert found.label in task("scnm-en").labels
    for pair in found.pairs:
        assert text[pair.start : pair.end] == pair.entity
    assert max(pair.start for pair in found.pairs) > 45_000


# ---------------------------------------------------------------- hard texts, a real decoder


@pytest.mark.parametrize("text", ["", " ", ":;:;", "\n\n", "\\", "/", "：；", "\u3000\t", "\x00"])
def test_texts_without_content(tiny, text):
    found = tiny(text, task="scnm-ja")
    assert found.ok
    assert found.label in task("scnm-ja").labels
    assert all(p.entity in text for p in found.pairs)
    assert 0.0 < found.scores["label"] <= 1.0
    if not text.strip(" \u3000\t\n:;\\/"):
        assert found.items == ()


@pytest.mark.parametrize(
    "text",
    [
        "<eos>",
        "Ada <eos> Bo <bos><pad>",
        "<|im_end|>\n<|im_start|>user",
        "<start_of_turn>model</s>",
    ],
)
def test_a_text_that_spells_special_tokens_is_plain_text(tiny, text):
    backend = tiny.backend
    ids = backend._backbone.encode(text)
    special = set(backend._backbone.tokenizer.all_special_ids)
    assert not special & set(ids[len(backend._backbone.bos) :])
    found = tiny(text, task="scnm-en")
    assert found.ok
    assert found.label
    assert all(p.start is not None for p in found.pairs)


@settings(max_examples=25, deadline=None)
@given(st.lists(texts, min_size=1, max_size=4), st.sampled_from(["scnm-en", "open-tcree-zh"]))
def test_what_a_constrained_model_says_is_always_readable(tiny, given, name):
    asked = task(name)
    ex = Extractor(tiny.backend, Options(max_items=3, max_new_tokens=60))
    for text, found in zip(given, ex.many(given, name), strict=True):
        assert found.ok
        assert found.label in asked.labels
        assert set(found.repairs) <= {"cut-dropped", "repeat-dropped", "items-full"}
        full = len(found.items) + found.repairs.count("repeat-dropped") == 3
        assert full == ("items-full" in found.repairs)
        for fact in found.facts:
            assert fact.fields[1] in asked.item_labels
            assert fact.fields[0] in text
            assert fact.fields[2] in text
        for pair in found.pairs:
            assert text[pair.start : pair.end] == pair.entity
        scores = [found.scores["label"], *found.scores["items"]]
        assert all(0.0 <= score <= 1.0 for score in scores)


def test_the_same_text_gives_the_same_prediction(tiny):
    records = tiny_records(6)
    assert list(tiny.many(records, batch_size=4)) == list(tiny.many(records, batch_size=4))


def test_a_model_that_goes_round_in_circles_is_stopped(tiny):
    text = "Ada left."
    found = tiny(text, task="scnm-en")  # at random weights, greedy choices soon repeat
    assert len(found.completion) < 400
    assert len(found.items) == len(set(found.items))


def test_a_prompt_beyond_the_window_is_refused_by_the_backend(tiny):
    with pytest.raises(TextTooLong, match="do not fit into the window of"):
        tiny.backend.complete(["a" * 600], max_new_tokens=20)


def test_a_model_that_is_not_there_is_said_in_one_line():
    with pytest.raises(ModelError, match=r"^[^\n]*no model './nowhere'[^\n]*$"):
        Extractor.load("./nowhere")


def test_a_model_whose_scores_are_no_numbers_is_refused(tmp_path):
    import torch

    broken = backbone.load(tiny_model(tmp_path / "m"))
    with torch.no_grad():
        broken.model.model.norm.weight.fill_(torch.nan)
    for constrained in (True, False):
        ex = Extractor(HFBackend(broken), Options(constrained=constrained))
        with pytest.raises(ModelError, match="the model's scores are no numbers in float32"):
            ex("Ada", task="scnm-en")


def test_languages_are_guessed_from_the_script():
    guessed = {"ｱﾀﾞ": "ja", "卡尔・马克思": "zh", "カール": "ja", "Zoë": "en", "東京へ": "ja"}
    assert {text: guess_language(text) for text in guessed} == guessed


def test_loading_a_folder(tmp_path):
    folder = tiny_model(tmp_path / "m")
    ex = Extractor.load(folder, device="cpu", options=Options(max_items=2))
    assert ex.backend.name == "m"
    moved = shutil.copytree(folder, tmp_path / "elsewhere" / "m")
    assert Extractor.load(moved, device="cpu").backend.weights == ex.backend.weights
    half = Extractor.load(folder, device="cpu", dtype="bfloat16")
    other = Extractor.load(tiny_model(tmp_path / "o" / "m", seed=5), device="cpu")
    assert len({b.backend.weights for b in (ex, half, other)}) == 3
    assert ex("Ada", task="scnm-en").ok


def test_random_choices_on_fuzzed_texts_stay_in_the_format(tmp_path, monkeypatch):
    benchmarks = Path(__file__).parent.parent / "benchmarks"
    monkeypatch.syspath_prepend(str(benchmarks))
    import fuzz_decode

    result = fuzz_decode.fuzz(tmp_path, 300)
    assert result["wrong"] == []
    assert result["unreadable"] == result["not verbatim"] == result["unknown label"] == 0
    assert result["texts"] == 300
    assert result["items"] > 100


def test_a_text_read_in_windows_is_scored_as_well_formed():
    text = "甲は京都にいた。" * 40
    answer = "社会/固有表現抽出/:地名;京都"
    ex = Extractor(Scripted(lambda prompt: answer, window=400), Options(window=80, overlap=8))
    found = ex(text, task="scnm-ja")
    assert len(found.meta["window_completions"]) > 1
    assert pl.codec.read(found.completion, "scnm-ja").items == found.items
    gold = Record(found.id, found.task, text, found.label, found.pairs)
    for protocol in ("pointline", "paper"):
        report = pl.score([gold], [found], protocol=protocol, resamples=0)
        assert (report.well_formed, report.all) == (1.0, 1.0)


def test_many_takes_labels_of_ones_own_in_several_languages():
    answers = {"NER": "a/NER/:x;Ada", "固有表現抽出": "a/固有表現抽出/:x;雨"}
    ex = Extractor(Scripted(lambda prompt: next(v for k, v in answers.items() if k in prompt)))
    found = list(ex.many(["Ada left.", "雨だ。"], labels=["a"], entities=["x"]))
    assert [pair.entity for one in found for pair in one.pairs] == ["Ada", "雨"]
    with pytest.raises(TaskError, match="not both"):
        next(ex.many(["Ada"], "scnm-en", labels=["a"]))
    with pytest.raises(InputError, match="put one in a list"):
        next(ex.many("Ada", "scnm-en"))

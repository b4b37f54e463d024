"""Both directions: what the grammar admits is read strictly, what is gold is admitted."""

import random
from dataclasses import replace

import llguidance
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import texts

from pointline.errors import InputError
from pointline.format import codec
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import TASKS, adhoc, task
from pointline.format.text import chunks
from pointline.model.form import TEMPLATES, Form, Level, Order
from pointline.model.grammar import LABEL_CHARS, build
from pointline.model.prompt import input_text, target

_OPEN = [adhoc(), adhoc(shape="facts"), adhoc(labels=["weather/find", " a:b"], entities=["x;y"])]
_TASKS = st.sampled_from([*TASKS.values(), *_OPEN])
_ALIGN = st.sampled_from(["chars", "words"])
_TEMPLATES = st.sampled_from([*TEMPLATES.values()])
_FORMS = st.builds(Form, st.sampled_from(Level), st.sampled_from(Order), template=_TEMPLATES)


@pytest.fixture(scope="module")
def guide():
    """A tokenizer of single bytes and a few tokens that lie across every border."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    words = ["<eos>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    merges = [("/", ":"), (":", "p"), ("\\", ":"), (";", "A"), ("A", "d"), ("Ad", "a"), ("a", ":")]
    words += ["".join(pair) for pair in merges]
    tokenizer = Tokenizer(models.BPE({word: at for at, word in enumerate(words)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<eos>"])
    return llguidance.LLTokenizer(tokenizer.to_str(), eos_token=0)


def _matcher(guide, grammar):
    matcher = llguidance.LLMatcher(guide, grammar)
    assert not matcher.is_error(), matcher.get_error()
    assert not matcher.get_grammar_warnings()
    return matcher


def _admits(guide, grammar, line):
    matcher, tokens = _matcher(guide, grammar), guide.greedy_tokenize(line)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


def _walk(guide, grammar, seed, most=60):
    """A random string of the grammar: any allowed token, stopped at a place where it may end."""
    matcher, rng, tokens = _matcher(guide, grammar), random.Random(seed), []
    while not matcher.is_stopped() and not (len(tokens) >= most and matcher.is_accepting()):
        allowed = [
            8 * at + bit
            for at, byte in enumerate(matcher.compute_bitmask())
            for bit in range(8)
            if byte >> bit & 1
        ]
        token = rng.choice(allowed)
        if token == 0:
            break
        tokens.append(token)
        assert matcher.consume_token(token)
    return guide.decode_bytes(tokens).decode()


# ---------------------------------------------------------------- the two directions


def _clean(value):
    return value == value.strip() != ""


@st.composite
def _gold(draw, align):
    """A record whose entities are pieces of its text and whose labels the task has."""
    asked, text = draw(_TASKS), draw(texts)
    pieces = chunks(text, words=align == "words")
    borders = [sum(map(len, pieces[:at])) for at in range(len(pieces) + 1)]
    found = [text[a:b] for a in borders for b in borders if a < b <= a + 12]
    entities = st.sampled_from(sorted(filter(_clean, found)) or ["-"])
    free = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=9)
    label = draw(st.sampled_from(asked.labels) if asked.labels else free.filter(_clean))
    kinds = st.sampled_from(asked.item_labels) if asked.item_labels else free.filter(_clean)
    empty = not any(map(_clean, found)) or all(char in "\\/:; \n\r\t　" for char in text)
    most = 0 if empty else 5
    if asked.shape == "facts":
        facts = st.tuples(entities, kinds, entities).map(Fact)
        return asked, Record(
            "", asked.name, text, label, facts=draw(st.lists(facts, max_size=most))
        )
    pairs = draw(st.lists(st.builds(Pair, kinds, entities), max_size=most))
    return asked, Record("", asked.name, text, label, pairs)


@settings(max_examples=150, deadline=None)
@given(st.data(), _ALIGN, _FORMS)
def test_a_gold_completion_is_admitted(guide, data, align, form):
    asked, record = data.draw(_gold(align))
    grammar = build(asked, record.text, align=align, form=form)
    assert _admits(guide, grammar, target(record, asked, form))


@settings(max_examples=150, deadline=None)
@given(_TASKS, texts, _ALIGN, _FORMS, st.integers(0, 1 << 30))
def test_an_admitted_string_is_read_strictly(guide, asked, text, align, form, seed):
    line = _walk(guide, build(asked, text, align=align, form=form), seed)
    if not form.is_mix:
        spans = form.parts(line, asked.word)
        label, items = (line[slice(*span)] if span else "" for span in spans)
        line = f"{label}/{asked.word}/{items}"
    reading = codec.read(line, asked, text)
    assert not reading.repairs
    if form.level is Level.WORD:
        assert reading.label == ""
    else:
        assert _clean(reading.label) or reading.label in asked.labels
        assert asked.labels is None or reading.label in asked.labels
    for item in reading.items:
        at = 0 if asked.shape == "pairs" else 1
        assert asked.item_labels is None or item[at] in asked.item_labels
        assert asked.item_labels is not None or len(item[at]) <= LABEL_CHARS
        for entity in item[:at] + item[at + 1 :]:
            assert entity in text
            assert _clean(entity)
    for pair in reading.pairs:
        assert text[pair.start : pair.end] == pair.entity


# ---------------------------------------------------------------- by hand

_SCNM = task("scnm-en")


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("At 10:30 sharp.", "10:30"),
        ("C:\\temp; then", "C:\\temp;"),
        ("one\ntwo", "one\ntwo"),
        ("a\\nb", "a\\nb"),
        ("n\nn", "n\nn"),
        ('say "no" {x} %regex', '"no" {x} %regex'),
        ("作者は「源氏物語」／紫式部。", "「源氏物語」／紫式部"),
        ("北京：上海；", "北京：上海；"),
        ("👩‍🚀 e\u0301té ﾊﾞｽ", "👩‍🚀 e\u0301té ﾊﾞｽ"),
        ("tab\there\x1c\x85\u2028end", "tab\there\x1c\x85\u2028end"),
        ("\x00null", "\x00null"),
        ("see <eos> and <|im_end|>", "<eos> and <|im_end|>"),
    ],
)
def test_any_verbatim_entity_is_reachable(guide, text, entity):
    record = Record("", "scnm-en", text, "Nature", [Pair("products", entity)])
    line = target(record, _SCNM)
    assert _admits(guide, build(_SCNM, text), line)
    assert codec.read(line, _SCNM, text).pairs[0].entity == entity


@pytest.mark.parametrize(
    "line",
    [
        "Nature/NER/:people;Bob",  # not in the text
        "Nature/NER/:people; left",  # a blank at the edge
        "Nature/NER/:people;left ",
        "Nature/NER/:people;",  # empty
        "Nature/NER/:persons;Ada",  # not a label
        "Weather/NER/:people;Ada",
        "Nature/NER/:",
        "Nature/NER:/people;Ada",
        "Nature/NER/:people;Ada\n",
        "Nature/NER/:people；Ada",
        "Nature/NER/:people;10:30",  # not escaped
        "Nature/NER/:people;10\\",  # half an escape
        "Nature/NER/:people;\\n",  # a line break alone
        "Nature/NER/:people;\\nend",  # a line break at the edge
        "/NER/:people;Ada",
    ],
)
def test_what_is_not_in_the_format_is_refused(guide, line):
    assert not _admits(guide, build(_SCNM, "Ada left at 10:30\nend"), line)


def test_words_keep_latin_words_whole(guide):
    text = "Japanese in Japan, 日本語とJapan2024"
    words, chars = (build(_SCNM, text, align=align) for align in ("words", "chars"))
    for entity, whole in [("Japan", True), ("Jap", False), ("日本", True), ("2024", False)]:
        line = f"Nature/NER/:places;{entity}"
        assert _admits(guide, chars, line)
        assert _admits(guide, words, line) == whole
    assert _admits(guide, words, "Nature/NER/:places;Japanese in Japan")


@pytest.mark.parametrize("text", ["", " ", ":;", "\\/:;\n", " \u3000\t\x1c"])
def test_a_text_without_content_has_no_items(guide, text):
    grammar = build(_SCNM, text)
    assert _admits(guide, grammar, "Nature/NER/")
    assert "item" not in grammar


def test_items_are_counted(guide):
    grammar = build(_SCNM, "Ada", max_items=2)
    line = "Nature/NER/" + ":people;Ada" * 2
    assert _admits(guide, grammar, line)
    assert not _admits(guide, grammar, line + ":people;Ada")
    assert _admits(guide, build(_SCNM, "Ada", max_items=0), "Nature/NER/")


def test_facts_have_three_fields_or_as_many_as_asked(guide):
    asked = task("tcree-ja")
    three, five = build(asked, "森あやが主演した"), build(asked, "森あやが主演した", fields=5)
    head = "映画/関係抽出/:森あや;主演"
    assert _admits(guide, three, head + ";森")
    assert not _admits(guide, three, head + ";森;あや")
    assert not _admits(guide, three, head)
    assert _admits(guide, five, head + ";森;あや;主演")
    assert not _admits(guide, five, "映画/関係抽出/:森あや;共演;森")


def test_levels(guide):
    text = "Ada left."
    assert _admits(guide, build(_SCNM, text, form=Level.TEXT), "Nature/NER/")
    assert not _admits(guide, build(_SCNM, text, form=Level.TEXT), "Nature/NER/:people;Ada")
    assert _admits(guide, build(_SCNM, text, form=Level.WORD), "/NER/:people;Ada")
    assert not _admits(guide, build(_SCNM, text, form=Level.WORD), "Nature/NER/")


def test_open_labels_are_short_and_escaped(guide):
    grammar = build(adhoc(), "Ada")
    assert _admits(guide, grammar, "weather\\/find/NER/:a\\:b/c;Ada")
    assert _admits(guide, grammar, "x" * LABEL_CHARS + "/NER/")
    assert not _admits(guide, grammar, "x" * (LABEL_CHARS + 1) + "/NER/")
    for bad in ("", " a", "a ", "a\x00b", "a\tb", "a\\nb"):
        assert not _admits(guide, grammar, bad + "/NER/")


def test_bad_arguments_are_refused():
    with pytest.raises(InputError, match="align is 'chars' or 'words', got 'letters'"):
        build(_SCNM, "", align="letters")
    with pytest.raises(InputError, match="max_items is 0 or more"):
        build(_SCNM, "", max_items=-1)
    with pytest.raises(InputError, match="fields 3 or more"):
        build(_SCNM, "", fields=2)


@pytest.mark.parametrize("template", list(TEMPLATES.values()))
def test_what_is_given_beside_the_text_cannot_be_taken_out(guide, template):
    form = Form(Level.WORD, given=Level.TEXT, template=template)
    shown = Record("1", "scnm-en", "Ada left.", "Nature", [Pair("places", "Turin")])
    prompt = input_text("Ada left.", _SCNM, form, given=shown)
    assert "Nature" in prompt
    before = target(replace(shown, pairs=[]), _SCNM, form)
    grammar = build(_SCNM, "Ada left.", form=form)
    assert _admits(guide, grammar, f"{before}:people;Ada")
    for entity in ("Nature", "Turin", "NER"):
        assert not _admits(guide, grammar, f"{before}:people;{entity}")

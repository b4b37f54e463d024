"""Prompts in pieces, and which token is what: three languages, emoji, full-width letters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_records

from pointline.errors import InputError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import task
from pointline.model.form import TEMPLATES, Form, Level, Order
from pointline.model.prompt import input_text, target
from pointline.study.flow.prompt import Asked, Piece, Role, ask, why_not
from pointline.study.flow.roles import assign, tokens_of
from pointline.study.flow.settings import FlowConfig

DIRECTIONS = ("items-to-label", "label-to-items")
RECORDS = [
    Record("en", "scnm-en", "Ada wrote to Ｂｏｂ 👩‍💻.", "Society", [Pair("people", "Ada", 0, 3)]),
    Record("ja", "scnm-ja", "𠮷野さんは京都で泳ぐ🏊。", "社会", [Pair("人名", "𠮷野さん", 0, 4)]),
    Record("zh", "scnm-zh", "李白在长安写诗。", "文艺", [Pair("地名", "长安", 3, 5)]),
    Record("facts", "tcree-zh", "新手机昨天发布。", "IT", facts=[Fact(("新手机", "发布", "昨天"))]),
    Record("marks", "scnm-en", "At 10:30 a/b.", "Nature", [Pair("events", "10:30", 3, 8)]),
]


def config(direction, prompt="digits", template="pointline"):
    return FlowConfig(direction, prompt=prompt, template=template)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.id)
def test_the_trained_forms_are_spelled_as_models_are_trained(record, direction, template):
    """Prompt and answer together are the beginning of what the training shows."""
    asked_of = task(record.task)
    to_label = direction == "items-to-label"
    level, given = (Level.TEXT, Level.WORD) if to_label else (Level.WORD, Level.TEXT)
    beside = Form(level, given=given, template=TEMPLATES[template])
    asked = ask(record, asked_of, config(direction, "given", template))
    whole = input_text(record.text, asked_of, beside, given=record) + target(
        record, asked_of, beside
    )
    assert whole.startswith(asked.text + asked.answer)
    order = Order.ITEMS_FIRST if to_label else Order.LABEL_FIRST
    joint = Form(Level.BOTH, order, template=TEMPLATES[template])
    asked = ask(record, asked_of, config(direction, "joint", template))
    whole = input_text(record.text, asked_of, joint) + target(record, asked_of, joint)
    assert whole.startswith(asked.text + asked.answer)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("prompt", ["digits", "given", "joint"])
@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.id)
def test_every_token_has_the_role_of_its_characters(tiny, record, prompt, direction):
    asked = ask(record, task(record.task), config(direction, prompt))
    tokens = tokens_of(asked, tiny)
    assert tokens.text == asked.text
    assert tokens.roles[0] is Role.SPECIAL and tokens.roles[-1] is Role.TARGET
    assert len(tokens.ids) == len(tokens.roles) == len(tokens.spans)
    places = []
    for piece in asked.pieces:
        places += [piece.role] * len(piece.text)
    for (start, end), role in list(zip(tokens.spans, tokens.roles, strict=True))[1:-1]:
        held = {places[at] for at in range(start, end) if not asked.text[at].isspace()}
        assert not held or role in held
    assert not tokens.straddles or prompt != "digits"
    if prompt == "digits":
        told = dict.fromkeys(tokens.spans[at] for at in tokens.at(Role.INFO))
        wanted = record.items[0][-1] if direction == "items-to-label" else record.label
        assert wanted[:2] in "".join(asked.text[start:end] for start, end in told)


def test_digits_list_the_labels_and_ask_for_one():
    asked = ask(RECORDS[1], task("scnm-ja"), config("items-to-label"))
    assert "1 社会\n2 文芸" in asked.text and asked.text.endswith("ラベル：")
    assert asked.answer == "1" and asked.choices == ("1", "2", "3", "4", "5") and asked.gold == 0
    labels = [piece.text for piece in asked.pieces if piece.role is Role.LABELS]
    assert labels == ["1 社会\n2 文芸\n3 学問\n4 技術\n5 自然"]


def test_open_labels_have_no_digits():
    record = Record("1", "tconer-en", "Ada left.", "travel", [Pair("person", "Ada", 0, 3)])
    with pytest.raises(InputError, match="digits stand for at most 9 labels, this has open"):
        ask(record, task("tconer-en"), config("items-to-label"))
    assert ask(record, task("tconer-en"), config("label-to-items")).answer == "person"


def test_the_first_item_is_asked_for():
    facts = ask(RECORDS[3], task("tcree-zh"), config("label-to-items"))
    assert facts.answer == "新手机" and facts.choices == ()
    pairs = ask(RECORDS[0], task("scnm-en"), config("label-to-items"))
    assert pairs.choices[pairs.gold] == pairs.answer == "people"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Record("1", "scnm-en", " ", "Nature", [Pair("people", "Ada")]), "no text"),
        (Record("1", "scnm-en", "a", "", [Pair("people", "Ada")]), "no label"),
        (Record("1", "scnm-en", "a", "Nature"), "no items"),
        (Record("1", "scnm-en", "a", "Art", [Pair("people", "Ada")]), "label outside the task"),
    ],
)
def test_why_a_record_takes_no_part(record, reason):
    assert why_not(record, task("scnm-en"), config("items-to-label")) == reason


def test_a_straddling_token_goes_where_most_of_it_is_and_is_told():
    pieces = [Piece(Role.TEXT, "京都"), Piece(Role.FRAME, "\n"), Piece(Role.INFO, "で開催")]
    roles, straddles = assign(pieces, [(0, 1), (1, 5), (5, 6)])
    assert roles == [Role.TEXT, Role.INFO, Role.INFO]
    assert [(one.token, one.text, one.roles) for one in straddles] == [
        (1, "都\nで開", (Role.TEXT, Role.INFO))
    ]


def test_a_blank_beside_a_word_is_no_straddle():
    pieces = [Piece(Role.FRAME, "Text: "), Piece(Role.TEXT, "Ada")]
    assert assign(pieces, [(0, 5), (5, 9)]) == ([Role.FRAME, Role.TEXT], [])


def test_bytes_of_one_character_all_have_its_role():
    """Byte-level tokenizers give several tokens one character, as 𠮷 or an emoji."""
    pieces = [Piece(Role.TEXT, "a𠮷"), Piece(Role.INFO, "🏊")]
    roles, straddles = assign(pieces, [(0, 1), (1, 2), (1, 2), (2, 3), (2, 3), (2, 3)])
    assert roles == [Role.TEXT] * 3 + [Role.INFO] * 3 and not straddles


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([Role.FRAME, Role.TEXT, Role.INFO]),
            st.text("ab 京都𠮷🏊ｱＡ\u0301\n", min_size=1, max_size=6),
        ),
        min_size=1,
        max_size=6,
    ),
    st.data(),
)
def test_spans_are_assigned_to_what_they_hold(parts, data):
    pieces = [Piece(role, text) for role, text in parts]
    text = "".join(piece.text for piece in pieces)
    owner = [piece.role for piece in pieces for _ in piece.text]
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    (role,), straddles = assign(pieces, [(start, end)])
    solid = [owner[at] for at in range(start, end) if not text[at].isspace()]
    assert role in (solid or owner[start:end])
    assert bool(straddles) == (len(set(solid)) > 1)


def test_the_last_token_is_the_target_and_answers_may_not_merge_into_it(tiny):
    asked = Asked((Piece(Role.TEXT, "Ada wrote"), Piece(Role.FRAME, "\na lon")), "g novel")
    with pytest.raises(InputError, match="merges into the end of the prompt"):
        tokens_of(asked, tiny)


def test_choices_with_the_same_first_token_are_told(tiny):
    """A byte-level tokenizer that never saw a character begins many of them with one byte."""
    record = RECORDS[2]
    tokens = tokens_of(ask(record, task("scnm-zh"), config("items-to-label", "given")), tiny)
    assert len(tokens.choices) == 5
    assert tokens.distinct == (len(set(tokens.choices)) == 5)


def test_all_tiny_records_can_be_asked(tiny):
    for record in tiny_records(24):
        for direction in DIRECTIONS:
            asked = ask(record, task(record.task), config(direction))
            tokens = tokens_of(asked, tiny)
            assert tokens.at(Role.TEXT) and tokens.at(Role.INFO)
            assert tiny.decode(tokens.ids[1:]) == asked.text

"""Forms: what is written in any of them comes back, and what is shown beside the text is no text."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import records

from pointline.errors import InputError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import TASKS, task
from pointline.model.backend import Completion, Scripted, Token
from pointline.model.extract import Extractor, Options
from pointline.model.form import PAPER, POINTLINE, TEMPLATES, Form, Level, Order, Template
from pointline.model.interpret import interpret
from pointline.model.prompt import input_text, target

_ARROW = Template(
    "arrow",
    alone="{text} -> ",
    beside="{text} ({given}) -> ",
    text="[{word}] {label}/",
    items_first="{items}::[{word}] {label}",
    label_first="{label}: {items}",
)
_TEMPLATES = st.sampled_from([*TEMPLATES.values(), _ARROW])
_FORMS = st.builds(Form, st.sampled_from(Level), st.sampled_from(Order), template=_TEMPLATES)
_ADA = Record(
    "1",
    "scnm-en",
    "Ada at 10:30",
    "So/ci:al",
    [Pair("people", "Ada", 0, 3), Pair("events", "10:30", 7, 12)],
)


@settings(max_examples=300, deadline=None)
@given(records(), _FORMS)
@example(replace(_ADA, label=""), Form(order=Order.ITEMS_FIRST, template=PAPER))
@example(_ADA, Form(order=Order.ITEMS_FIRST, template=PAPER))
def test_what_is_written_in_a_form_is_read_back(record, form):
    asked = TASKS[record.task]
    line = target(record, asked, form)
    assert "\n" not in line
    found = interpret(Completion(line), record, asked, form)
    mix = target(record, asked, Form(form.level))
    assert found.completion == mix
    same = interpret(Completion(mix), record, asked)
    assert (found.label, found.items, found.repairs) == (same.label, same.items, same.repairs)
    assert form.is_mix == (found.meta.get("raw_completion") is None)


def test_the_papers_form_is_bare():
    asked = task("scnm-en")
    line, items = "Ada at 10:30", ":people;Ada:events;10\\:30"
    shown = Form(Level.WORD, given=Level.TEXT, template=PAPER)
    assert input_text(line, asked, Form(Level.WORD, template=PAPER)) == line
    assert input_text(line, asked, shown, given=_ADA) == line + "So\\/ci\\:al"
    assert target(_ADA, asked, shown) == items
    shown = Form(Level.TEXT, given=Level.WORD, template=PAPER)
    assert input_text(line, asked, shown, given=_ADA) == line + items
    assert target(_ADA, asked, shown) == "So\\/ci\\:al"
    joint = Form(Level.BOTH, Order.ITEMS_FIRST, template=PAPER)
    assert target(_ADA, asked, joint) == items + "::So\\/ci\\:al"


def test_our_template_parts_text_and_annotation_by_lines():
    asked, form = task("scnm-ja"), Form(Level.TEXT, given=Level.WORD)
    record = Record("1", "scnm-ja", "甲", "社会", [Pair("人名", "甲")])
    assert input_text("甲", asked, form, given=record) == (
        "甲/固有表現抽出\n/固有表現抽出/:人名;甲\n"
    )
    assert target(record, asked, form) == "社会/固有表現抽出/"


def test_facts_have_the_same_forms():
    asked = task("open-tcree-zh")
    record = Record("1", asked.name, "甲乙", "x", facts=[Fact(("甲", "时间", "乙"))])
    form = Form(Level.TEXT, given=Level.WORD, template=PAPER)
    assert input_text("甲乙", asked, form, given=record) == "甲乙:甲;时间;乙"


def test_a_form_without_its_record_is_refused():
    with pytest.raises(InputError, match="shows the text level"):
        input_text("a", task("scnm-en"), Form(Level.WORD, given=Level.TEXT))


@given(_FORMS)
def test_a_form_travels_as_json(form):
    assert Form.from_dict(form.to_dict()) == form


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"alone": "none"}, "alone has {text} once"),
        ({"beside": "{given}{text}"}, "beside has {text} and {given}"),
        ({"text": "{label} then"}, "taken apart"),
        ({"word": "{items}."}, "taken apart"),
        ({"word": "{items}\n"}, "is one line"),
        ({"label_first": "{label} {items}"}, "taken apart"),
        ({"items_first": "{items}/{label}"}, "taken apart"),
        ({"items_first": "{label}::{items}"}, "{items} and {label}"),
    ],
)
def test_a_template_that_could_not_be_read_back_is_refused(fault, told):
    with pytest.raises(InputError, match=told.replace("{", r"\{")) as caught:
        replace(PAPER, **fault)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"level": "both", "given": "text"},
        {"level": "text", "given": "text"},
        {"level": "line"},
        {"order": "any"},
        {"template": "none"},
    ],
)
def test_no_form(values):
    with pytest.raises(InputError):
        Form.from_dict(values)


# ---------------------------------------------------------------- confidence


def _spelled(*parts):
    tokens, at = [], 0
    for piece, logprob, close in parts:
        tokens.append(Token(0, at, at + len(piece), logprob, close))
        at += len(piece)
    return Completion("".join(piece for piece, *_ in parts), tuple(tokens))


def test_confidences_make_up_the_probability_in_every_order():
    from math import exp, inf

    record = Record("1", "scnm-en", "Ada left.")
    asked = task("scnm-en")
    items_first = [
        (":people", -0.5, -0.25),  # an item, though the label might have come at once
        (";Ada", -0.5, -inf),
        ("::", -1.0, -0.5),  # the item is closed, and of its closings the label is chosen
        ("Society", -2.0, -inf),
        ("", -0.125, -0.125),
    ]
    form = Form(Level.BOTH, Order.ITEMS_FIRST, template=PAPER)
    found = interpret(_spelled(*items_first), record, asked, form)
    assert found.label == "Society" and found.items == (("people", "Ada"),)
    assert found.scores["items"] == [pytest.approx(exp(-0.25 - 0.5 - 0.5))]
    assert found.scores["label"] == pytest.approx(exp(-0.5 - 2.0 - 0.125))
    label_first = [
        ("Society", -2.0, -inf),
        (":people", -1.0, -0.5),
        (";Ada", -0.5, -inf),
        ("", -0.25, -0.125),
    ]
    found = interpret(_spelled(*label_first), record, asked, Form(template=PAPER))
    assert found.scores["label"] == pytest.approx(exp(-2.0 - 0.5))
    assert found.scores["items"] == [pytest.approx(exp(-0.5 - 0.5 - 0.125))]
    alone = [("Society", -2.0, -inf), ("", -0.125, -0.125)]
    found = interpret(_spelled(*alone), record, asked, Form(Level.TEXT, template=PAPER))
    assert found.scores == {"label": pytest.approx(exp(-2.125)), "items": []}


@pytest.mark.parametrize("template", [PAPER, POINTLINE, _ARROW])
def test_a_completion_that_was_cut_before_its_label_gets_one(template):
    form = Form(Level.BOTH, Order.ITEMS_FIRST, template=template)
    record = Record("1", "scnm-en", "Ada met Bo.")
    gold = replace(record, label="Society", pairs=[Pair("people", "Ada"), Pair("people", "Bo")])
    whole = target(gold, task("scnm-en"), form)
    shown = input_text(record.text, task("scnm-en"), form)
    prompts = []

    def answer(prompt):
        prompts.append(prompt)
        return whole if prompt == shown else whole[whole.index("Society") :]

    ex = Extractor(Scripted(answer), Options(form=form, max_new_tokens=whole.index("Bo") + 1))
    found = ex(record, "scnm-en")
    assert len(prompts) == 2 and "Bo" not in prompts[1].removeprefix(shown)
    assert (found.label, found.items, found.ok) == ("Society", (("people", "Ada"),), True)
    assert found.repairs == ("cut-dropped",)
    assert found.completion == "Society/NER/:people;Ada"
    assert found.scores == {"label": 1.0, "items": [1.0]}


def test_a_completion_of_another_form_is_kept_and_told():
    record = Record("1", "scnm-en", "Ada left.")
    form = Form(Level.BOTH, Order.ITEMS_FIRST, template=POINTLINE)
    found = interpret(Completion("/NER/:people;Ada::Society"), record, task("scnm-en"), form)
    assert found.completion == "Society/NER/:people;Ada"
    assert found.meta["raw_completion"] == "/NER/:people;Ada::Society"
    lost = interpret(Completion("no such thing"), record, task("scnm-en"), form)
    assert not lost.ok and lost.label == "" and lost.completion == "no such thing"

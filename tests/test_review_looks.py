"""The review page in a real browser: what it looks like, and what it makes of hostile texts."""

import pytest
from browsing import CONTRAST, NAMELESS, WIDE, at_item, picture, serving
from reviewed import drafts, originals, placed

from pointline.format.record import Record

RTL = "كتبت ليلى 🌙 رسالة إلى أبيها في حلب."
EVIL = "<script>document.title = 'broken'</script><img src=x onerror=alert(1)> & \u202eabc\u202c"


@pytest.fixture
def served(pages, tmp_path):
    with serving(pages, tmp_path, originals(24), drafts(24)) as served:
        yield served


# ---------------------------------------------------------------- safety


def test_hostile_records_are_shown_as_they_are(pages, tmp_path):
    records = [
        Record("<b>1</b>", "scnm-en", EVIL, EVIL, placed(EVIL, [(EVIL, "<script>")])),
        Record(
            "2",
            "scnm-en",
            RTL + "\r\nLine two\u0000.",
            "Society",
            placed(RTL, [("places", "حلب")]),
            meta={"lang": "ar", "doubt": EVIL},
        ),
    ]
    with serving(pages, tmp_path, None, records) as served:
        page = served.person("<i>Mei</i>")
        assert page.locator("#text").input_value() == EVIL
        assert page.locator("header i, #items script, #marks img").count() == 0
        assert "broken" not in page.title()
        page.keyboard.press("n")
        at_item(page, 2)
        assert page.locator("#marks mark").all_inner_texts() == ["حلب"]
        page.keyboard.press("e")
        page.keyboard.type("!")
        page.keyboard.press("Control+Enter")
        at_item(page, 1)
        assert served.item("2").record.text == RTL + "\r\nLine two\u0000.!"
        page.goto(f"{served.base}/r/1/items")
        assert page.locator("tbody tr").count() == 2
        for path in ("summary", "log"):
            page.goto(f"{served.base}/r/1/{path}")
            assert page.locator("main script, main img").count() == 0


# ---------------------------------------------------------------- looks

REACHED = """() => { const { x, y, width, height } = document.activeElement.getBoundingClientRect();
  return document.elementFromPoint(x + width / 2, y + height / 2) === document.activeElement; }"""
ALIGNED = """() => { const box = document.getElementById("text"), marks = document.getElementById("marks");
  return box.scrollHeight <= marks.offsetHeight && marks.offsetHeight - box.scrollHeight < 60; }"""


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {}),
        ("dark", {"scheme": "dark"}),
        ("phone", {"size": (390, 844), "has_touch": True, "is_mobile": True}),
    ],
)
def test_every_state_can_be_read_named_and_fits(served, name, options):
    page = served.person("Mei", **options)

    def look(state):
        assert page.evaluate(CONTRAST) == [], state
        assert page.evaluate(NAMELESS) == [], state
        assert not page.evaluate(WIDE), state
        picture(page, f"{state}-{name}")

    look("work")
    assert page.evaluate(ALIGNED)
    page.locator("#items .entity").nth(3).fill("Tide Notebooks")
    page.keyboard.press("Control+Enter")
    look("fault")
    assert page.locator("#said").inner_text() == "Not accepted: item 4: not in the text"
    assert page.evaluate(REACHED)  # and not behind the buttons at the bottom
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    look("help")
    assert page.locator("dialog").evaluate("dialog => dialog.scrollTop") == 0
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")
    page.keyboard.press("r")
    page.wait_for_selector("dialog[open]")
    look("reject")
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")
    page.get_by_label("Search").fill("nothing like this")
    page.keyboard.press("Enter")
    page.wait_for_selector("#done:not([hidden])")
    look("empty")
    for path in ("items", "summary", "log", ""):
        page.goto(f"{served.base}/r/1/{path}" if path else served.base)
        look(path or "first")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_marks_lie_under_their_words(pages, tmp_path, width):
    long = (
        "長い文章を折り返すと、marks と textarea の行が、ずれてはならない。🎻👩‍🚀 supercalifragilistic "
        * 6
    )
    mixed = f"{RTL} and then English, {RTL}\n\n  tabs\tand  spaces " + "W" * 90
    records = [
        Record("1", "scnm-ja", long, "社会", placed(long, [("人名", "ない。🎻👩‍🚀 super")])),
        Record(
            "2",
            "scnm-en",
            mixed,
            "Society",
            placed(mixed, [("places", "حلب"), ("people", "English")]),
        ),
    ]
    with serving(pages, tmp_path, None, records) as served:
        page = served.person("Mei", size=(width, 800))
        for number in (1, 2):
            at_item(page, number)
            assert page.evaluate(ALIGNED)
            same = page.evaluate(
                """() => { const box = document.getElementById("text"), marks = document.getElementById("marks");
                const style = (e) => { const s = getComputedStyle(e); return [s.font, s.lineHeight, s.letterSpacing, s.whiteSpace, s.wordBreak, s.lineBreak, s.direction, s.textAlign, s.unicodeBidi, s.width, s.padding].join(); };
                return style(box) === style(marks); }"""
            )
            assert same
            page.keyboard.press("n")

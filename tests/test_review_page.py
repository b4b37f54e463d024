"""The review page in a real browser: Playwright drives Debian's Chromium.

With POINTLINE_PICTURES=docs/pictures the pictures of docs/review.md are made anew.
"""

import io
import os
import re
import shutil
import threading
import time
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from reviewed import drafts, fact_record, originals, placed

from pointline.corpus import store
from pointline.format.record import Record
from pointline.format.tasks import task
from pointline.review import pairing
from pointline.review.desk import Desk
from pointline.review.export import export
from pointline.review.item import Filter, Reviewer
from pointline.review.queue import Change, Queue
from pointline.review.web import make_app

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)"
)
NOBODY = Reviewer("", "")
RTL = "كتبت ليلى 🌙 رسالة إلى أبيها في حلب."
#: The pictures that docs/review.md shows.
PICTURES = ("fault-light", "marked", "stale", "summary", "work-dark", "work-phone")
EVIL = "<script>document.title = 'broken'</script><img src=x onerror=alert(1)> & \u202eabc\u202c"


class Clock:
    """A clock that can be put forward."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


class Served:
    """A desk that is served, and the people who look at it."""

    def __init__(self, browser, desk, review, base, clock):
        self.browser, self.desk, self.review = browser, desk, review
        self.base, self.clock, self.contexts, self.faults = base, clock, [], []

    def person(self, name, *, at="/r/1", scheme="light", size=(1280, 800), **options):
        """A page with somebody's name given, on the review."""
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, **options
        )
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on(
            "console",
            lambda told: (
                self.faults.append(told.text)
                if told.type == "error" and "409" not in told.text and "422" not in told.text
                else None
            ),
        )
        page.on(
            "request",
            lambda request: (
                self.faults.append(request.url) if not request.url.startswith(self.base) else None
            ),
        )
        page.goto(f"{self.base}/enter?review=1")
        page.locator("#name:focus").wait_for()
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        ready(page)
        if at != "/r/1":
            page.goto(self.base + at)
        return page

    def items(self, **wanted):
        return self.desk.queue.find.page(self.review, Filter(**wanted), NOBODY, size=500)

    def item(self, number):
        return self.desk.queue.find.at(self.review, str(number))


@contextmanager
def serving(browser, folder, source, draft, *, share=0.0):
    import uvicorn

    sides = []
    for name, records in (("ja.jsonl", source), ("en.jsonl", draft)):
        if records is not None:
            store.write_records(folder / name, records)
            sides.append(pairing.side(folder / name))
    clock = Clock()
    with Queue(folder / "review.sqlite", lease=60, clock=clock) as queue:
        desk = Desk(queue, folder, share=share)
        review = desk.open(sides[0] if len(sides) == 2 else None, sides[-1]).review
        config = uvicorn.Config(make_app(desk), port=0, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        served = Served(browser, desk, review, f"http://127.0.0.1:{port}", clock)
        try:
            yield served
        finally:
            for context in served.contexts:
                context.close()
            server.should_exit = True
            thread.join()
        assert served.faults == []


@pytest.fixture
def served(browser, tmp_path):
    with serving(browser, tmp_path, originals(24), drafts(24)) as served:
        yield served


def ready(page):
    page.wait_for_selector("body[data-ready]")


def at_item(page, number):
    page.locator("#number", has_text=re.compile(f"^No. {number}$")).wait_for()


def said(page, what):
    page.locator("#said", has_text=what).wait_for()


def picture(page, name):
    """Make a picture of the documents, in few colours, where its folder is named."""
    folder = os.environ.get("POINTLINE_PICTURES")
    if folder and name in PICTURES:
        from PIL import Image

        shot = Image.open(io.BytesIO(page.screenshot()))
        few = shot.convert("RGB").quantize(96, dither=Image.Dither.NONE)
        few.save(Path(folder) / f"review-{name}.png", optimize=True)


def drag_over(page, part):
    """Select a part of the text with the mouse, as it stands in the marks below the text box."""
    box = page.evaluate(
        """part => {
          const marks = document.getElementById("marks");
          const walker = document.createTreeWalker(marks, NodeFilter.SHOW_TEXT);
          const nodes = [];
          while (walker.nextNode()) nodes.push(walker.currentNode);
          let at = nodes.map(n => n.data).join("").indexOf(part), left = at + part.length;
          const find = (unit, end) => { let seen = 0; for (const n of nodes) {
            if (unit < seen + n.length || (end && unit === seen + n.length)) return [n, unit - seen];
            seen += n.length; } };
          const range = document.createRange();
          range.setStart(...find(at, false)); range.setEnd(...find(left, true));
          const { left: x, right, top, bottom } = range.getBoundingClientRect();
          return { x, right, y: (top + bottom) / 2 };
        }""",
        part,
    )
    page.mouse.move(box["x"] + 1, box["y"])
    page.mouse.down()
    page.mouse.move(box["right"] - 1, box["y"], steps=5)
    page.mouse.up()


# ---------------------------------------------------------------- work


def test_twenty_items_by_the_keyboard_alone(served):
    page = served.person("Mei")
    press, type_ = page.keyboard.press, page.keyboard.type
    for number in range(1, 21):
        at_item(page, number)
        if number % 5 == 0:
            press("r")
            page.wait_for_selector("dialog[open]")
            press("2")
        elif number == 7:
            press("s")
        elif number == 2:
            press("e")
            type_(" Soon 🏭.")
            press("Control+Enter")
        elif number == 3:
            press("4")  # the label
            press("i")  # the first item: its label, then its entity
            press("Tab")
            press("Control+a")
            type_("Hojo")
            press("Escape")
            press("a")
        elif number == 4:
            press("e")
            press("Control+Home")
            for _ in range(len("On a misty")):
                press("Shift+ArrowRight")
            press("Control+k")
            press("5")
            press("Control+Enter")
        elif number == 6:
            press("m")
            page.wait_for_selector("#flag:not([hidden])")
            press("f")
            press("Enter")  # nothing without Ctrl
            press("a")
        else:
            press("a")
    at_item(page, 21)
    found = {item.position + 1: item for item in served.items()}
    assert [n for n, item in found.items() if item.status == "rejected"] == [5, 10, 15, 20]
    assert {found[n].reason for n in (5, 10, 15, 20)} == {"unnatural"}
    assert not any(found[n].corrected for n in (1, 5, 6, 7, 10, 15, 20))
    assert found[7].status == "skipped" and found[6].flagged
    assert sum(item.status == "accepted" for item in found.values()) == 15
    assert found[2].record.text.endswith("next month. Soon 🏭.")
    assert found[2].record.pairs == found[2].draft.pairs
    assert found[3].corrected == ("label", "items") and found[3].record.pairs[0].entity == "Hojo"
    assert found[4].record.pairs[1].entity == "On a misty" and found[4].record.pairs[1].start == 0
    assert {item.decided_by for item in served.items(view="accepted")} == {"Mei"}
    press("c")
    page.wait_for_selector("dialog[open]")
    type_("潮の手帖 is a title, and 1 is a number.")
    press("Control+Enter")
    page.wait_for_selector("#history[open]")
    assert served.item(21).status == "open" and served.item(21).version == 0
    assert "Mei commented: 潮の手帖" in page.locator("#history").inner_text()
    press("g")
    page.wait_for_selector("dialog[open]")
    type_("scnm-00001")
    press("Enter")
    at_item(page, 2)
    press("/")
    type_("hakuba")
    press("Enter")
    at_item(page, 24)


def test_marking_with_the_mouse_in_japanese_behind_emoji(browser, tmp_path):
    text = "👩‍🚀🎻と朝倉澪は、𠮷野家から金沢へ向かい、金沢で歌った。"
    record = Record("ja-1", "scnm-ja", text, "文芸", placed(text, [("人名", "朝倉澪")]))
    with serving(browser, tmp_path, None, [record]) as served:
        page = served.person("澪")
        for part, label in (("金沢", "地名"), ("𠮷野家", "施設名"), ("🎻", "製品名")):
            drag_over(page, part)
            if label == "施設名":
                picture(page, "marked")
            page.get_by_role("button", name=label).click()
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#done:not([hidden])")
        told = export(served.desk.queue, served.review, tmp_path / "out")
        assert told["share_corrected"] == 1.0
        found = store.read_dataset(tmp_path / "out" / "scnm-ja").train[0]
        assert [(p.label, p.entity, p.start) for p in found.pairs] == [
            ("人名", "朝倉澪", 5), ("地名", "金沢", 15), ("施設名", "𠮷野家", 10),
            ("製品名", "🎻", 3),
        ]  # fmt: skip
        assert all(text[p.start : p.end] == p.entity for p in found.pairs)
    again = tmp_path / "again"
    again.mkdir()
    with serving(browser, again, None, [found]) as served:
        page = served.person("澪")
        marked = page.locator("#marks mark").all_inner_texts()
        assert marked == ["🎻", "朝倉澪", "𠮷野家", "金沢"]
        page.keyboard.press("a")
        page.wait_for_selector("#done:not([hidden])")
        export(served.desk.queue, served.review, again / "out")
    assert store.read_dataset(again / "out" / "scnm-ja").train[0].pairs == found.pairs


def test_spans_follow_edits_and_an_entity_that_is_lost_turns_red_before_saving(served):
    page = served.person("Mei")
    text = page.locator("#text")
    text.evaluate("box => box.setSelectionRange(0, 0)")
    text.press_sequentially("🌊🌊 ")
    text.evaluate(
        "box => { const at = box.value.indexOf('Asakura') + 3; box.setSelectionRange(at, at); }"
    )
    text.press_sequentially("h")
    rows = page.locator("#items .entity")
    assert rows.nth(0).input_value() == "Mio Asahkura"
    assert page.locator("#items li.bad").count() == 0
    rows.nth(3).fill("Tide Notebooks")
    assert page.locator("#items li.bad").inner_text().endswith("not in the text")
    page.keyboard.press("Control+Enter")
    assert "not accepted" in page.locator("#said").inner_text().lower()
    assert served.item(1).status == "open"
    rows.nth(3).fill("Tide")
    page.keyboard.press("Control+s")
    said(page, "Fixed")
    record = served.item(1).record
    assert (record.pairs[0].entity, record.pairs[0].start) == ("Mio Asahkura", 5)
    assert record.text.startswith("🌊🌊 🎻 Mio Asahkura")
    assert all(record.text[p.start : p.end] == p.entity for p in record.pairs)
    # the whole entity deleted: it is lost, and told
    text.evaluate(
        "box => { const at = box.value.indexOf('Kanazawa'); box.setSelectionRange(at, at + 8); }"
    )
    text.focus()
    page.keyboard.press("Delete")
    assert page.locator("#items li.bad .fault").inner_text() == "not in the text"
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    assert text.input_value() == served.item(1).draft.text


def test_items_are_linked_on_hover_and_by_the_focus(served):
    page = served.person("Mei")
    box = page.locator("#original-text mark").nth(1).bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    assert page.locator("#marks mark.on").all_inner_texts() == ["Kanazawa"]
    assert page.locator("#items li.on .entity").input_value() == "Kanazawa"
    box = page.locator("#marks mark").nth(0).bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    assert page.locator("#original-text mark.on").all_inner_texts() == ["朝倉澪"]
    page.locator("#items .entity").nth(2).focus()
    assert page.locator("#original-text mark.on").all_inner_texts() == ["湊橋ホール"]
    hues = [
        page.locator(s).nth(0).evaluate("m => m.style.getPropertyValue('--h')")
        for s in ("#original-text mark", "#marks mark")
    ]
    assert hues[0] == hues[1]
    assert page.locator("#original-name").inner_text() == "Original · Japanese"
    assert page.locator("#translation-name").inner_text() == "Translation · English"


def test_facts_are_edited_and_filled_from_the_selection(browser, tmp_path):
    with serving(browser, tmp_path, None, [fact_record()]) as served:
        page = served.person("林")
        page.get_by_label("Item 2, field 3").focus()
        drag_over(page, "电影")
        page.get_by_role("button", name="into item 2").click()
        page.get_by_label("One more field in item 1").click()
        page.get_by_label("Item 1, field 4").fill("厦门")
        page.get_by_label("Item 1, field 2").select_option("出演")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#done:not([hidden])")
        facts = [fact.fields for fact in served.item(1).record.facts]
        assert facts == [("林晓", "出演", "纸船", "厦门"), ("纸船", "产品", "电影")]


# ---------------------------------------------------------------- several reviewers


def test_two_reviewers_at_once_a_stale_edit_and_undo(served):
    mei, ken = served.person("Mei"), served.person("Ken")
    at_item(mei, 1)
    at_item(ken, 2)
    ken.keyboard.press("g")
    ken.wait_for_selector("dialog[open]")
    ken.keyboard.type("1")
    ken.keyboard.press("Enter")
    at_item(ken, 1)
    assert (
        ken.locator("#notice").inner_text()
        == "Mei is reviewing this item: you can read it, and go on."
    )
    assert not ken.locator("#text").is_editable()
    assert ken.get_by_role("button", name="Accept").is_disabled()
    picture(ken, "held")

    served.clock.ahead += 120  # Mei's lease runs out while she edits
    mei.locator("#text").press_sequentially("Mine. ")
    ken.keyboard.press("p")
    ken.keyboard.press("g")
    ken.wait_for_selector("dialog[open]")
    ken.keyboard.type("1")
    ken.keyboard.press("Enter")
    ken.wait_for_selector("#text:not([readonly])")
    ken.keyboard.press("4")
    ken.keyboard.press("f")
    said(ken, "Fixed")
    ken.keyboard.press("n")
    at_item(ken, 2)

    mei.keyboard.press("Control+s")
    mei.wait_for_selector("dialog[open]")
    told = mei.locator("dialog").inner_text()
    assert "Ken changed this item meanwhile" in told and "Mine." in told and "Technology" in told
    assert served.item(1).version == 1
    picture(mei, "stale")
    mei.get_by_role("button", name="Save mine over it").click()
    mei.wait_for_selector("dialog:not([open])", state="attached")
    mei.locator("#dirty").wait_for(state="hidden")
    now = served.item(1)
    assert now.version == 2 and "Mine." in now.record.text and now.record.label == "Literature"

    mei.keyboard.press("Escape")
    mei.keyboard.press("u")
    said(mei, "Undone")
    back = served.item(1)
    assert "Mine." not in back.record.text and back.record.label == "Technology"
    mei.keyboard.press("a")
    at_item(mei, 3)
    mei.keyboard.press("u")
    at_item(mei, 1)
    assert served.item(1).status == "open"
    mei.locator("#history summary").click()
    assert "Mei undid “accepted”" in mei.locator("#history").inner_text()
    mei.goto(f"{served.base}/r/1/log")
    assert mei.locator("tr.undone").count() == 2
    picture(mei, "log")


def test_a_second_opinion_is_blind_and_agreement_is_reported(browser, tmp_path):
    with serving(browser, tmp_path, originals(4), drafts(4), share=1.0) as served:
        mei = served.person("Mei")
        for number in (1, 2, 3, 4):
            at_item(mei, number)
            mei.keyboard.press("4" if number == 1 else "Escape")
            mei.keyboard.press("a")
        mei.wait_for_selector("#done:not([hidden])")
        picture(mei, "done")
        ken = served.person("Ken", at="/r/1?view=second")
        ready(ken)
        at_item(ken, 1)
        assert "Second opinion" in ken.locator("#notice").inner_text()
        assert ken.locator("[aria-pressed=true]").inner_text().endswith("Literature")
        assert "Mei" not in ken.locator("#item").inner_text()
        ken.keyboard.press("a")
        at_item(ken, 2)
        ken.keyboard.press("r")
        ken.wait_for_selector("dialog[open]")
        ken.keyboard.press("1")
        at_item(ken, 3)
        ken.keyboard.press("a")
        at_item(ken, 4)
        ken.goto(f"{served.base}/r/1/summary")
        cells = (
            ken.locator("section.card", has_text="Second opinions").locator("td").all_inner_texts()
        )
        assert cells[0] == "Ken, Mei" and cells[1:3] == ["3", "66.7 %"]
        assert [item.flagged for item in served.items()] == [True, True, False, False]
        picture(ken, "summary")


def test_a_second_opinion_on_what_changed_meanwhile_stays_blind(browser, tmp_path):
    with serving(browser, tmp_path, originals(2), drafts(2), share=1.0) as served:
        mei = Reviewer("Mei", "elsewhere")
        queue = served.desk.queue
        first = served.item(1)
        label = replace(first.record, label="Society")
        decided = Change("accepted", status="accepted", opinion=("accepted", "Society"))
        now = queue.change(first.id, mei, 0, replace(decided, record=label))
        ken = served.person("Ken", at="/r/1?view=second")
        at_item(ken, 1)
        served.clock.ahead += 61  # Ken's lease ends
        queue.change(now.id, mei, now.version, Change("flag", flagged=True))
        ken.keyboard.press("a")
        said(ken, "was changed since by Mei")
        assert ken.locator("dialog[open]").count() == 0
        assert ken.locator("[aria-pressed=true]").inner_text().endswith("Literature")
        assert "Second opinion" in ken.locator("#notice").inner_text()
        ken.keyboard.press("a")
        ken.wait_for_selector("#done:not([hidden])")
        assert [e.action for e in queue.log.notes(served.review)] == ["second"]


# ---------------------------------------------------------------- files, list, export


def test_two_files_are_chosen_or_uploaded_and_the_review_is_exported(served, tmp_path):
    page = served.person("Mei", at="/")
    page.get_by_label("In the folder").nth(0).select_option("ja.jsonl")
    page.get_by_label("In the folder").nth(1).select_option("en.jsonl")
    picture(page, "files")
    page.get_by_role("button", name="Open").click()
    ready(page)
    for number in (1, 2):
        at_item(page, number)
        page.keyboard.press("a")
    at_item(page, 3)
    page.get_by_role("link", name="Summary").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Accepted records").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert sorted(archive.namelist()) == [
            "decisions.csv", "scnm-en/manifest.json", "scnm-en/train.jsonl", "summary.json",
        ]  # fmt: skip
        archive.extractall(tmp_path / "zip")
    assert [r.id for r in store.read_dataset(tmp_path / "zip" / "scnm-en").train] == [
        "scnm-00000",
        "scnm-00001",
    ]

    page.goto(f"{served.base}/r/1")
    page.locator("summary.files").click()
    assert page.get_by_label("In the folder").nth(1).locator("option").all_inner_texts() == [
        "choose a file",
        "en.jsonl",
        "ja.jsonl",
        "zip/scnm-en/",
    ]
    lines = "".join(
        f'{{"id": "u{at}", "task": "scnm-zh", "text": "第{at}句。", "label": "社会"}}\n'
        for at in range(3)
    )
    page.locator("#draft_file").set_input_files(
        {"name": "../../上传.jsonl", "mimeType": "text/plain", "buffer": lines.encode()}
    )
    page.get_by_role("button", name="Open").click()
    ready(page)
    assert page.locator("#translation-name").inner_text() == "Text · Chinese"
    assert page.locator("#text").input_value() == "第0句。"
    assert sorted(path.name for path in tmp_path.iterdir() if "review" not in path.name) == [
        "en.jsonl",
        "ja.jsonl",
        "zip",
    ]


def test_the_list_filters_and_leads_to_items(served):
    page = served.person("Mei", at="/r/1/items")
    assert page.locator("tbody tr").count() == 24
    page.get_by_label("Rule").select_option("length ratio")
    page.wait_for_url(re.compile("rule=length"))
    assert page.locator("main > p.soft").inner_text() == "8 items"
    page.get_by_label("Search").fill("ｈａｋｕｂａ")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=.+"))
    assert page.locator("tbody tr").count() == 2
    picture(page, "list")
    page.locator("tbody .snippet a").nth(1).click()
    ready(page)
    at_item(page, 16)


# ---------------------------------------------------------------- safety


def test_hostile_records_are_shown_as_they_are(browser, tmp_path):
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
    with serving(browser, tmp_path, None, records) as served:
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

CONTRAST = """() => {
  const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const light = ([r, g, b]) => { const f = (v) => ((v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > .5) return c; }
    return rgb(getComputedStyle(document.documentElement).backgroundColor); };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || (e.matches("input, textarea, select") && e.value);
    if (!own || !e.getClientRects().length || e.closest(":disabled, #marks, [hidden], option, script") ) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) poor.push(`${e.tagName}.${e.className} ${e.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  for (const m of document.querySelectorAll("mark")) {
    const [a, b] = [light(rgb(getComputedStyle(document.body).color)), light(behind(m))];
    const tag = m.dataset.tag && light(rgb(getComputedStyle(m, "::before").color));
    const ground = light(behind(m.parentElement));
    const ratio = (x, y) => (Math.max(x, y) + .05) / (Math.min(x, y) + .05);
    if (ratio(a, b) < 4.5 || (m.dataset.tag && ratio(tag, ground) < 4.5)) poor.push(`mark ${m.textContent}`);
  }
  return poor;
}"""
NAMELESS = """() => [...document.querySelectorAll("button, input, select, textarea, a")]
  .filter((e) => e.type !== "hidden" && e.getClientRects().length)
  .filter((e) => !(e.getAttribute("aria-label") || e.labels?.length || e.textContent.trim() || document.getElementById(e.getAttribute("aria-labelledby") ?? "")))
  .map((e) => e.outerHTML.slice(0, 80))"""
WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
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
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    look("help")
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
def test_the_marks_lie_under_their_words(browser, tmp_path, width):
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
    with serving(browser, tmp_path, None, records) as served:
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


def test_a_letter_by_alt_gr_is_no_command(served):
    page = served.person("Mei")
    page.keyboard.press("e")
    page.keyboard.type("!")
    page.keyboard.press("Control+Alt+s")
    assert page.locator("#dirty").is_visible()
    page.keyboard.press("Control+s")
    said(page, "Fixed")
    assert served.item(1).version == 1


def test_unsaved_edits_outlive_the_page(served):
    page = served.person("Mei")
    page.locator("#text").press_sequentially("Half a ")
    page.reload()
    ready(page)
    assert page.locator("#text").input_value().endswith("Half a ") or page.locator(
        "#text"
    ).input_value().startswith("Half a ")
    assert page.locator("#dirty").is_visible()
    assert served.item(1).version == 0


def test_a_task_of_the_manifest_gives_the_labels(browser, tmp_path):
    own = replace(task("scnm-en"), name="mine", labels=("good", "bad"), item_labels=None)
    records = [Record("1", "mine", "Ada wrote.", "", ())]
    store.write_dataset(tmp_path / "set", own, {"test": records})
    with serving(browser, tmp_path, None, [Record("1", "mine", "x")]) as served:
        opened = served.desk.open(None, pairing.side(tmp_path / "set")).review
        page = served.person("Mei", at=f"/r/{opened.id}")
        ready(page)
        assert page.locator("#label-fault").inner_text() == "choose a label"
        drag_over(page, "Ada")
        page.get_by_label("Another label").fill("writer")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        page.keyboard.press("2")
        page.keyboard.press("a")
        page.wait_for_selector("#done:not([hidden])")
        found = served.desk.queue.find.at(opened, "1").record
        assert (found.label, found.pairs[0].label, found.pairs[0].entity) == (
            "bad",
            "writer",
            "Ada",
        )

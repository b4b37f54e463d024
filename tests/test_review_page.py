"""The review page in a real browser: one person at work."""

from dataclasses import replace

import pytest
from browsing import at_item, drag_over, picture, ready, said, serving
from reviewed import drafts, fact_record, originals, placed

from pointline.corpus import store
from pointline.format.record import Record
from pointline.format.tasks import task
from pointline.review import pairing
from pointline.review.export import export


@pytest.fixture
def served(pages, tmp_path):
    with serving(pages, tmp_path, originals(24), drafts(24)) as served:
        yield served


def test_twenty_items_by_the_keyboard_alone(served):
    page = served.stranger()
    press, type_ = page.keyboard.press, page.keyboard.type
    page.goto(f"{served.base}/enter?review=1")
    page.locator("#name:focus").wait_for()
    type_("Mei")
    press("Enter")
    ready(page)
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


def test_a_question_that_is_opened_before_the_last_one_has_said_that_it_closed(served):
    """The event comes after the closing; keys that are faster than it are not lost."""
    page = served.person("Mei")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    page.evaluate("""() => {
        document.getElementById("dialog").close();
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "r", bubbles: true }));
    }""")
    page.wait_for_selector("dialog[open] .reasons")
    page.evaluate("() => new Promise((done) => setTimeout(done, 50))")  # the event has come
    page.keyboard.press("2")
    at_item(page, 2)
    assert served.item(1).status == "rejected" and served.item(1).reason == "unnatural"


def test_marking_with_the_mouse_in_japanese_behind_emoji(pages, tmp_path):
    text = "👩‍🚀🎻と朝倉澪は、𠮷野家から金沢へ向かい、金沢で歌った。"
    record = Record("ja-1", "scnm-ja", text, "文芸", placed(text, [("人名", "朝倉澪")]))
    with serving(pages, tmp_path, None, [record]) as served:
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
    with serving(pages, again, None, [found]) as served:
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


def test_facts_are_edited_and_filled_from_the_selection(pages, tmp_path):
    with serving(pages, tmp_path, None, [fact_record()]) as served:
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


def test_undo_asks_before_it_takes_what_is_not_saved(served):
    page = served.person("Mei")
    text, press = page.locator("#text"), page.keyboard.press
    press("4")
    press("f")
    said(page, "Fixed")
    text.press_sequentially("Half a ")
    typed = text.input_value()
    press("Escape")
    press("u")
    page.wait_for_selector("dialog[open]")
    press("Enter")  # goes on editing
    page.locator("dialog[open]").wait_for(state="detached")
    assert text.input_value() == typed and served.item(1).version == 1
    press("u")
    page.get_by_role("button", name="Undo what is not saved").click()
    said(page, "Undone: what was not saved")
    assert "Half a" not in text.input_value() and not page.locator("#dirty").is_visible()
    assert served.item(1).record.label == "Technology"
    text.press_sequentially("Half a ")
    press("Escape")
    press("u")
    page.get_by_role("button", name="as well").click()
    said(page, "Undone: fixed")
    assert served.item(1).record == served.item(1).draft
    page.reload()
    assert "Half a" not in text.input_value()


KEPT = (
    """() => Object.keys(localStorage).filter((key) => key.startsWith("pointline-edit ")).sort()"""
)
FILL = """() => { for (let size = 2 ** 20, at = 0; size >= 1; size /= 2)
  for (;;) try { localStorage.setItem(`full ${at++}`, "x".repeat(size)); } catch { break; } }"""


def test_edits_are_told_to_be_in_danger_where_the_browser_has_no_room(served):
    page = served.person("Mei")
    page.evaluate(FILL)
    page.locator("#text").press_sequentially("Half a ")
    told = page.locator("#dirty").inner_text()
    assert "this browser has no room to keep it" in told and "\n" not in told
    page.keyboard.press("Control+s")
    said(page, "Fixed")
    assert "Half a" in served.item(1).record.text
    page.evaluate("localStorage.clear()")
    page.locator("#text").press_sequentially("day ")
    assert page.locator("#dirty").inner_text() == "not saved"


def test_old_unsaved_edits_are_tidied_away(served):
    page = served.person("Mei")
    page.evaluate(
        """() => { for (let n = 0; n < 130; n++) {
          const days = n < 10 ? 31 : 1, at = Date.now() - days * 24 * 3600 * 1000 + n;
          localStorage.setItem(`pointline-edit q 1 ${String(n).padStart(3, "0")} 0`, JSON.stringify({ at, record: {} }));
        } }"""
    )
    page.reload()
    ready(page)
    kept = page.evaluate(KEPT)
    assert [key.split()[3] for key in kept] == [f"{n:03}" for n in range(30, 130)]
    page.locator("#text").press_sequentially("Half")
    kept = page.evaluate(KEPT)
    assert len(kept) == 100 and "pointline-edit q 1 030 0" not in kept
    page.keyboard.press("Control+s")
    said(page, "Fixed")
    assert len(page.evaluate(KEPT)) == 99


def test_a_task_of_the_manifest_gives_the_labels(pages, tmp_path):
    own = replace(task("scnm-en"), name="mine", labels=("good", "bad"), item_labels=None)
    records = [Record("1", "mine", "Ada wrote.", "", ())]
    store.write_dataset(tmp_path / "set", own, {"test": records})
    with serving(pages, tmp_path, None, [Record("1", "mine", "x")]) as served:
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

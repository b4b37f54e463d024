"""The review page in a real browser: several people, the files, the list, the export."""

import re
import zipfile
from dataclasses import replace

import pytest
from browsing import at_item, picture, ready, said, serving
from reviewed import drafts, originals

from pointline.corpus import store
from pointline.review.item import Reviewer
from pointline.review.queue import Change


@pytest.fixture
def served(pages, tmp_path):
    with serving(pages, tmp_path, originals(24), drafts(24)) as served:
        yield served


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


def test_a_second_opinion_is_blind_and_agreement_is_reported(pages, tmp_path):
    with serving(pages, tmp_path, originals(4), drafts(4), share=1.0) as served:
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


def test_a_second_opinion_on_what_changed_meanwhile_stays_blind(pages, tmp_path):
    with serving(pages, tmp_path, originals(2), drafts(2), share=1.0) as served:
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


def test_a_flag_in_a_second_opinion_is_seen_and_takes_no_edits(pages, tmp_path):
    with serving(pages, tmp_path, originals(2), drafts(2), share=1.0) as served:
        mei, queue = Reviewer("Mei", "elsewhere"), served.desk.queue
        item = served.item(1)
        decided = Change("accepted", status="accepted", opinion=("accepted", item.record.label))
        now = queue.change(item.id, mei, 0, decided)
        queue.change(item.id, mei, now.version, Change("flag", flagged=True))
        ken = served.person("Ken", at="/r/1?view=second")
        at_item(ken, 1)
        assert not ken.locator("#flag").is_visible()  # Mei's is hers
        ken.locator("#text").press_sequentially("Half a ")
        typed = ken.locator("#text").input_value()
        for flagged in (True, False):
            ken.keyboard.press("Alt+m")
            said(ken, "Flagged" if flagged else "Flag taken away")
            assert ken.locator("#flag").is_visible() == flagged
            assert ken.locator("#text").input_value() == typed
            assert "Second opinion" in ken.locator("#notice").inner_text()
        assert served.item(1).flagged
        ken.keyboard.press("Control+Enter")
        ken.wait_for_selector("#done:not([hidden])")
        assert "Half a" in queue.log.notes(served.review)[0].after["theirs"]


def test_edits_of_a_page_that_was_closed_are_held_against_what_another_made(served):
    mei = served.person("Mei")
    mei.locator("#text").press_sequentially("Mine. ")
    mei.goto(f"{served.base}/r/1/items")
    item, ken = served.item(1), Reviewer("Ken", "elsewhere")
    served.desk.queue.lease(item.id, ken)
    mei.goto(f"{served.base}/r/1?n=1")  # looking on does not lose them
    assert "Ken is reviewing" in mei.locator("#notice").inner_text()
    label = Change("fix", record=replace(item.record, label="Society"))
    served.desk.queue.change(item.id, ken, 0, label)
    served.desk.queue.release(ken)
    mei.goto(f"{served.base}/r/1?n=1")
    mei.wait_for_selector("dialog[open]")
    told = mei.locator("dialog").inner_text()
    assert "Ken changed this item meanwhile" in told and "Mine." in told and "Society" in told
    mei.get_by_role("button", name="Go on editing mine").click()
    assert "Mine." in mei.locator("#text").input_value() and mei.locator("#dirty").is_visible()
    mei.reload()
    ready(mei)
    assert "Mine." in mei.locator("#text").input_value()
    mei.keyboard.press("Control+s")
    said(mei, "Fixed")
    now = served.item(1)
    assert (now.version, now.record.label) == (2, "Literature") and "Mine." in now.record.text


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

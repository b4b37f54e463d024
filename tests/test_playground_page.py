"""The playground in a real browser: asking, and what the answer looks like."""

import json
import os
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("fastapi", reason="needs fastapi")

from browsing import CONTRAST, NAMELESS, WIDE
from playing import MODEL, answered, done, run, words_of

TEXT = "Mira Halvorsen opened the Lantern Museum in Bergen."
ITEMS = [("people", "Mira Halvorsen"), ("facilities", "Lantern Museum"), ("places", "Bergen")]
EVIL = "<script>document.title='broken'</script><img src=x onerror=alert(1)> \u202eabc\u202c 'JSON'"


def texts(page, selector):
    return page.locator(selector).all_inner_texts()


# ---------------------------------------------------------------- asking


def test_a_task_by_the_keyboard_alone(player, played):
    played.answer = lambda body: answered(
        body, items=ITEMS, scores={"label": 0.97, "items": [0.93, 0.99962, 0.0004]}
    )
    page = player.page()
    assert page.locator("#text").input_value()  # a sample is there to begin with
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.locator("#text").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type(TEXT)
    page.keyboard.press("Control+Enter")
    done(page)
    assert played.bodies == [{"text": TEXT, "task": "scnm-en"}]
    assert page.locator("#label .label").inner_text() == "Society"
    assert MODEL in page.locator("#label").inner_text()
    assert texts(page, "#label .meter") == ["97.0%"]
    assert texts(page, "#tables .meter") == ["93.0%", "> 99.9%", "< 0.1%"]
    assert [words_of(page, at) for at in range(3)] == [entity for _, entity in ITEMS]
    assert texts(page, "#marked .tag") == ["people1", "facilities2", "places3"]
    assert texts(page, "#legend li") == ["people 1", "facilities 1", "places 1"]
    assert texts(page, "#tables td.place") == ["0–14", "26–40", "44–50"]
    assert page.locator("#said").inner_text() == "Done: Society; items: 3"
    assert page.locator("#stale").is_hidden()
    page.keyboard.type("!")
    assert page.locator("#stale").is_visible()
    page.get_by_role("button", name="Bergen").click()
    assert texts(page, "#marked mark.on") == ["Bergen"] and "on" in page.locator(
        "#tables tbody tr"
    ).nth(2).get_attribute("class")


def test_tasks_follow_the_text_and_those_the_model_knows_come_first(player, played):
    page = player.page()

    def offered():
        return page.evaluate(
            "() => [...document.querySelectorAll('#task optgroup')].map(g => [g.label,"
            " ...[...g.children].map(o => o.value)])"
        )

    (known, *trained), (_, *others) = offered()
    assert known == "The model was trained on these"
    assert trained == ["scnm-en", "scpos-rw-en", "open-tcree-en"] and "tcree-en" in others
    page.select_option("#task", "scpos-rw-en")
    page.fill("#text", "スープは最高だった。")
    assert page.locator("#task").input_value() == "scpos-rw-ja"
    page.fill("#text", "汤很好喝。")
    assert page.locator("#task").input_value() == "scpos-rw-zh"
    assert texts(page, "#lang option:checked") == ["as the text: Chinese"]
    page.select_option("#lang", "en")
    assert page.locator("#task").input_value() == "scpos-rw-en"
    page.get_by_text("Labels of the task").click()
    assert texts(page, "#sets .chip")[:2] == ["positive", "negative"]
    run(page)
    assert played.bodies[-1] == {"text": "汤很好喝。", "task": "scpos-rw-en"}
    page.fill("#text", "   ")
    page.keyboard.press("Control+Enter")
    assert page.locator("#text-fault").inner_text() == "There is no text to ask about."
    assert page.locator("#text").get_attribute("aria-invalid") == "true"
    assert len(played.bodies) == 1


def test_own_labels_of_entities_and_of_relations(player, played):
    played.answer = lambda body: answered(
        body, "旅行", [("城市", "青岛")] if "entities" in body else [("阿明", "住在", "青岛")]
    )
    page = player.page()
    page.get_by_label("My own labels").check()
    page.fill("#text", "阿明住在青岛。")
    page.keyboard.press("Control+Enter")
    assert "at least one label" in page.locator("#own-fault").inner_text()
    page.get_by_label("Labels of the text").fill("旅行，美食、旅行,,体育")
    page.get_by_label("Labels of the items", exact=True).fill("城市、食物")
    run(page)
    labels = ["旅行", "美食", "体育"]
    assert played.bodies == [
        {"text": "阿明住在青岛。", "labels": labels, "entities": ["城市", "食物"]}
    ]
    assert words_of(page, 0) == "青岛"
    page.get_by_label("Kind of the items").select_option("relations")
    page.get_by_label("Labels of the items", exact=True).fill("")
    page.keyboard.press("Control+Enter")
    assert page.locator("#own-fault").inner_text() == "Give at least one relation."
    page.get_by_label("Labels of the items", exact=True).fill("住在")
    page.select_option("#lang", "zh")
    page.get_by_text("More options").click()
    page.select_option("#align", "chars")
    page.fill("#most", "3")
    run(page)
    told = {"labels": labels, "relations": ["住在"], "lang": "zh", "align": "chars"}
    assert played.bodies[1] == {"text": "阿明住在青岛。", **told, "max_items": 3}
    assert texts(page, "#tables th[scope=col]") == [
        "No.", "Head", "Relation", "Tail", "Confidence"
    ]  # fmt: skip
    assert [row.split() for row in texts(page, "#tables tbody tr")] == [
        ["1", "阿明", "住在", "青岛", "80.0%"]
    ]
    assert texts(page, "#marked mark.loose") == ["阿明", "青岛"]


def test_a_number_of_items_that_cannot_be_is_told_at_its_field(player, played):
    page = player.page()
    page.fill("#text", TEXT)
    page.locator("#more summary").click()
    for wrong in ("1.5", "-1", "257", "e"):  # the last one is no number at all
        page.locator("#most").fill("")
        page.locator("#most").press_sequentially(wrong)
        page.locator("#more summary").click()  # folded
        page.keyboard.press("Control+Enter")
        assert "whole number from 0 to 256" in page.locator("#most-fault").inner_text(), wrong
        assert page.locator("#most").get_attribute("aria-invalid") == "true"
    assert played.bodies == []
    for right in ("0", "256"):
        page.fill("#most", right)
        run(page)
        assert played.bodies[-1]["max_items"] == int(right)
        assert page.locator("#most-fault").is_hidden()
    page.fill("#most", "")
    run(page)
    assert "max_items" not in played.bodies[-1]


def test_samples_are_asked_with_their_tasks_and_labels(player, played):
    page = player.page()
    assert page.locator("#samples option").count() > 20
    for at in range(9):
        page.select_option("#samples", str(at))
        run(page)
    kinds = [("task", "entities", "relations")[at % 3] for at in range(9)]
    assert all(kind in body for kind, body in zip(kinds, played.bodies, strict=True))
    assert all(("task" in body) != ("labels" in body) for body in played.bodies)
    page.locator("#samples").focus()  # from one to the next by the keys, without opening the list
    page.select_option("#samples", "0")
    page.keyboard.press("ArrowDown")
    assert page.locator("#text").input_value() == played.bodies[1]["text"]
    page.fill("#text", "mine")
    assert page.locator("#samples").input_value() == ""


# ---------------------------------------------------------------- spans


def test_places_count_code_points(player, played):
    text = "👩‍🚀🎻と朝倉澪は、𠮷野家のcafe\u0301から金沢へ。\r\n🇯🇵金沢!"
    items = [("a", "朝倉澪"), ("b", "𠮷野家"), ("c", "cafe\u0301"), ("d", "金沢"), ("d", "金沢")]
    items += [("e", "👩‍🚀🎻"), ("e", "🇯🇵")]
    played.answer = lambda body: answered(body, "文芸", items)
    page = player.page()
    run(page, text)
    assert played.bodies[0]["text"] == text.replace("\r", "")  # as browsers have it
    assert [words_of(page, at) for at in range(7)] == [entity for _, entity in items]
    marked = page.evaluate(
        "() => [...document.getElementById('marked').childNodes]"
        ".filter(n => !n.matches?.('.behind')).map(n => n.textContent).join('')"
    )
    assert marked == played.bodies[0]["text"]
    assert page.locator("#length").inner_text() == f"Characters: {len(marked)} of at most 20,000"


def test_spans_in_and_across_each_other_can_all_be_told_apart(player, played):
    text = "the New York City Council of Old York"
    items = [("place", "New York"), ("group", "New York City Council"), ("city", "York City")]
    items += [("title", "City Council of Old York"), ("gone", "Boston")]

    def answer(body):
        made = answered(body, "x", items)
        made["pairs"][4] |= {"start": None, "end": None}
        return made

    played.answer = answer
    page = player.page()
    run(page, text)
    assert [words_of(page, at) for at in range(5)] == [*(entity for _, entity in items[:4]), ""]
    assert texts(page, "#marked .tag") == ["place1", "city3", "group2", "title4"]
    shadows = page.locator("#marked mark").evaluate_all(
        "marks => marks.map(m => m.style.boxShadow)"
    )
    firm = [shadow.count("hsl") or shadow.count("rgb") for shadow in shadows]
    assert max(firm) == 3  # as many lines below "City" as spans lie there
    assert texts(page, "#tables td.place")[4] == "not in the text"
    top = page.evaluate(
        """() => { const rows = [...document.querySelectorAll('#marked mark')];
        return rows.every(m => m.getBoundingClientRect().height > 10); }"""
    )
    assert top


# ---------------------------------------------------------------- influence


def test_dropping_a_level_shows_what_changes(player, played):
    def answer(body):
        level, given = body.get("level"), body.get("given")
        if level == "word" and not given:
            return answered(
                body, "", [*ITEMS[:1], ("places", "museum")], scores={"items": [0.5, 0.4]}
            )
        p = 0.97 if level is None else 0.75 if given is None else 0.99
        label = "Travel" if level == "text" and not given else "Society"
        return answered(body, label, ITEMS, scores={"label": p, "items": [0.9, 0.8, 0.7]})

    played.answer = answer
    page = player.page()
    run(page, TEXT.replace("Museum", "museum Museum"))
    page.get_by_role("button", name="Drop one level").click()
    done(page)
    asked = [{k: body[k] for k in ("level", "given") if k in body} for body in played.bodies[1:]]
    assert sorted(asked[:2], key=str) == [{"level": "text"}, {"level": "word"}]
    assert sorted(asked[2:], key=str) == [
        {"level": "text", "given": {"items": [["people", "Mira Halvorsen"], ["places", "museum"]]}},
        {"level": "word", "given": {"label": "Travel"}},
    ]
    label, items = (
        [row.split("\t") for row in texts(page, f"#compared .scroll:nth-of-type({at}) tbody tr")]
        for at in (1, 2)
    )
    assert [row[2] for row in label] == [
        "compared with this", "≠ another label", "same label ▲ +2.0 points"
    ]  # fmt: skip
    assert [row[1].split(" ·")[0] for row in items] == ["3 items", "2 items", "3 items"]
    assert texts(page, "#compared ins") == ["+ places museum 40.0%"]
    lost = ["− facilities Lantern Museum 80.0%", "− places Bergen 70.0%"]
    assert texts(page, "#compared del") == lost
    assert "kept 1" in items[1][2] and "▼ −40.0 points" in items[1][2]
    assert items[2][2] == "same items ±0"
    run(page)
    assert texts(page, "#compared tr") == []


def test_a_level_that_found_nothing_is_not_shown_and_a_refusal_stays_in_its_row(player, played):
    def answer(body):
        if body.get("level") == "text":
            return {"id": "0", "error": {"code": "TextTooLong", "message": "1,025 tokens"}}
        return answered(body, "x", [] if body.get("level") else ITEMS)

    played.answer = answer
    page = player.page()
    run(page, TEXT)
    page.get_by_role("button", name="Drop one level").click()
    done(page)
    assert texts(page, "#compared td.fault") == ["This text could not be read. 1,025 tokens"]
    nothing = page.locator("#compared td", has_text="found nothing to show")
    assert nothing.count() == 2 and len(played.bodies) == 3
    assert page.locator("#trouble").is_hidden()


# ---------------------------------------------------------------- taking along


def _told(page, form):
    page.get_by_label(form, exact=True).check()
    page.get_by_role("button", name="Copy", exact=True).click()
    page.locator("#said", has_text="Copied").wait_for()
    return page.evaluate("() => navigator.clipboard.readText()")


@pytest.mark.parametrize("token", ["", "a secret"])
def test_what_is_copied_works(player, played, token, tmp_path):
    played.answer = lambda body: answered(body, "x", [("a", "O'Neill"), ("b", "東京")])
    played.token = token
    page = player.page()
    if token:
        page.locator("#token:focus").wait_for()
        page.keyboard.type(token)
        page.keyboard.press("Tab")
        page.locator("#task option").first.wait_for(state="attached")
    text = 'O\'Neill "sang" in 東京\\n 👩‍🚀 $HOME `ls` {x}\nJSON\n\u2028 end\u0007'
    run(page, text)
    told = json.loads(_told(page, "JSON"))
    assert told["text"] == text and told["pairs"][0]["entity"] == "O'Neill"
    python, curl = _told(page, "Python"), _told(page, "curl")
    assert ("POINTLINE_TOKEN" in python) == ("POINTLINE_TOKEN" in curl) == bool(token)
    assert not token or token not in python + curl + page.url
    (tmp_path / "ask.py").write_text(python, encoding="utf-8")
    commands = [[sys.executable, str(tmp_path / "ask.py")]]
    if shutil.which("curl"):
        commands.append(["bash", "-c", curl])
    environment = {**os.environ, "POINTLINE_TOKEN": token, "PYTHONIOENCODING": "utf-8"}
    for command in commands:
        made = subprocess.run(command, env=environment, capture_output=True, timeout=30, check=True)
        found = json.loads(made.stdout)
        assert found.get("results", [found])[0] == told
    assert played.bodies == played.bodies[:1] * (1 + len(commands))


def test_copying_where_a_browser_does_not_allow_it_leaves_a_selection(player):
    page = player.page()
    run(page)
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }"
    )
    page.get_by_role("button", name="Copy", exact=True).click()
    page.locator("#said", has_text="Ctrl+C").wait_for()
    assert json.loads(page.evaluate("() => String(getSelection())"))["label"] == "Society"


def test_a_link_carries_the_question_past_the_server(player, played):
    page = player.page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("My own labels").check()
    page.fill("#text", "𠮷田は金沢へ。🎻")
    page.get_by_label("Labels of the text").fill("旅, 食")
    page.get_by_text("More options").click()
    page.fill("#token", "never told")
    run(page)
    page.get_by_role("button", name="Copy link").click()
    page.locator("#said", has_text="Copied").wait_for()
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert all(url.partition("?")[1] == "" for url in asked)
    other = player.page(at=link.removeprefix(player.base))
    assert other.locator("#text").input_value() == "𠮷田は金沢へ。🎻"
    assert other.get_by_label("Labels of the text").input_value() == "旅, 食"
    assert other.locator("#token").input_value() == "" and "never" not in link
    assert len(played.bodies) == 1  # a link alone asks nothing
    run(other)
    assert played.bodies[0] == played.bodies[1]
    other.fill("#text", "長" * 20_000)
    other.get_by_role("button", name="Copy link").click()
    other.locator("#said", has_text="too long").wait_for()
    assert other.url == f"{player.base}/"


@pytest.mark.parametrize(
    "fragment",
    ["#", "#x", "#W10", "#bnVsbA", "#eyJ0ZXh0Ijo1LCJtb2RlIjoieCIsIl9fcHJvdG9fXyI6e319", "#%F0%9F"],
)
def test_a_fragment_that_is_no_question_is_read_over(player, fragment):
    page = player.page(at=f"/{fragment}")
    run(page, TEXT)
    assert page.locator("#label .label").inner_text() == "Society"


# ---------------------------------------------------------------- safety


def test_hostile_words_are_shown_as_they_are(player, played):
    def answer(body):
        if "fail" in body["text"]:
            return 422, {"error": {"code": EVIL, "message": EVIL}}, {}
        made = answered(body, EVIL, [(EVIL, EVIL)], completion=EVIL, repairs=(EVIL,))
        return made | {"facts": [{"fields": [EVIL, EVIL, EVIL]}]}

    played.answer = answer
    page = player.page()
    page.get_by_label("My own labels").check()
    page.fill("#labels", EVIL)
    page.fill("#types", EVIL)
    run(page, EVIL)
    page.get_by_role("button", name="Drop one level").click()
    done(page)
    page.get_by_text("What the model wrote").click()
    assert page.locator("#label .label").inner_text() == EVIL
    assert page.locator("#line pre").inner_text() == EVIL
    assert words_of(page, 0) == EVIL
    run(page, f"fail {EVIL}")
    assert page.locator("#trouble p").inner_text() == EVIL
    again = player.page(at="/" + page.url.partition(player.base + "/")[2])
    for shown in (page, again):
        assert shown.locator("main script, main img, main b b").count() == 0
        assert shown.title() == "pointline playground"
    # and were a string made markup by mistake, the browser would refuse it
    refused = page.evaluate(
        """() => { try { document.body.innerHTML = "<b>x</b>"; return "taken"; }
        catch (error) { return error.name; } }"""
    )
    assert refused == "TypeError"
    player.pages.faults.clear()  # it was said in the console, too


# ---------------------------------------------------------------- looks


PHONE = {"size": (390, 844), "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize(
    ("lang", "options"),
    [("en", {}), ("ja", {"scheme": "dark"}), *((lang, PHONE) for lang in ("en", "ja", "zh"))],
)
def test_every_state_can_be_read_named_and_fits(player, played, lang, options):
    items = [*ITEMS, ("works of a very long name indeed", "Halvorsen opened the Lantern")]
    label, facts = "Society", [("Mira Halvorsen", "opened", "Lantern Museum")]

    def answer(body):
        if body["text"] == "x":
            return 503, {"error": {"code": "stopping", "message": "stopping"}}, {}
        return answered(body, label, [*items, *facts][: 2 if body.get("level") else None])

    played.answer = answer
    page = player.page(lang=lang, **options)

    def look(state):
        assert page.evaluate(CONTRAST) == [], state
        assert page.evaluate(NAMELESS) == [], state
        assert not page.evaluate(WIDE), state

    assert page.evaluate("() => document.documentElement.lang") == lang
    look("empty")
    for summary in page.locator("#ask summary").all():
        summary.click()
    run(page, TEXT)
    page.locator("#drop").click()
    done(page)
    look("answer")
    page.locator("#ask input[value=own]").check()
    page.fill("#text", "")
    page.locator("#run").click()
    look("fault")
    page.fill("#text", "x")
    page.fill("#labels", "a")
    page.locator("#run").click()
    page.locator("#trouble").wait_for()
    look("trouble")


def test_colours_and_language_are_chosen_and_kept(player):
    page = player.page(lang="ja", scheme="light")
    run(page, TEXT)
    back = "() => getComputedStyle(document.body.parentElement).backgroundColor"
    light = page.evaluate(back)
    button = page.locator("[data-theme-next]")
    assert button.get_attribute("title") == "配色：システムに合わせる"
    button.click()
    button.click()
    assert button.get_attribute("title") == "配色：ダーク"
    assert page.evaluate(back) != light
    page.locator("#spoken").select_option("zh")
    assert page.locator("#run").inner_text().startswith("运行")
    assert page.locator("#tables caption").all_inner_texts() == []  # no items were found
    assert page.locator("#label .label").inner_text() == "Society"
    assert button.get_attribute("title") == "配色：深色"
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.evaluate(back) != light
    assert page.locator("#drop").text_content() == "去掉一层比较"
    assert page.locator("#text").input_value() == TEXT  # from the address


def test_a_long_text_with_many_items_stays_usable(player, played):
    text = " ".join(f"{at}号の𠮷田 went to Bergen{at}." for at in range(2000))
    items = [("人", f"{at}号の𠮷田") for at in range(600)] + [
        ("地", f"Bergen{at}") for at in range(600)
    ]
    played.answer = lambda body: answered(body, "x", items)
    page = player.page()
    run(page, text)
    assert page.locator("#tables tbody tr").count() == 1200
    assert words_of(page, 599) == "599号の𠮷田" and words_of(page, 1199) == "Bergen599"
    assert not page.evaluate(WIDE)
    assert page.locator("#text").evaluate("box => box.clientHeight") < 600
    assert "fault" in page.locator("#length").get_attribute("class")
    assert page.url == f"{player.base}/"

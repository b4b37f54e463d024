import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from strategies import records

from pointline.app.page import page
from pointline.format.record import Fact, Pair, Prediction, Record
from pointline.format.tasks import TASKS

ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "p",
    "article", "div", "span", "mark", "ul", "li", "b",
}  # fmt: skip
CHROMIUM = shutil.which("chromium")


class Texts(HTMLParser):
    """The text of the page's text boxes, tags left out, and every element that it holds."""

    def __init__(self):
        super().__init__()
        self.elements, self.texts, self._inside, self._tag = [], [], 0, False

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        classes = dict(attrs).get("class", "")
        if self._inside:
            self._inside += tag != "br"
            self._tag = self._tag or classes == "tag"
        elif classes == "text":
            self._inside = 1
            self.texts.append("")

    def handle_endtag(self, tag):
        self._inside -= bool(self._inside)
        self._tag = False

    def handle_data(self, data):
        if self._inside and not self._tag:
            self.texts[-1] += data


@given(records())
@settings(max_examples=100)
def test_the_text_is_whole_and_nothing_of_it_is_markup(record):
    parser = Texts()
    parser.feed(page([record]))
    # an HTML parser folds line breaks and replaces NUL, as a browser does
    assert "".join(parser.texts).replace("\r", "\n") == record.text.replace("\r", "\n")
    assert {tag for tag, _ in parser.elements} <= ELEMENTS


def test_hostile_fields_are_escaped():
    evil = '"><script>alert(1)</script>'
    record = Record("1", "scnm-en", evil, evil, (Pair(evil, evil, 0, len(evil)),))
    facts = Record(evil, "tcree-en", evil, evil, facts=(Fact((evil, evil, evil)),))
    made = page([record, facts], title=evil, note=evil)
    assert "<script" not in made


def test_spans_that_overlap_are_all_shown():
    text = "東京大学の学生"
    pairs = (Pair("地名", "東京", 0, 2), Pair("その他の組織名", "東京大学", 0, 4))
    made = page([Record("1", "scnm-ja", text, "社会", pairs)])
    assert re.findall(r'class="tag"[^>]*>([^<]*)', made) == ["地名", "その他の組織名"]
    assert 'class="also"' in made


def test_confidence_repairs_and_unplaced_items_are_shown():
    record = Prediction(
        "1", "scnm-zh", "他走了。", "", (Pair("人名", "李雷"),),
        scores={"label": 0.876}, repairs=("blank-dropped",),
    )  # fmt: skip
    made = page([record])
    assert "88%" in made and "repaired: blank-dropped" in made and "李雷" in made
    assert "no label" in made and 'lang="zh"' in made


def test_languages_are_grouped_in_order():
    some = [Record(t.name, t.name, "x") for t in (TASKS["scnm-zh"], TASKS["scnm-en"])]
    assert re.findall(r"<h2>(\w+)</h2>", page(some)) == ["English", "Chinese"]


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)")
def test_a_browser_shows_the_page(tmp_path):
    record = Record("1", "scnm-ja", "朝倉澪は金沢へ。", "文芸", (Pair("人名", "朝倉澪", 0, 3),))
    (tmp_path / "page.html").write_text(page([record]), encoding="utf-8")
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update",
        "--window-size=800,400",
    ]  # fmt: skip
    made = subprocess.run(
        [CHROMIUM, *flags, f"--user-data-dir={tmp_path}/profile",
         f"--screenshot={tmp_path}/page.png", f"file://{tmp_path}/page.html"],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    assert b"Refused" not in made.stderr
    picture = (tmp_path / "page.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) > 5_000

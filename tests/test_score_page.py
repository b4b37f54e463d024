"""A page of HTML: nothing that comes from a record is markup, and it asks for nothing."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from pointline.score.page import marked, page, picture, shown, table
from pointline.score.tables import Table

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=y>', "a & b", "\u202eabc", "\x07")


class _Reading(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def test_what_is_shown_is_text():
    for text in HOSTILE:
        read = _Reading(f"<p>{shown(text)}</p>")
        assert read.tags == ["p"]
    assert "\u202e" not in shown(HOSTILE[3])
    assert shown(HOSTILE[4]) == "␇"


def test_a_table_keeps_its_cells_and_escapes_them():
    made = table("<t>", Table(("a<", "n"), (("<b>", "1.5"), ("d", "–"))), row_class=lambda row: "x")
    read = _Reading(made)
    assert read.tags.count("td") == 2
    assert read.text == "a<n<b>1.5d–"
    assert '<tr class="x"><th scope="row">&lt;b&gt;</th><td class="n">1.5</td></tr>' in made


def test_the_best_cells_are_bold():
    made = table("t", Table(("a", "n"), (("b", "1"),), best=frozenset({(0, 1)})))
    assert '<td class="n"><b>1</b></td>' in made


@given(
    st.text(alphabet="aé地名🌳<&\u0301\u202e", max_size=12),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=4),
)
def test_marking_loses_nothing(text, places):
    places = [(min(p), max(p)) for p in places if max(p) <= len(text)]
    read = _Reading(marked(text, places))
    assert read.text == text.replace("\u202e", "\ufffd")
    assert set(read.tags) <= {"mark"}


def test_a_page_asks_for_nothing():
    made = page("t", "<h1>t</h1>" + picture(b"<svg/>", 'a "figure"'))
    assert made.startswith("<!doctype html>")
    assert "http" not in made.replace("http-equiv", "")
    assert "script" not in made
    assert "data:image/svg+xml;base64,PHN2Zy8+" in made
    assert 'alt="a &quot;figure&quot;"' in made

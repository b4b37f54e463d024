"""docs/format.md and docs/tasks.md say what the code does."""

import re
from pathlib import Path

import pytest

from pointline.corpus.store import from_json
from pointline.errors import FormatError
from pointline.format import codec, lenient
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import adhoc, tasks

DOCS = Path(__file__).parents[1] / "docs"
FORMAT = (DOCS / "format.md").read_text()


def test_the_table_of_repairs_is_the_codes_own():
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", FORMAT, re.MULTILINE))
    assert rows == lenient.REPAIRS


def test_the_record_shown_is_one():
    import json

    shown = re.search(r"```json\n(.*?)```", FORMAT, re.DOTALL)[1]
    assert from_json(json.loads(shown)).pairs[0].end == 3


def test_the_lines_shown_are_written():
    kyoto = (Pair("people", "Ada"), Pair("places", "Kyoto"))
    written = [
        codec.write(Record("1", "scnm-en", "", "Nature", kyoto)),
        codec.write(Record("1", "scnm-zh", "", "技术")),
        codec.write(Record("1", "tcree-ja", "", "映画", facts=(Fact(("山本", "主演", "海の道")),))),
        codec.write(Record("1", "scnm-en", "", "Nature", (Pair("events", "10:30"),))),
        codec.write(Record("1", "adhoc", "", "weather/find"), adhoc()),
    ]
    table = FORMAT.split("| record | line |")[1].split("\n\n")[0]
    assert re.findall(r"`([^`]*)` \|$", table, re.MULTILINE) == written


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split(" | ")]


def table(page: str, header: str) -> list[list[str]]:
    """The cells of every row of the table that begins with `header`."""
    rows = page.split(header)[1].split("\n\n")[0].splitlines()[2:]
    return [cells(row) for row in rows]


def task_of(example: str):
    """The task in whose language and family an example of the page is."""
    return next(
        t for t in tasks() if f"/{t.word}" in example and not t.name.startswith(("scpos", "open"))
    )


def test_the_dialects_shown_are_read_strictly():
    rows = table(FORMAT, "| dialect | pairs | facts |")
    assert len(rows) == 3
    for _, pairs, facts in rows:
        for shape, example in (("pairs", pairs.strip("`")), ("facts", facts.strip("`"))):
            asked = task_of(example)
            reading = codec.read(example, asked)
            assert (asked.shape, len(reading.items)) == (shape, len(getattr(reading, shape)))
            assert reading.label in asked.labels
            if shape == "pairs":
                assert {pair.label for pair in reading.pairs} <= {*asked.item_labels}
            else:
                assert not {";", ":"} & set("".join(reading.facts[0].fields))


def test_what_is_said_to_be_refused_is_refused_and_read_leniently():
    rows = table(FORMAT, "| refused | because |")
    assert len(rows) == 5
    for example, _ in rows:
        with pytest.raises(FormatError):
            codec.read(example.strip("`"), "scnm-en")
        reading = codec.read(example.strip("`"), "scnm-en", mode="lenient")
        assert (reading.label, reading.ok) == ("Nature", True)
        assert reading.repairs


def test_what_lenient_reading_is_said_to_do_it_does():
    unreadable = codec.read("I can only open errors here.", "scnm-en", mode="lenient")
    assert "I can only open errors here." in FORMAT and not unreadable.ok
    here = codec.read("Society/NER/:people;Here", "scnm-en", "in the rest", "lenient")
    assert here.items == (("people", "Here"),)


def test_the_page_of_tasks_lists_every_task_as_it_is():
    page = (DOCS / "tasks.md").read_text()
    shown = table(
        page, "| name | task word | items | text-level labels | word-level labels | also read |"
    )
    wanted = [
        [
            f"`{t.name}`",
            t.word,
            t.shape,
            "open" if t.labels is None else ", ".join(t.labels),
            "open" if t.item_labels is None else ", ".join(t.item_labels),
            "; ".join(t.aliases) or "–",
        ]
        for t in tasks()
    ]
    assert shown == wanted

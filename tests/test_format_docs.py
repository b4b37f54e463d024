"""docs/format.md and docs/tasks.md say what the code does."""

import re
from pathlib import Path

from pointline.corpus.store import from_json
from pointline.format import codec, lenient
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import adhoc, task, tasks

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


def test_the_dialects_shown_are_read_strictly():
    table = FORMAT.split("| dialect | example |")[1].split("\n\n")[0]
    examples = re.findall(r"`([^`]*)` \|$", table, re.MULTILINE)
    assert len(examples) == 4
    for example in examples:
        name = next(t.name for t in tasks() if f"/{t.word}" in example and t.name[:5] != "scpos")
        assert codec.read(example, task(name)).items


def test_the_page_of_tasks_lists_every_task_as_it_is():
    page = (DOCS / "tasks.md").read_text()
    for t in tasks():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{t.name}` |"))
        assert f"| {t.word} |" in row
        for label in (*(t.labels or ()), *(t.item_labels or ())):
            assert label in row, (t.name, label)
        assert row.count("open") - row.count("`open-") == (t.labels is None) + (
            t.item_labels is None
        )

"""What every exchange format can and cannot carry: docs/data.md says it, and it is true."""

from pathlib import Path

import pytest

from pointline.corpus.exchange import FORMATS
from pointline.corpus.exchange.form import LOST, PARTS, Losses
from pointline.corpus.exchange.pairs import UNPLAIN
from pointline.format.record import Fact, Pair, Prediction, Record
from pointline.format.tasks import task

PAGE = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
FACTS = task("tcree-en")
TEXT = "Ada met Bo in Fog, and Ada left."
ADA = Pair("people", "Ada", 0, 3)


def record(*pairs, kind=Record, of="scnm-en", id="a-7", text=TEXT, **more):
    return kind(id, of, text, more.pop("label", ""), pairs, **more)


def same(part):
    return lambda found, of: getattr(found, part) == getattr(of, part)


# for each part: a record that has it, and whether it is still there
PROBES = {
    "id": (record(), same("id")),
    "task": (record(of="mine"), same("task")),
    "text": (record(text="Ada  met\n Bo "), same("text")),
    "label": (record(label="Society"), same("label")),
    "meta": (record(meta={"note": [1, {"deep": None}]}), same("meta")),
    "pairs": (record(ADA), lambda found, of: found.items == of.items),
    "places": (record(Pair("people", "Ada", 23, 26)), same("pairs")),
    "unplaced": (record(Pair("people", "Bo")), same("pairs")),
    "blank edges": (record(Pair("people", "Ada ", 0, 4)), same("pairs")),
    "overlaps": (record(Pair("events", "Ada met", 0, 7), ADA), same("pairs")),
    "order": (
        record(Pair("people", "Bo", 8, 10), Pair("events", "Fog", 14, 17), ADA),
        same("pairs"),
    ),
    "relations": (record(of="tcree-en", facts=(Fact(("Bo", "starring", "Fog")),)), same("facts")),
    "facts": (record(of="tcree-en", facts=(Fact(("Bo", "wins", "cup", "Rome")),)), same("facts")),
    "scores": (
        record(ADA, kind=Prediction, label="Society", scores={"label": 0.5, "items": [0.25]}),
        lambda found, of: getattr(found, "scores", None) == of.scores,
    ),
    "prediction": (
        record(kind=Prediction, completion="x", repairs=("unreadable",), ok=False),
        lambda found, of: getattr(found, "completion", None) == "x" and not found.ok,
    ),
}  # fmt: skip


def test_every_part_has_a_probe():
    assert list(PROBES) == list(PARTS)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", FORMATS)
def test_a_format_carries_what_it_says_and_tells_of_the_rest(tmp_path, name, part):
    form = FORMATS[name]
    probe, survives = PROBES[part]
    of = FACTS if probe.facts else task("scnm-en")
    losses = Losses()
    form.write(tmp_path / f"probe{form.suffix}", [probe], of, losses)
    (found,) = form.read(tmp_path / f"probe{form.suffix}", of, Losses())
    assert survives(found, probe) == (part in form.carries)
    if part not in form.carries:
        assert losses.examples.get(_reason(part, form)) == [probe.id], losses
    else:
        assert LOST[part] not in losses.counts


def _reason(part, form):
    if part == "order" and form.name == "gliner2":
        return "order of pairs: by label instead"
    if part == "blank edges" and form.name.startswith("paper"):
        return UNPLAIN
    if part == "facts" and "relations" not in form.carries:
        return LOST["relations"]
    return LOST[part]


def expected():
    """The table of the page; print it to renew the page."""
    yield "| format | what it is | file | cannot carry |"
    yield "|---|---|---|---|"
    for form in FORMATS.values():
        lost = ", ".join(part for part in PARTS if part not in form.carries)
        file = f"`{form.suffix}`" if form.suffix else "folder"
        yield f"| `{form.name}` | {form.title} | {file} | {lost or 'nothing is lost'} |"


def test_the_page_has_the_table_of_formats():
    block = PAGE.split("<!-- table: formats -->\n")[1].split("\n\n")[0]
    assert block.splitlines() == list(expected())


def test_the_page_says_what_each_part_means():
    block = PAGE.split("<!-- table: parts -->\n")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in block.split("\n")[2:]]
    assert [row[0] for row in rows] == list(PARTS)
    assert [row[1] for row in rows] == [LOST[part] for part in PARTS]

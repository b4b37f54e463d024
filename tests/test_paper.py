"""The published tables: whole, as printed, their oddities noted, and what stands beside them."""

from importlib.resources import files

import pytest

from pointline.errors import InputError
from pointline.format.tasks import TASKS, Task, tasks
from pointline.study import paper


def test_every_table_has_its_rows():
    assert len(paper.oiellm()) == 6 * 8 + 2 * 6 * 6 + 3 * 6
    assert len(paper.ablation()) == len(paper.sizes()) == 21
    assert len(paper.verbalizer()) == 18
    assert len(paper.ablation("flow")) == len(paper.verbalizer("flow")) == 6
    for rows in (paper.ablation(), paper.sizes()):
        keys = [(row.lang, row.dataset) for row in rows]
        assert len(set(keys)) == 21
        assert {name for _, name in keys} == set(paper.DATASETS)
    keys = [(row.lang, row.dataset, row.model) for row in paper.oiellm()]
    assert len(set(keys)) == len(keys)


def test_some_cells_as_printed():
    row = next(r for r in paper.ablation() if (r.lang, r.dataset) == ("ja", "SCNM"))
    assert (row.wl_without, row.wl_with, row.tl_without, row.tl_with) == (87.92, 88.22, 83.6, 85.87)
    assert (row.wl_gain, row.tl_gain) == (0.3, 2.27)
    row = next(r for r in paper.ablation("flow") if r.dataset == "TCREE")
    assert (row.wl_gain, row.tl_gain) == (-4.15, 1.32)
    usa = next(r for r in paper.oiellm() if r.model == "USA-7B" and r.dataset == "TCREE")
    assert (usa.tl, usa.wl, usa.all) == (None, None, None)
    assert usa.note == "not run: a dash is printed"


def test_the_recounts():
    found = paper.recount(paper.ablation())
    assert (found.rises, found.comparisons, found.both, found.datasets) == (32, 42, 12, 21)
    assert found.falls_both == 1  # en TCONER
    assert found.signs.p == pytest.approx(0.00094, abs=5e-6)
    flow = paper.recount(paper.ablation("flow"))
    assert (flow.rises, flow.comparisons, flow.both, flow.falls_both) == (8, 12, 3, 1)
    assert sum(r.words > r.origin for r in paper.verbalizer()) == 16


def test_oddities_are_noted_where_they_are():
    repeated = [r for r in paper.oiellm() if r.note.startswith("repeats")]
    assert {(r.lang, r.dataset, r.model) for r in repeated} == {
        ("zh", "TCREE", "GPT-3.5-Turbo"),
        ("zh", "TCREE", "GPT-4o"),
        ("ja", "TCREE", "GPT-3.5-Turbo"),
    }
    for row in repeated:
        others = [
            r for r in paper.oiellm() if r.model == row.model and r.lang == row.lang and r != row
        ]
        assert (row.tl, row.wl, row.all) in [(r.tl, r.wl, r.all) for r in others]
    above = [r for r in paper.oiellm() if r.all is not None and r.all > (r.wl or 0)]
    assert above
    assert all("ALL is above WL" in r.note for r in above)
    swapped = [row.dataset for row in paper.verbalizer("flow") if "swapped" in row.note]
    mmm = {row.dataset: row for row in paper.verbalizer() if row.lang == "ja"}
    for row in paper.verbalizer("flow"):
        other = mmm[row.dataset]
        crosswise = (row.origin, row.words) == (other.words, other.origin)
        assert crosswise == (row.dataset in swapped)
    assert len(swapped) == 5


def test_every_published_task_has_its_row_and_every_row_its_task():
    seen = set()
    for task in tasks():
        row = paper.counterpart(task)
        assert row is not None
        assert row.lang == task.lang
        assert task.name in paper.tasks_beside(row.lang, row.dataset)
        seen.add((row.lang, row.dataset))
    assert len(seen) == 21
    named = [name for r in paper.ablation() for name in paper.tasks_beside(r.lang, r.dataset)]
    assert sorted(named) == sorted(TASKS)


def test_open_tcree_stands_where_tcree_is():
    assert paper.counterpart("open-tcree-zh") == paper.counterpart("tcree-zh")


def test_a_task_of_ones_own_stands_by_its_family():
    own = Task("my-news", "scnm", "ja", "固有表現抽出", None, None)
    assert paper.counterpart(own).dataset == "SCNM"
    assert paper.counterpart(Task("x", "adhoc", "en", "NER", None, None)) is None
    assert paper.counterpart("no-such-task") is None
    assert paper.counterpart("scnm-en", "flow") is None


def test_what_the_papers_do_not_have_is_refused():
    with pytest.raises(InputError, match=r"no dataset 'SCPOS'.*SCPOS:RW"):
        paper.tasks_beside("ja", "SCPOS")
    with pytest.raises(InputError, match="'mmm' and 'flow', got 'acl'"):
        paper.ablation("acl")


def test_every_file_says_where_it_is_from():
    for file in files("pointline.study").joinpath("published").iterdir():
        first = file.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# Published figures: ")
        assert first.endswith("as printed.") or "as printed: " in first

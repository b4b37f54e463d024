"""Figures of datasets: three files each, no glyph missing in three languages, the data as CSV."""

import csv
import warnings
from importlib.util import find_spec

import pytest

from pointline.corpus import canvas, figures, store
from pointline.corpus.describe import describe
from pointline.errors import CorpusError, MissingExtra
from pointline.format import tasks
from pointline.format.record import Pair, Record

if not find_spec("matplotlib"):
    pytest.skip("no matplotlib", allow_module_level=True)

TEXTS = {
    "scnm-en": ("Ada met Bob in Zürich.", ("Society", "Academia"), ("people", "places")),
    "scnm-ja": ("彩香は神戸でピザを食べた。", ("社会", "文芸"), ("人名", "地名")),
    "scnm-zh": ("张伟在广东发展电视产业。", ("社会", "文艺"), ("人名", "地名")),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    for name, (text, labels, kinds) in TEXTS.items():
        records = [
            Record(
                str(n), name, f"{text}{n}", labels[n % 2],
                (Pair(kinds[n % 2], text[: 2 + n % 3]), Pair(kinds[n % 3 == 0], text[3:5])),
            )
            for n in range(30)
        ]  # fmt: skip
        store.write_dataset(
            root / name, tasks.task(name), {"train": records[:20], "test": records[20:]}
        )
    return [root / name for name in TEXTS]


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_figures_of_several_datasets(folders, tmp_path):
    sizes, stats = (
        [figures.size_of(f) for f in folders],
        [describe(f, permutations=20) for f in folders],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of every glyph that is missing
        drawn = figures.of_datasets(sizes, stats, tmp_path)
        drawn += figures.of_dataset(stats[2], tmp_path / "scnm-zh")
    assert len(drawn) == 4 + 3
    for figure in drawn:
        png, svg, table = figure.files
        assert png.read_bytes().startswith(b"\x89PNG") and "<svg" in svg.read_text()
        assert rows(table) and figure.missing == ""
    assert rows(tmp_path / "sizes.csv")[1] == {
        "language": "ja", "family": "SCNM", "dataset": "scnm-ja", "records": "30",
        "train": "20", "dev": "0", "test": "10",
    }  # fmt: skip
    cells = rows(tmp_path / "scnm-zh" / "text-label-and-item-label.csv")
    assert sum(int(row["items"]) for row in cells) == 60
    assert {row["text label"] for row in cells} == {"社会", "文艺"}


def test_a_figure_has_the_same_bytes_twice(folders, tmp_path):
    found = describe(folders[1], permutations=20)
    one, two = (figures.labels(found, tmp_path / name / "labels") for name in "ab")
    for first, second in zip(one.files, two.files, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_a_dataset_without_items_labels_or_records_is_drawn_all_the_same(tmp_path):
    for name, records in (
        ("none", []),
        ("bare", [Record("1", "tconer-en", "It costs $5 and $6.", "$5_{x}")]),
    ):
        store.write_dataset(tmp_path / name, tasks.task("tconer-en"), {"train": records})
        found = describe(tmp_path / name, permutations=20)
        for drawn in figures.of_dataset(found, tmp_path / "figures" / name):
            assert len(drawn.files) == 3
        figures.of_datasets(
            [figures.size_of(tmp_path / name)], [found], tmp_path / "figures" / name
        )


def test_a_character_without_a_glyph_is_a_box_and_told_of(tmp_path):
    with canvas.drawing(tmp_path / "a", (2, 2)) as sheet:
        assert sheet.shown("京 $ \U00013000") == "京 $ □"
        sheet.figure.text(0.1, 0.5, sheet.shown("京 \U00013000"))
    assert sheet.drawn().missing == "\U00013000"
    assert [path.name for path in sheet.drawn().files] == ["a.png", "a.svg"]


def test_without_a_font_for_it_japanese_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(canvas, "_characters", lambda: frozenset(map(ord, "abc \n")))
    with (
        pytest.raises(
            MissingExtra,
            match=r'a font that has 京 is not installed: run pip install "pointline\[plots\]"',
        ),
        canvas.drawing(tmp_path / "a", (2, 2)) as sheet,
    ):
        sheet.shown("京都")
    assert not list(tmp_path.iterdir())


def test_a_long_name_is_cut_by_its_width_and_colours_tell():
    assert figures.short("a" * 30) == "a" * 23 + "…"
    assert figures.short("長" * 30) == "長" * 11 + "…"
    assert figures._step_colour(9) != figures._step_colour(-9)
    assert figures._step_colour(0.0) == "#ffffff"


def test_a_folder_whose_manifest_tells_no_size(tmp_path):
    with pytest.raises(CorpusError, match="tells of no task and counts"):
        figures.size_of(tmp_path)

import csv
import io

import pytest

from pointline.errors import InputError
from pointline.format.record import Pair, Prediction, Record
from pointline.score import Counts, Draws, Interval, Report, score, tables
from pointline.score.tables import Table


def report(tl=(1, 2, 2), wl=(1, 4, 2), right=1, records=2, **more):
    return Report("pointline", "string", records, Counts(*tl), Counts(*wl), right, **more)


SURE = {
    "tl": Interval(0.25, 0.75),
    "wl": Interval(0.1, 0.5),
    "all": Interval(0.0, 1.0),
    "offset": Interval(0.0, 0.2),
}


def test_summary():
    table = tables.summary(report(intervals=SURE, offset=Counts(0, 4, 2), offset_records=2))
    assert table.headers == (
        *("", "precision", "recall", "F1", "95 % interval", "matched", "gold", "predicted"),
    )
    assert table.rows == (
        ("TL", "50.00", "50.00", "50.00", "[25.00, 75.00]", "1", "2", "2"),
        ("WL", "50.00", "25.00", "33.33", "[10.00, 50.00]", "1", "4", "2"),
        ("WL by place", "0.00", "0.00", "0.00", "[0.00, 20.00]", "0", "4", "2"),
        ("ALL", "", "", "50.00", "[0.00, 100.00]", "1", "2", "2"),
    )


def test_summary_without_intervals_has_no_column_for_them():
    table = tables.summary(report(), digits=1)
    assert "95 % interval" not in table.headers
    assert table.rows[1] == ("WL", "50.0", "25.0", "33.3", "1", "4", "2")


def test_what_was_not_there_is_not_shown_as_solved():
    table = tables.summary(report(wl=(0, 0, 0), intervals=SURE))
    assert table.rows[1] == ("WL", "–", "–", "–", "", "0", "0", "0")
    side = tables.side_by_side({"a": {"x": report(wl=(0, 0, 0))}}, metrics=["wl", "well_formed"])
    assert side.rows == (("x", "–", "–"),)


def test_tables_of_a_real_score():
    text = "葵は奈良にいる。"
    gold = [
        Record(
            "1", "scnm-ja", text, "社会", (Pair("人名", "葵", 0, 1), Pair("地名", "奈良", 2, 4))
        ),
        Record("2", "tconer-ja", text, "旅"),
    ]
    predicted = [
        Prediction("1", "scnm-ja", text, "社会", gold[0].pairs[1:], completion="x", repairs=("a",)),
        Prediction("2", "tconer-ja", text, "家"),
    ]
    found = score(gold, predicted)
    assert tables.by_task(found).rows == (
        ("scnm-ja", "1", "100.00", "66.67", "0.00"),
        ("tconer-ja", "1", "0.00", "–", "0.00"),
        ("all records", "2", "50.00", "66.67", "0.00"),
    )
    assert tables.by_label(found).rows == (
        ("地名", "100.00", "100.00", "100.00", "1", "1", "1"),
        ("人名", "0.00", "0.00", "0.00", "0", "1", "0"),
    )
    assert [row[0] for row in tables.by_label(found, "tl").rows] == ["社会", "旅", "家"]
    assert tables.conditions(found).rows == (
        ("records with a prediction", "100.00", "2", "2"),
        ("predictions that could not be read", "0.00", "0", "2"),
        ("well-formed completions", "0.00", "0", "1"),
        ("entities verbatim in the text", "100.00", "1", "1"),
        ("records scored by place", "100.00", "2", "2"),
        ("repair: a", "", "1", ""),
    )
    with pytest.raises(InputError, match="level is 'tl' or 'wl'"):
        tables.by_label(found, "all")


def test_systems_side_by_side():
    good, poor = report((2, 2, 2), (3, 4, 4), 1), report((1, 2, 2), (1, 4, 4), 1)
    systems = {"base": {"scnm-ja": poor, "scnm-zh": poor}, "adapter": {"scnm-ja": good}}
    table = tables.side_by_side(systems, metrics=["tl", "wl", "all"])
    assert table.headers == (
        *("dataset", "base TL", "base WL", "base ALL"),
        *("adapter TL", "adapter WL", "adapter ALL"),
    )
    assert table.rows == (
        ("scnm-ja", "50.00", "25.00", "50.00", "100.00", "75.00", "50.00"),
        ("scnm-zh", "50.00", "25.00", "50.00", "–", "–", "–"),
    )
    # the better one of each metric, ties together
    assert table.best == {(0, 4), (0, 5), (0, 3), (0, 6), (1, 1), (1, 2), (1, 3)}
    assert not tables.side_by_side({"base": systems["base"]}).best


def test_values_that_print_alike_are_marked_alike():
    a, b = report((6664, 10000, 10000)), report((66641, 100000, 100000))
    table = tables.side_by_side({"a": {"x": a}, "b": {"x": b}}, metrics=["tl"], digits=1)
    assert table.best == {(0, 1), (0, 2)}


def test_side_by_side_with_intervals_and_draws():
    systems = {
        "one": {"x": report(intervals=SURE)},
        "three": {"x": Draws((report(), report((2, 2, 2), (3, 4, 4), 2)), 1000, 0)},
    }
    table = tables.side_by_side(systems, metrics=["tl", "all", "verbatim"], intervals=True)
    assert table.rows == (
        ("x", "50.00 [25.00, 75.00]", "50.00 [0.00, 100.00]", "–", "75.00", "75.00", "–"),
    )


def test_side_by_side_refuses_what_it_does_not_know():
    for systems, metrics in (({}, ["tl"]), ({"a": {}}, []), ({"a": {}}, ["f1"])):
        with pytest.raises(InputError, match="a table needs systems and metrics of tl, wl, all"):
            tables.side_by_side(systems, metrics=metrics)


# ---------------------------------------------------------------- the forms

TABLE = Table(
    ("label", "F1 & n"),
    (("人名|x", "9.00"), ("a_b*c", "10.00"), ("50 %", "–")),
    frozenset({(1, 1)}),
)


def test_markdown():
    assert TABLE.markdown() == (
        "| label | F1 & n |\n"
        "|---|---:|\n"
        "| 人名\\|x | 9.00 |\n"
        "| a\\_b\\*c | **10.00** |\n"
        "| 50 % | – |"
    )


def test_latex():
    assert TABLE.latex() == (
        "\\begin{tabular}{lr}\n"
        "\\toprule\n"
        "label & F1 \\& n \\\\\n"
        "\\midrule\n"
        "人名\\textbar{}x & 9.00 \\\\\n"
        "a\\_b*c & \\textbf{10.00} \\\\\n"
        "50 \\% & -- \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}"
    )


def test_latex_escapes_each_character_once():
    assert Table(("\\{~^", "#$"), ()).latex().splitlines()[2] == (
        "\\textbackslash{}\\{\\textasciitilde{}\\textasciicircum{} & \\#\\$ \\\\"
    )


def test_csv_reads_back():
    table = Table(("a", "b"), (('x "y", z', "行\n二"),))
    assert list(csv.reader(io.StringIO(table.csv()))) == [["a", "b"], ['x "y", z', "行\n二"]]


def test_text_aligns_wide_characters():
    assert TABLE.text().splitlines() == [
        "label   F1 & n",
        "人名|x    9.00",
        "a_b*c   *10.00",
        "50 %         –",
    ]


def test_line_breaks_stay_inside_a_cell():
    table = Table(("a\nb",), (("[x](y)\r\nz",),))
    assert table.markdown().splitlines()[0] == "| a b |"
    assert table.markdown().splitlines()[2] == "| [x]\\(y) z |"
    assert len(table.latex().splitlines()) == 7


def test_a_row_has_a_cell_for_each_header():
    with pytest.raises(ValueError, match="a row of 2 cells is wanted"):
        Table(("a", "b"), (("x",),))

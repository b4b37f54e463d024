import io

from rich.console import Console

from pointline.app import show
from pointline.format.record import Fact, Pair, Prediction, Record


def printed(renderable) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()


def test_a_record_shows_its_label_text_items_and_confidences():
    record = Prediction(
        "1", "scnm-ja", "清少納言は京都にいた。", "文芸",
        (Pair("人名", "清少納言", 0, 4), Pair("地名", "京都", 5, 7)),
        scores={"label": 0.93, "items": [0.5, 0.25]},
    )  # fmt: skip
    made = printed(show.records_table([record]))
    for part in ("scnm-ja", "文芸", "93%", "人名 清少納言 [0, 4) 50%", "地名 京都 [5, 7) 25%"):
        assert part in made


def test_facts_are_shown_with_their_relation():
    record = Record(
        "1", "tcree-en", "x", "film", facts=(Fact(("Mira", "starring", "Dust", "1999")),)
    )
    assert "Mira starring Dust; 1999" in printed(show.records_table([record]))


def test_control_characters_do_not_reach_the_terminal():
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202ered"
    record = Record("1", "scnm-en", evil, evil, (Pair(evil, evil, 0, len(evil)),))
    made = printed(show.records_table([record])) + printed(show.table(("a",), [(evil,)]))
    assert not set("\x1b\x07\x9b\u202e") & set(made)
    assert "␛]0;owned␇" in made


def test_brackets_in_a_text_are_no_markup():
    record = Record("1", "scnm-en", "[bold]not[/bold] [red]", "Nature")
    assert "[bold]not[/bold] [red]" in printed(show.records_table([record]))


def test_a_long_first_column_leaves_the_others_their_place():
    made = show.table(("lost", "count", "for example"), [("of no use " * 20, "27", "r1, r2")])
    for part in ("count", "27", "for example", "r1, r2"):
        assert part in printed(made)


def test_progress_is_quiet_where_there_is_no_terminal(capsys):
    with show.progress("working") as advance:
        advance(1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_path_is_said_as_it_is(capsys):
    path = "/runs/[red]a very long name of a folder[/tmp]/" + "x" * 200
    show.say(path)
    assert capsys.readouterr().out == path + "\n"


def test_a_table_that_is_wider_than_the_terminal_keeps_its_columns():
    written = io.StringIO()
    narrow = Console(file=written, width=40, highlight=False)
    headers = [f"column{at}" for at in range(9)]
    show.put(show.table(headers, [[f"{at}.25" for at in range(9)]]), to=narrow)
    lines = written.getvalue().splitlines()
    assert lines[-1].split() == [f"{at}.25" for at in range(9)]
    assert all(header in lines[0] for header in headers)


def test_a_table_that_fits_is_no_wider_than_it_is():
    written = io.StringIO()
    show.put(show.table(("a", "b"), [("x", "1")]), to=Console(file=written, width=40))
    assert max(map(len, written.getvalue().splitlines())) < 10

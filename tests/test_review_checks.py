import pytest
from hypothesis import given
from strategies import records

from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import task
from pointline.review.agreement import alike
from pointline.review.checks import CHECKS, problems
from pointline.review.files import chosen, offered
from pointline.review.guard import Seal, Session, is_loopback, named
from pointline.review.item import Filter, changes
from pointline.review.pace import an_hour

TEXT = "霧の朝、白馬の池に白鳥が三羽おりた。"


def found(record, name="scnm-ja"):
    return [(p.check, p.where, p.grave) for p in problems(record, task(name))]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (Record("1", "", TEXT, "自然", (Pair("地名", "白馬", 4, 6),)), []),
        (Record("1", "", " \n", "自然"), [("no text", "text", True)]),
        (Record("1", "", TEXT), [("no label", "label", True)]),
        (Record("1", "", TEXT, "天気"), [("unknown label", "label", True)]),
        (Record("1", "", TEXT, "自然", (Pair("山", "白馬", 4, 6),)), [("unknown item label", "pairs/0", True)]),
        (Record("1", "", TEXT, "自然", (Pair("地名", "立山"),)), [("not in the text", "pairs/0", True)]),
        (Record("1", "", TEXT, "自然", (Pair("地名", "白馬", 4, 6),) * 2), [("twice", "pairs/1", True)]),
        (Record("1", "", TEXT, "自然", facts=(Fact(("白馬", "地名", "池")),)), [("wrong shape", "facts/0", True)]),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_of_accepting(record, told):
    assert found(record) == told


def test_a_field_of_a_fact_that_is_not_in_the_text_is_a_remark():
    record = Record("1", "", "林晓主演《纸船》。", "电影", facts=(Fact(("林晓", "主演", "电影")),))
    assert found(record, "tcree-zh") == [("field not in the text", "facts/0", False)]


@given(records())
def test_any_record_can_be_checked(record):
    for problem in problems(record, task(record.task)):
        assert problem.reason and problem.where.partition("/")[0] in {
            "text",
            "label",
            "pairs",
            "facts",
        }
    assert len(CHECKS) == 6
    assert changes(record, record) == ()


def test_kappa_by_hand():
    # a table of 2 x 2: both yes 20, yes-no 5, no-yes 10, both no 15
    seen = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    assert (alike(seen).share, round(alike(seen).kappa, 10)) == (0.7, 0.4)
    # three categories: p_o = 5/8, p_e = (3*4 + 3*2 + 2*2)/64 = 22/64
    three = [("a", "a")] * 3 + [("b", "a"), ("b", "b"), ("b", "c"), ("c", "b"), ("c", "c")]
    assert alike(three).kappa == pytest.approx((5 / 8 - 22 / 64) / (1 - 22 / 64))
    assert alike([("x", "y"), ("y", "x")]).kappa == -1.0
    assert alike([("x", "x")] * 5).kappa is None and alike([]).kappa is None
    assert alike([(b, a) for a, b in seen]).kappa == alike(seen).kappa


def test_the_pace_leaves_breaks_out():
    assert an_hour([]) is None and an_hour([1.0, 2.0]) is None
    assert an_hour([0, 60, 120, 10_000, 10_060]) == 60.0
    assert an_hour([5.0, 5.0, 5.0]) is None


def test_the_folder_offers_record_files_and_datasets_and_nothing_else(tmp_path):
    for name in ("b.jsonl", "a.parquet", "notes.txt", ".hidden.jsonl", "review.sqlite", "子/訳.jsonl",
                 "set/train.jsonl", "set/dropped.jsonl", "set/queued.jsonl", "run/set/dev.jsonl",
                 "run/set/dropped.jsonl", "deep/er/still/x.jsonl"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "link.jsonl").symlink_to("/etc/passwd")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "train.jsonl").write_text("")
    (tmp_path / "linked" / "dropped.jsonl").symlink_to("/etc/passwd")
    assert list(offered(tmp_path)) == [
        "a.parquet", "b.jsonl", "linked/", "run/set/", "run/set/dropped.jsonl", "set/",
        "set/dropped.jsonl", "子/訳.jsonl",
    ]  # fmt: skip
    assert chosen(tmp_path, "set/") == tmp_path / "set"
    for name in ("link.jsonl", "../b.jsonl", "", "set/train.jsonl", "notes.txt"):
        with pytest.raises(ValueError, match="no such file in the folder"):
            chosen(tmp_path, name)


def test_a_session_is_read_back_and_no_other():
    seal, session = Seal("secret"), Session("id", "澪 \0 x", True)
    assert seal.read(seal.cookie(session)) == session
    assert Seal("other").read(seal.cookie(session)) is None
    assert Seal("secret", "token").read(seal.cookie(session)) is None
    assert seal.is_csrf(session, seal.csrf(session))
    assert not seal.is_csrf(Session("other"), seal.csrf(session))
    assert not seal.is_token("")
    assert "secret" not in repr(seal)
    assert named(session, "  a\u202e\n  b" + "x" * 99).name == ("a b" + "x" * 99)[:60]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"])
def test_loopback(host):
    assert is_loopback(host)
    assert not is_loopback(f"{host}.evil.example")


def test_a_search_is_folded():
    assert Filter(search=" ＡＤＡ ﾊﾞｽ ").folded == "ada バス"

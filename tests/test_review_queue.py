import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from postgres import cluster
from reviewed import draft, drafts, originals

from pointline.errors import InputError
from pointline.format.record import Pair
from pointline.review.item import Conflict, Filter, Reviewer, Row
from pointline.review.pairing import rules_of
from pointline.review.queue import Change, Queue

MEI, KEN = Reviewer("Mei", "session-1"), Reviewer("Ken", "session-2")


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="session")
def postgres():
    with cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "review.sqlite")
    import sqlalchemy

    url = request.getfixturevalue("postgres")
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return url


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(place, clock):
    with Queue(place, lease=60, clock=clock) as queue:
        yield queue


def rows(count=8):
    for source, made in zip(originals(count), drafts(count), strict=True):
        yield Row("train", made, source, rules_of(made))


def opened(queue, count=8, *, mark="1", share=0.0, some=None):
    return queue.open(
        "key", lambda: some or rows(count), names=("ja", "en"), mark=mark, tasks={}, share=share
    )


def positions(queue, review, wanted, who=MEI):
    return [item.position for item in queue.find.page(review, wanted, who)]


def accept(queue, item, who, *, record=None, label=None):
    record = record or item.record
    opinion = ("accepted", record.label)
    change = Change("accepted", record=record, status="accepted", opinion=opinion)
    return queue.change(item.id, who, item.version, change)


def test_a_review_is_opened_once_and_what_is_new_in_its_files_is_taken_in(queue):
    first = opened(queue)
    assert (first.added, first.review.source, first.review.draft) == (8, "ja", "en")
    again = opened(queue)
    assert again.review == first.review and not (again.added or again.renewed or again.kept)

    touched = queue.find.at(first.review, "2")
    queue.change(touched.id, MEI, 0, Change("flag", flagged=True))
    changed = [
        replace(row, draft=replace(row.draft, text=f"{row.draft.text} !")) for row in rows(9)
    ]
    third = opened(queue, mark="2", some=changed)
    assert (third.added, third.renewed, third.kept) == (1, 7, 1)
    assert queue.find.at(first.review, "1").record.text.endswith("!")
    assert not queue.find.at(first.review, "2").record.text.endswith("!")
    assert queue.reviews() == [third.review]


def test_opening_fails_whole(queue):
    def broken():
        yield from rows(3)
        raise InputError("the file ends here")

    with pytest.raises(InputError, match="ends here"):
        queue.open("key", broken, names=("", "x"), mark="1", tasks={})
    assert queue.reviews() == []


def test_two_servers_may_begin_a_review_at_once(place):
    begun, found = threading.Event(), []

    def slow():
        begun.set()
        time.sleep(0.3)  # the other is to ask for the review before this one is committed
        yield from rows()

    def open_(of):
        with Queue(place) as queue:
            values = {"names": ("ja", "en"), "mark": "1", "tasks": {}}
            found.append((queue.open("key", of, **values), queue.secret()))

    threads = [threading.Thread(target=open_, args=(slow,))]
    threads.append(threading.Thread(target=lambda: begun.wait() and open_(rows)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(opened.added for opened, _ in found) == [0, 8]
    assert len({(opened.review, secret) for opened, secret in found}) == 1


def test_several_servers_may_begin_a_queue_at_once(place):
    barrier, found = threading.Barrier(4), []

    def begin():
        barrier.wait()
        with Queue(place) as queue:
            found.append(queue.secret())

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1


def test_a_moment_stays_as_it_was(queue):
    review = opened(queue).review
    with queue.moment() as now:
        assert now.find.splits(review) == ["train"]
        item = queue.find.at(review, "1")
        queue.comment(item.id, KEN, "Hm.")
        accept(queue, queue.find.item(item.id), KEN)
        assert now.find.progress(review, MEI).done == 0
        assert [each.status for each in now.find.every(review)] == ["open"] * 8
        assert now.log.notes(review) == [] and now.find.decided(review) == {}
    assert queue.find.progress(review, MEI).done == 1
    with queue.moment() as now:
        assert now.find.progress(review, MEI).done == 1


def test_filters(queue):
    review = opened(queue).review
    assert positions(queue, review, Filter(rule="length ratio")) == [0, 3, 6]
    assert positions(queue, review, Filter(label="Technology")) == [1, 5]
    assert positions(queue, review, Filter(search="ＮＡＧＡＮＯ")) == [1, 5]
    assert positions(queue, review, Filter(search="湊橋")) == [0, 4]
    assert positions(queue, review, Filter(search="scnm-00003")) == [3]
    assert positions(queue, review, Filter(search="%")) == []
    assert positions(queue, review, Filter(rule="length ratio", label="Nature")) == [3]
    item = queue.find.at(review, "scnm-00004")
    accept(queue, item, MEI)
    assert positions(queue, review, Filter(view="accepted")) == [4]
    assert queue.find.count(review, Filter(view="open"), MEI) == 7
    page = queue.find.page(review, Filter(), MEI, after=2, size=2)
    assert [each.position for each in page] == [3, 4]
    assert queue.find.rules(review) == {"length ratio": {"open": 3}}
    assert queue.find.labels(review)["Nature"] == 2
    with pytest.raises(InputError, match="no item '99'"):
        queue.find.at(review, "99")


def test_two_reviewers_never_get_one_item(queue, clock):
    review = opened(queue).review
    wanted = Filter(view="open")
    first = queue.take(review, wanted, MEI)
    assert queue.take(review, wanted, KEN).position == 1
    assert queue.take(review, wanted, MEI, after=0).position == 2  # gives the first back
    assert queue.lease(first.id, KEN).lease.name == "Ken"
    held = queue.lease(first.id, MEI)
    assert held.lease.name == "Ken"
    with pytest.raises(Conflict, match="item 1 is being reviewed by Ken") as refused:
        accept(queue, held, MEI)
    assert refused.value.kind == "held"
    clock.now += 61
    assert queue.lease(first.id, MEI).lease.name == "Mei"
    until = queue.renew(first.id, MEI)
    assert until == clock.now + 60 and queue.renew(first.id, KEN) is None
    clock.now += 1
    again = queue.lease(first.id, MEI)
    queue.release(MEI, until=until)  # the page before, as it goes
    assert queue.find.item(first.id) == again
    queue.release(MEI, until=again.lease.until)
    assert queue.find.item(first.id).lease is None
    last = queue.lease(first.id, KEN)
    assert queue.take(review, Filter(view="flagged"), KEN) is None
    assert queue.find.item(last.id).lease is None  # who is done keeps nothing


def test_many_at_once_take_different_items(queue):
    review = opened(queue, 40).review
    taken, wanted = [], Filter(view="open")

    def work(name):
        who, after = Reviewer(name, name), -1
        for _ in range(5):
            item = queue.take(review, wanted, who, after=after)
            accept(queue, item, who)
            taken.append(item.position)
            after = item.position

    threads = [threading.Thread(target=work, args=(f"r{at}",)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 30 and len(set(taken)) == 30
    assert queue.find.progress(review, MEI).statuses == {"accepted": 30, "open": 10}


def test_the_search_for_the_next_item_goes_around(queue):
    review = opened(queue, 3).review
    assert queue.take(review, Filter(view="open"), MEI, after=2).position == 0
    assert queue.take(review, Filter(), MEI, after=2, back=True).position == 1
    assert queue.take(review, Filter(), MEI, after=0, back=True) is None
    assert queue.take(review, Filter(view="flagged"), MEI) is None


def test_a_change_on_a_stale_version_is_refused_with_the_item_as_it_is(queue):
    review = opened(queue).review
    item = queue.find.at(review, "1")
    mended = replace(item.record, label="Society")
    now = queue.change(item.id, KEN, 0, Change("fix", record=mended))
    assert (now.version, now.record.label, now.corrected) == (1, "Society", ("label",))
    with pytest.raises(Conflict, match="item 1 was changed since by Ken") as refused:
        queue.change(item.id, MEI, 0, Change("fix", record=item.record))
    assert refused.value.kind == "stale" and refused.value.item.record.label == "Society"
    assert queue.find.item(item.id) == now


def test_two_changes_of_one_version_at_once_one_is_refused(queue):
    review = opened(queue).review
    item = queue.find.at(review, "1")
    refused, barrier = [], threading.Barrier(4)

    def work(at):
        barrier.wait()
        mended = replace(item.record, text=f"{at}", pairs=())
        try:
            queue.change(item.id, Reviewer(f"r{at}", ""), 0, Change("fix", record=mended))
        except Conflict as conflict:
            refused.append(conflict.kind)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["stale"] * 3
    assert queue.find.item(item.id).version == 1


def test_undo_takes_back_the_last_change_that_stands_and_the_log_keeps_all(queue, clock):
    review = opened(queue).review
    item = queue.find.at(review, "1")
    mended = replace(item.record, text="Mio left.", pairs=(Pair("people", "Mio", 0, 3),))
    queue.change(item.id, MEI, 0, Change("fix", record=mended))
    clock.now += 5
    accept(queue, queue.find.item(item.id), MEI)
    assert positions(queue, review, Filter(search="Mio left")) == [0]

    now, event = queue.undo(review, MEI)
    assert (event.action, now.status, now.record, now.decided_by) == (
        "accepted",
        "open",
        mended,
        "",
    )
    now, event = queue.undo(review, MEI)
    assert (event.action, now.record, now.corrected) == ("fix", item.record, ())
    assert positions(queue, review, Filter(search="Mio left")) == []
    assert queue.undo(review, MEI) is None
    assert queue.undo(review, KEN) is None
    log = queue.log.events(review)
    assert [(e.action, e.undone) for e in log] == [
        ("undo", False), ("undo", False), ("accepted", True), ("fix", True),
    ]  # fmt: skip
    assert [e.version for e in log] == [3, 2, 1, 0]
    assert log[2].at == clock.now and log[3].at == clock.now - 5
    # a change after an undo can be undone again
    queue.change(item.id, MEI, now.version, Change("flag", flagged=True))
    assert queue.undo(review, MEI)[1].action == "flag"


def test_undo_is_refused_where_another_changed_the_item_since(queue):
    review = opened(queue).review
    item = queue.find.at(review, "1")
    flagged = queue.change(item.id, MEI, 0, Change("flag", flagged=True))
    accept(queue, flagged, KEN)
    with pytest.raises(Conflict, match="by Ken"):
        queue.undo(review, MEI)
    queue.undo(review, KEN)
    assert not queue.undo(review, MEI)[0].flagged


def test_comments_are_in_nobodys_way(queue):
    review = opened(queue).review
    item = queue.lease(queue.find.at(review, "1").id, KEN)
    queue.comment(item.id, MEI, "潮の手帖: a title?")
    accept(queue, item, KEN)
    assert positions(queue, review, Filter(view="commented")) == [0]
    assert queue.log.notes(review)[0].note == "潮の手帖: a title?"


def test_second_opinions(queue):
    review = opened(queue, share=1.0).review
    for number in "123":
        accept(queue, queue.find.at(review, number), MEI)
    assert queue.find.progress(review, MEI).second == 0
    assert queue.find.progress(review, KEN).second == 3
    first = queue.take(review, Filter(view="second"), KEN)
    second = Change("second", opinion=("rejected", "Society"), theirs=first.draft, flagged=True)
    now = queue.change(first.id, KEN, first.version, second)
    assert (now.status, now.flagged, now.decided_by) == ("accepted", True, "Mei")
    assert positions(queue, review, Filter(view="second"), KEN) == [1, 2]
    found = {(o.reviewer, o.verdict, o.label) for o in queue.log.opinions(review)}
    assert found == {("Mei", "accepted", "Literature"), ("Ken", "rejected", "Society")}
    queue.undo(review, KEN)
    assert positions(queue, review, Filter(view="second"), KEN) == [0, 1, 2]
    assert not queue.find.item(first.id).flagged


def test_what_settles_an_item_is_no_opinion(queue):
    review = opened(queue, share=1.0).review
    accept(queue, queue.find.at(review, "1"), MEI)
    first = queue.take(review, Filter(view="second"), KEN)
    second = Change("second", opinion=("rejected", "Society"), theirs=first.draft, flagged=True)
    queue.release(MEI)
    now = queue.change(first.id, KEN, first.version, second)
    queue.release(KEN)
    agreed = Change("rejected", status="rejected", opinion=("rejected", "Society"))
    queue.change(first.id, MEI, now.version, agreed)
    found = {(o.reviewer, o.verdict) for o in queue.log.opinions(review)}
    assert found == {("Mei", "accepted"), ("Ken", "rejected")}


def test_opening_again_keeps_the_share_for_a_second_opinion(queue):
    assert opened(queue, share=None).review.share == 0.1
    assert opened(queue, share=0.4).review.share == 0.4
    assert opened(queue, share=None).review.share == 0.4


def test_the_sample_for_a_second_opinion_is_the_same_in_every_queue(queue):
    draws = [item.draw for item in queue.find.every(opened(queue, 400).review)]
    assert 0.15 < sum(draw < 0.2 for draw in draws) / 400 < 0.25
    assert draws[0] == pytest.approx(0.336, abs=1e-4)


def test_progress_counts_what_was_corrected(queue):
    review = opened(queue).review
    one, two = queue.find.at(review, "1"), queue.find.at(review, "2")
    accept(queue, one, MEI)
    accept(queue, two, MEI, record=replace(two.record, label="Society"))
    found = queue.find.progress(review, MEI)
    assert (found.total, found.done, found.corrected) == (8, 2, 1)
    assert len(found.times) == 2
    assert queue.find.decided(review) == {("Mei", "accepted"): 2}


def test_texts_that_a_database_may_not_like(queue):
    evil = "x'; DROP TABLE review_items; -- \0 \U0001f469‍🚀 \u202e%_\\"
    record = replace(draft(), id=evil, text=evil, label=evil, pairs=())
    review = opened(queue, some=[Row("train", record)]).review
    item = queue.find.at(review, "1")
    assert item.record == record and item.source is None
    assert positions(queue, review, Filter(search="DROP TABLE")) == [0]
    assert positions(queue, review, Filter(search=r"%_\ ".strip())) == [0]
    accept(queue, item, MEI)
    assert queue.find.item(item.id).record == record


def test_ids_that_a_database_has_no_letter_for_are_found_again(queue):
    ids = ("a\0b", "a\ufffdb", "a\ufffd0b", "a\ufffd.b")
    some = [Row("train", replace(draft(), id=id)) for id in ids]
    review = opened(queue, some=some).review
    again = opened(queue, mark="2", some=some)
    assert (again.added, again.renewed, again.kept) == (0, 0, 0)
    assert [item.draft.id for item in queue.find.every(review)] == list(ids)
    assert [queue.find.at(review, id).position for id in ids] == [0, 1, 2, 3]


def test_the_queue_is_there_after_the_process_died(place, clock):
    with Queue(place, clock=clock) as queue:
        review = opened(queue).review
        accept(queue, queue.find.at(review, "1"), MEI)
        secret = queue.secret()
    with Queue(place, clock=clock) as queue:
        assert queue.find.progress(review, MEI).done == 1
        assert queue.secret() == secret


def test_sqlite_is_in_wal_mode(tmp_path):
    with Queue(tmp_path / "review.sqlite"):
        pass
    with sqlite3.connect(tmp_path / "review.sqlite") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_place_that_is_no_database_is_told_in_one_line(tmp_path):
    (tmp_path / "notes.txt").write_text("these are notes and no database at all" * 50)
    with pytest.raises(InputError, match=r"notes\.txt: cannot be opened as a queue: .*database"):
        Queue(tmp_path / "notes.txt")
    with pytest.raises(InputError, match="cannot be opened") as refused:
        Queue("postgresql+psycopg://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(refused.value)


KILLED = """
import sys
from pointline.review.item import Filter, Reviewer
from pointline.review.queue import Change, Queue
with Queue(sys.argv[1]) as queue:
    review, who, after = queue.reviews()[0], Reviewer("Mei", "1"), -1
    while item := queue.take(review, Filter(view="open"), who, after=after):
        queue.change(item.id, who, item.version, Change("accepted", status="accepted"))
        print(item.position, flush=True)
        after = item.position
"""


def test_what_was_said_to_be_done_outlives_a_kill(tmp_path):
    place = str(tmp_path / "review.sqlite")
    with Queue(place) as queue:
        review = opened(queue, 400).review
    said = 0
    for stop in (3, 40):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, place], stdout=subprocess.PIPE, text=True
        ) as process:
            seen = [int(process.stdout.readline()) for _ in range(stop)]
            process.kill()
            said += len(seen + process.stdout.read().split())
        with Queue(place) as queue:
            done = queue.find.progress(review, MEI).done
            assert said <= done <= said + 1
            assert len(queue.log.events(review, size=1000)) == done
            said = done

"""The playground in a real browser: waiting, refusals, cancelling, a server that is away."""

import time

import pytest

pytest.importorskip("fastapi", reason="needs fastapi")

from browsing import on_loopback
from playing import answered, answering, done, run

TEXT = "Ada moved to Turin."


@pytest.mark.parametrize(
    ("answer", "head", "words"),
    [
        (answering(413, "too_large", "at most 64 KiB"), "too long for this server", "at most 64 KiB"),
        (answering(422, "values", "no task 'x'"), "does not take this question", "no task 'x'"),
        (answering(400, "malformed", "not JSON"), "does not take this question", "not JSON"),
        (answering(503, "stopping", "going"), "takes no texts now", "going"),
        (answering(504, "time", "30 s"), "took too long", "30 s"),
        (answering(500, "fault", "oh"), "The server failed", "oh"),
        ({"id": "0", "error": {"code": "TextTooLong", "message": "in all"}}, "not be read", "in all"),
        ((502, ["no error"], {}), "The server failed", ""),
        ((200, {"hello": "there"}, {}), "Something else", ""),
        ((200, {"results": []}, {}), "Something else", ""),
    ],
)  # fmt: skip
def test_a_refusal_is_told_and_can_be_tried_again(player, played, answer, head, words):
    played.answer = lambda body: answer
    page = player.page()
    page.fill("#text", TEXT)
    page.keyboard.press("Control+Enter")
    page.locator("#trouble h2", has_text=head).wait_for()
    assert page.locator("#trouble p").inner_text() == words
    assert page.locator("#text").input_value() == TEXT
    played.answer = answered
    page.get_by_role("button", name="Try again").click()
    page.locator("#answer").wait_for()
    assert page.locator("#trouble").is_hidden()


def test_a_full_server_is_asked_again_when_it_says(player, played):
    left = [answering(429, "full", "queue full", retry_after="2")] * 2
    played.answer = lambda body: left.pop() if left else answered(body)
    page = player.page()
    page.fill("#text", TEXT)
    began = time.monotonic()
    page.keyboard.press("Control+Enter")
    page.locator("#trouble p", has_text="in 2 s").wait_for()
    page.locator("#trouble p", has_text="in 1 s").wait_for()
    page.locator("#trouble p", has_text="in 2 s").wait_for()
    assert time.monotonic() - began > 1.5
    page.get_by_role("button", name="Ask now").click()
    page.locator("#answer").wait_for()
    done(page)
    assert page.locator("#trouble").is_hidden() and len(played.bodies) == 3


def test_a_server_that_stays_full_is_given_up(player, played):
    played.answer = lambda body: answering(429, "full", "queue full", retry_after="30")
    page = player.page()
    page.fill("#text", TEXT)
    page.keyboard.press("Control+Enter")
    for asked in range(1, 5):  # each wait is ended by the button, and none by its seconds
        page.locator("#trouble p", has_text="in 30 s").wait_for()
        assert len(played.bodies) == asked
        page.locator("#trouble p", has_text="in 29 s").wait_for()
        page.get_by_role("button", name="Ask now").click()
        _until(lambda asked=asked: len(played.bodies) == asked + 1)
    page.get_by_role("button", name="Try again").wait_for()
    assert page.locator("#trouble p").inner_text() == "queue full"
    assert len(played.bodies) == 5


def test_waiting_for_a_full_server_can_be_cancelled(player, played):
    played.answer = lambda body: answering(429, "full", "queue full", retry_after="30")
    page = player.page()
    page.keyboard.press("Control+Enter")
    page.locator("#trouble p", has_text="in 30 s").wait_for()
    page.keyboard.press("Escape")
    done(page)
    assert page.locator("#said").inner_text() == "Cancelled"
    assert page.locator("#trouble").is_hidden() and len(played.bodies) == 1


def _until(what):
    end = time.monotonic() + 10
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    assert what()


def test_what_runs_can_be_cancelled_and_the_server_learns_of_it(player, played):
    page = player.page()
    run(page, TEXT)
    played.answer = lambda body: 20.0
    page.fill("#text", TEXT + "!")
    page.keyboard.press("Control+Enter")
    assert page.locator("#said").inner_text().startswith("Running")
    page.locator("#said", has_text="1 s").wait_for()
    page.get_by_role("button", name="Cancel").click()
    done(page)
    assert page.locator("#said").inner_text() == "Cancelled"
    assert page.locator("#cancel").is_hidden()
    _until(lambda: played.dropped == 1)
    assert page.locator("#answer").is_visible()  # the earlier answer, and that it is one
    assert page.locator("#stale").is_visible()
    page.keyboard.press("Escape")  # nothing runs
    page.keyboard.press("Control+Enter")
    _until(lambda: len(played.bodies) == 3)
    played.answer = answered
    run(page, "Bo stayed.")  # a new question takes the place of what runs
    assert page.locator("#marked").inner_text() == "Bo stayed."
    _until(lambda: played.dropped == 2)
    played.answer = lambda body: 20.0
    page.get_by_role("button", name="Drop one level").click()
    _until(lambda: len(played.bodies) == 6)
    page.keyboard.press("Escape")
    _until(lambda: played.dropped == 4)


def test_a_token_is_asked_for_and_forgotten(player, played):
    played.token = "tök 'en"
    page = player.page()
    page.locator("#trouble h2", has_text="asks for its token").wait_for()
    page.locator("#token:focus").wait_for()
    page.keyboard.type("wröng ありません")  # no header can carry it
    page.keyboard.press("Tab")
    page.locator("#trouble h2", has_text="asks for its token").wait_for()
    played.token = "right"
    page.fill("#token", "right")
    page.keyboard.press("Enter")
    page.locator("#task option").first.wait_for(state="attached")
    run(page, TEXT)
    assert page.locator("#answer").is_visible()
    kept = page.evaluate(
        "() => JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])"
    )
    assert "right" not in kept
    page.reload()
    page.locator("#trouble h2", has_text="asks for its token").wait_for()
    assert page.locator("#token").input_value() == ""


def test_a_server_that_went_away_and_came_back(pages, played):
    app = played.app()
    with on_loopback(app) as base:
        port = int(base.rpartition(":")[2])
        pages.base, pages.faults, pages.expected = base, [], ("Failed to load resource",)
        page = pages.take(locale="en-GB")
        page.goto(base)
        page.wait_for_selector("body[data-ready]")
        run(page, TEXT)
    page.keyboard.press("Control+Enter")
    page.locator("#trouble h2", has_text="does not answer").wait_for()
    with on_loopback(app, port=port):
        page.get_by_role("button", name="Try again").click()
        done(page)
        assert page.locator("#trouble").is_hidden()
        pages.give_back()
    assert len(played.bodies) == 2 and pages.faults == []

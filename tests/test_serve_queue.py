import asyncio
import threading
from functools import wraps

import pytest

from pointline.app.serve.limits import Limits, Refusal, closed
from pointline.app.serve.queue import Order, Queue, Result, Text
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import task
from pointline.model.extract import Options


def order(name: str, size: int = 1, *, within: float = 5) -> Order:
    of = task("scnm-en")
    texts = [Text(Record(f"{name}{n}", of.name, "Ada."), of, Options()) for n in range(size)]
    return Order(texts, within=within)


def drain(queue: Queue) -> list[str]:
    found = []
    while took := queue.take(wait=False):
        found.append(took[1].record.id)
    return found


def in_loop(test):
    """Run a test in an event loop: an order belongs to one."""

    @wraps(test)
    def run(*fixtures, **named):
        asyncio.run(test(*fixtures, **named))

    return run


@in_loop
async def test_requests_have_their_texts_read_in_turn():
    queue = Queue(10)
    for one in (order("a", 4), order("b", 1), order("c", 2)):
        queue.put(one)
    assert (queue.waiting, queue.taken) == (7, 7)
    assert drain(queue) == ["a0", "b0", "c0", "a1", "c1", "a2", "a3"]
    assert (queue.waiting, queue.taken) == (0, 7)  # they have places until they are answered


@in_loop
async def test_a_place_is_free_when_its_request_is_over():
    queue = Queue(4)
    first = order("a", 3)
    queue.put(first)
    with pytest.raises(Refusal, match="full") as refused:
        queue.put(order("b", 2))
    assert (refused.value.status, refused.value.retry_after) == (429, 1)
    queue.put(order("c"))
    assert queue.take(wait=False)[0] is first
    queue.leave(first)
    queue.leave(first)
    assert first.dropped and (queue.waiting, queue.taken) == (1, 1)
    queue.put(order("b", 2))
    assert drain(queue) == ["c0", "b0", "b1"]


@in_loop
async def test_each_text_of_a_request_is_counted_once():
    queue, one = Queue(4), order("a", 3)
    queue.put(one)
    assert queue.ended(one)
    assert queue.leave(one) == 2  # dropped
    assert not queue.ended(one)  # the model was at it when its request was given up
    assert queue.leave(one) == 0


@in_loop
async def test_the_advice_when_to_come_again_follows_the_pace(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("pointline.app.serve.queue.monotonic", lambda: now[0])
    queue = Queue(8)

    def advice() -> int:
        with pytest.raises(Refusal) as refused:
            queue.put(order("z", 9))
        return refused.value.retry_after

    assert advice() == 1
    one = order("a")
    for _ in range(5):
        now[0] += 3
        queue.ended(one)
    assert advice() == 12  # a half of eight places, three seconds each
    now[0] += 1000
    queue.ended(one)
    assert advice() == 60
    queue.close("stopping")
    assert queue.take(wait=True) is None


@in_loop
async def test_the_worker_waits_for_a_text_or_the_end():
    queue, found = Queue(4), []
    waiting = threading.Thread(
        target=lambda: [found.append(queue.take(wait=True)) for _ in range(2)]
    )
    waiting.start()
    one = order("a")
    queue.put(one)
    queue.close("stopping")
    await asyncio.to_thread(waiting.join, 5)
    assert found == [(one, one.texts[0]), None]
    with pytest.raises(Refusal, match="stopping"):
        queue.put(order("b"))


@in_loop
async def test_results_come_as_they_are_delivered_from_another_thread():
    one = order("a", 3)

    def deliver():
        for id in ("a1", "a0", "a2"):
            one.deliver(Result(id, b"{}"))

    threading.Thread(target=deliver).start()
    assert [result.id async for result in one.results()] == ["a1", "a0", "a2"]


@in_loop
async def test_who_waits_too_long_or_is_given_up_is_told():
    late = order("a", 2, within=0.05)
    late.deliver(Result("a0", b"{}"))
    with pytest.raises(Refusal) as refused:
        [result async for result in late.results()]
    assert refused.value.status == 504
    queue, left = Queue(4), order("b", 2)
    queue.put(left)
    queue.close("failed", now=True)
    with pytest.raises(Refusal, match="failed") as refused:
        [result async for result in left.results()]
    assert refused.value.status == 503 and left.dropped and queue.waiting == 0


def test_a_delivery_after_the_loop_has_ended_is_nobodys():
    async def make():
        return order("a")

    asyncio.run(make()).deliver(Result("a0", b"{}"))


def test_limits_are_above_zero_and_a_request_fits_into_the_queue():
    with pytest.raises(InputError, match="body is above 0, got 0"):
        Limits(body=0)
    with pytest.raises(InputError, match="does not fit"):
        Limits(body=11, bodies=10)
    with pytest.raises(InputError, match="never fit"):
        Limits(queue=10, texts=11)


def test_a_refusal_is_made_anew_for_everybody():
    """One that is raised again and again would hold every trace of it."""
    assert closed("stopping") is not closed("stopping")
    assert closed("stopping").headers == {"retry-after": "5"}
    assert closed("failed").told["error"]["code"] == "model_failed"

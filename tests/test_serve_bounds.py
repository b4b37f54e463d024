"""What a server does under load, with clients that hang, and when its model fails."""

import json
import socket
import threading
import time
from contextlib import suppress

import httpx2
import pytest
from serving import Later, Paced, serving

from pointline.errors import InputError

TEXTS = ["Ada ran.", "Bo sat still.", "Cy swam."]


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


def send(port, data: bytes, *, pause: float = 0.0, close: bool = False) -> bytes:
    """Send bytes on a connection of one's own; return what comes back until it is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(data)
        time.sleep(pause)
        if close:
            return b""
        found = b""
        with suppress(ConnectionResetError):  # it was closed before all was read
            while part := connection.recv(65536):
                found += part
        return found


def request(body: bytes, *, length: int | None = None, extra: str = "") -> bytes:
    head = (
        "POST /v1/extract HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\n{extra}\r\n"
    )
    return head.encode() + body


BODY = json.dumps({"task": "scnm-en", "text": "Ada ran."}).encode()


# ---------------------------------------------------------------- load


def test_texts_of_many_requests_share_a_batch():
    backend = Paced(pace=0.01)
    with serving(backend, batch_size=4) as served:
        backend.hold()
        asked = [served.later(f"Ada{n} ran on and on.") for n in range(10)]
        served.until(lambda: served.queue.taken == 10)
        backend.go_on()
        answers = [one.answer() for one in asked]
        assert {one.status_code for one in answers} == {200}
        entities = {one.json()["results"][0]["pairs"][0]["entity"] for one in answers}
        assert entities == {f"Ada{n}" for n in range(10)}
        assert backend.most == 4
        assert backend.steps < 10 * 5  # five steps each, alone
        served.until(lambda: served.queue.taken == 0)


def test_a_short_text_does_not_wait_for_a_long_one():
    backend = Paced(pace=0.005)
    with serving(backend, batch_size=2) as served:
        long = served.later("Ada " + "ran " * 200)
        served.until(lambda: backend.seen)
        assert served.ask("Bo sat.").status_code == 200
        assert long.is_alive()
        assert long.answer().status_code == 200


@pytest.mark.parametrize("texts", [["sticky " * 20] * 12, ["sticky"] * 12])
def test_rows_go_on_while_others_are_refused_or_slow_to_be_made_ready(texts):
    """The first ones are longer than the model's window, which each takes long to find out."""
    backend = Paced()
    backend.window = 200
    given = {"label": "Nature"}
    with serving(backend, batch_size=16) as served:
        backend.hold()
        running = served.later("Ada ran on and on.")
        served.until(lambda: backend.seen)
        slow = [served.later(text, given=given) for text in texts]
        served.until(lambda: served.queue.taken == 1 + len(texts))
        backend.go_on()
        assert running.answer().status_code == 200
        assert served.queue.waiting  # it did not wait for all of them
        for one in slow:
            one.answer()


def test_labels_that_leave_a_long_text_no_room_are_refused_at_once():
    backend = Paced(wide=4)
    backend.window = 1000
    with serving(backend) as served:
        labels = [f"label number {n}" for n in range(120)]
        (short,) = served.ask("Ada ran.", task=..., labels=labels).json()["results"]
        assert short["ok"]
        counted, count = [], backend.count
        served.site.worker.extractor.backend.count = lambda text: counted.append(0) or count(text)
        texts = ["Ada ran on. " * 400, "Bo sat still. " * 400]
        told = served.ask(..., texts=texts, task=..., labels=labels).json()["results"]
        assert [one["error"]["code"] for one in told] == ["refused", "refused"]
        assert "give fewer or shorter labels, or a shorter text" in told[0]["error"]["message"]
        assert len(counted) == 3  # the labels once, each text once


def test_a_full_queue_says_when_to_come_again():
    backend = Paced()
    with serving(backend, batch_size=1, limits={"queue": 4, "texts": 3}) as served:
        backend.hold()
        first = served.later(..., texts=TEXTS)
        served.until(lambda: served.queue.taken == 3)
        refused = served.ask(..., texts=TEXTS[:2])
        assert code(refused) == (429, "queue_full")
        assert int(refused.headers["retry-after"]) >= 1
        assert code(served.ask(..., texts=TEXTS * 2)) == (413, "too_many_texts")
        last = served.later("Di ran.")
        served.until(lambda: served.queue.taken == 4)
        assert code(served.ask()) == (429, "queue_full")
        assert served.client.get("/health").json()["queue"] == 3
        backend.go_on()
        assert first.answer().status_code == last.answer().status_code == 200
        assert served.ask().status_code == 200
        assert served.metric('pointline_errors_total{code="queue_full"}') == 2


def test_what_takes_too_long_is_given_up():
    backend = Paced()
    with serving(backend, batch_size=1, limits={"answer": 0.3}) as served:
        backend.hold()
        assert code(served.ask(..., texts=TEXTS)) == (504, "timeout")
        served.until(lambda: served.queue.taken == served.queue.waiting == 0)
        backend.go_on()
        served.until(lambda: not served.site.worker.running)
        assert served.ask("Di ran.").status_code == 200
        assert backend.seen == ["Ada ran.", "Di ran."]  # the others were dropped
        assert served.metric('pointline_texts_total{outcome="dropped"}') == 3


def test_a_stream_ends_with_an_error_for_each_text_that_is_late():
    backend = Paced(pace=0.02)
    with serving(backend, batch_size=2, limits={"answer": 0.5}) as served:
        long = "Ada " + "ran " * 500
        answer = served.ask(..., texts=["Bo sat.", long], stream=True)
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert answer.status_code == 200
        assert [line["id"] for line in lines] == ["0", "1"]
        assert lines[1]["error"]["code"] == "timeout" and "text" not in lines[1]
        steps = backend.steps
        served.until(lambda: not served.site.worker.running)
        assert served.ask("Bo sat.").status_code == 200
        assert backend.steps < steps + 100  # the late one was not read to its end


def test_a_client_that_leaves_takes_its_texts_along():
    backend = Paced()
    with serving(backend, batch_size=1) as served:
        backend.hold()
        body = json.dumps({"task": "scnm-en", "texts": TEXTS}).encode()
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.sendall(request(body))
            served.until(lambda: served.queue.taken == 3)
        served.until(lambda: served.queue.taken == 0)
        backend.go_on()
        assert served.ask("Di ran.").status_code == 200
        assert backend.seen in (["Ada ran.", "Di ran."], ["Di ran."])
        assert served.metric('pointline_texts_total{outcome="dropped"}') == 3
        assert served.metric('pointline_texts_total{outcome="done"}') == 1
        assert served.metric('pointline_requests_total{route="/v1/extract",status="499"}') == 1


def test_a_reader_of_a_stream_that_leaves_takes_the_rest_along():
    backend = Paced(pace=0.02)
    with serving(backend, batch_size=1) as served:
        body = {"task": "scnm-en", "texts": ["Ada " + "ran " * n * 20 for n in range(20)]}
        with served.client.stream("POST", "/v1/extract", json=body | {"stream": True}) as answer:
            next(answer.iter_lines())
        served.until(lambda: served.queue.taken == 0, 3)
        assert served.ask("Di ran.").status_code == 200
        assert len(backend.seen) < 10


# ---------------------------------------------------------------- bodies and connections


def test_a_body_that_is_too_large_is_refused_before_it_is_read():
    with serving(Paced()) as served:
        big = b'{"text": "' + b"x" * 10_000_000 + b'"}'
        kind = {"content-type": "application/json"}
        answer = served.client.post("/v1/extract", content=big, headers=kind)
        assert code(answer) == (413, "body_too_large")

        def parts():
            for _ in range(160):
                yield b"x" * 2**16

        answer = served.client.post("/v1/extract", content=parts(), headers=kind)
        assert code(answer) == (413, "body_too_large")
        # who asks first whether to send is told at once
        head = request(b"", length=10**9, extra="Expect: 100-continue\r\n")
        assert send(served.port, head).startswith(b"HTTP/1.1 413 ")
        assert code(served.ask("x" * 20_001)) == (413, "text_too_large")
        assert served.ask().status_code == 200


def test_bodies_together_are_bounded():
    with serving(Paced(), limits={"body": 1000, "bodies": 1500, "body_wait": 5}) as served:
        open_ones = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(2)]
        for one in open_ones:
            one.sendall(request(b"x" * 700, length=701))
        answer = Later(lambda: served.ask("Ada ran. " * 20))
        assert code(answer.answer()) == (429, "busy")
        for one in open_ones:
            one.close()
        served.until(lambda: served.ask("Ada ran. " * 20).status_code == 200)


def test_a_slow_body_is_refused_and_others_are_served():
    with serving(Paced(), limits={"body_wait": 0.4}) as served:
        slow = Later(lambda: send(served.port, request(BODY[:5], length=len(BODY))))
        assert served.ask().status_code == 200
        found = slow.answer()
        assert found.startswith(b"HTTP/1.1 408 ") and b'"slow_body"' in found
        assert b"connection: close" in found


def test_a_body_that_trickles_is_refused():
    with serving(Paced(), limits={"body_wait": 0.4}) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
            connection.sendall(request(BODY[:5], length=len(BODY)))
            begun, found = time.monotonic(), b""
            connection.settimeout(0.05)
            while b"408" not in found and time.monotonic() - begun < 8:
                try:
                    found += connection.recv(4096)
                except TimeoutError:
                    connection.sendall(b" ")
            assert b"HTTP/1.1 408 " in found
        assert served.ask().status_code == 200


def test_a_connection_without_a_request_is_cut():
    with serving(Paced(), limits={"head_wait": 0.5}) as served:
        begun = time.monotonic()
        silent = Later(lambda: send(served.port, b""))
        half = Later(lambda: send(served.port, b"POST /v1/extract HTTP/1.1\r\nHost: a\r\nX-"))
        assert served.ask().status_code == 200
        for one in (silent, half):
            one.join(10)
        assert time.monotonic() - begun < 8
        served.until(lambda: len(served.server.server_state.connections) <= 1)


def test_connections_are_bounded():
    with serving(Paced(), limits={"connections": 4, "head_wait": 0.5}) as served:
        silent = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(3)]
        served.until(lambda: len(served.server.server_state.connections) == 3)
        assert served.client.get("/health").status_code == 200  # it is the fourth
        silent.append(socket.create_connection(("127.0.0.1", served.port)))
        served.until(lambda: len(served.server.server_state.connections) == 5)
        refused = served.client.get("/health")
        assert code(refused) == (503, "too_many_connections")
        assert int(refused.headers["retry-after"]) >= 1 and "x-request-id" in refused.headers
        served.until(lambda: served.ask().status_code == 200)  # they were cut
        for one in silent:
            one.close()


def test_a_reader_that_does_not_read_is_cut(caplog):
    """Its answer is larger than what the system keeps for it."""
    limits = {"write_wait": 0.5, "head_wait": 0.5, "text": 10**6, "texts": 16, "body": 2 * 10**7}
    with serving(Paced(wide=10_000), limits=limits) as served:
        text = "Ada " + "x" * 900_000
        body = json.dumps({"task": "scnm-en", "texts": [text] * 16, "stream": True}).encode()
        connection = socket.create_connection(("127.0.0.1", served.port))
        with connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(request(body))
            served.until(lambda: served.queue.taken == 16)
            served.until(lambda: served.queue.taken == 0, 15)
            served.until(lambda: len(served.server.server_state.connections) == 0, 15)
        assert served.ask().status_code == 200
        # it left: that is no failure of ours, and each text is counted once
        assert served.metric("pointline_errors_total") == 0
        assert served.metric('pointline_requests_total{route="/v1/extract",status="499"}') == 1
        assert served.metric("pointline_texts_total") == 16 + 1
    assert not [one for one in caplog.records if one.levelname in ("ERROR", "CRITICAL")]


def test_what_is_no_http_is_refused():
    with serving(Paced()) as served:
        assert send(served.port, b"\x16\x03\x01\x02\x00\x01\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        long = b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 200_000
        assert send(served.port, long)[:13] in (b"HTTP/1.1 400 ", b"")
        wrong = request(BODY, length=0).replace(b"Content-Length: 0", b"Content-Length: many")
        assert send(served.port, wrong).startswith(b"HTTP/1.1 400 ")
        assert served.ask().status_code == 200


def test_requests_behind_each_other_on_one_connection_are_answered_in_turn():
    with serving(Paced()) as served:
        last = request(BODY, extra="Connection: close\r\n")
        found = send(served.port, request(BODY) * 3 + last)
        assert found.count(b"HTTP/1.1 200 OK") == 4


# ---------------------------------------------------------------- a model that fails


def test_a_text_that_the_model_fails_on_has_an_error_of_its_own():
    backend = Paced()
    with serving(backend, batch_size=8) as served:
        backend.hold()
        texts = ["Ada ran.", "Bo is poison.", "Cy is refused.", "Di swam."]
        together, other = served.later(..., texts=texts), served.later("Ed sat.")
        served.until(lambda: served.queue.taken == 5)
        backend.go_on()
        results = together.answer().json()["results"]
        assert [one["id"] for one in results] == ["0", "1", "2", "3"]
        assert [one.get("error", {}).get("code") for one in results] == [
            None, "model_error", "refused", None,
        ]  # fmt: skip
        assert results[1]["error"]["message"] == "the model failed on this text"
        assert other.answer().json()["results"][0]["ok"]
        assert served.client.get("/health").status_code == 200


def test_a_text_that_does_not_fit_beside_what_is_given_has_an_error_of_its_own():
    with serving(Paced(), limits={"text": 10**5}) as served:
        (result,) = served.ask("Ada " * 20_000, given={"label": "Nature"}).json()["results"]
        assert result["error"] == {
            "code": "text_too_long",
            "message": "80,000 characters are more than the model reads at a time beside what is"
            " given: ask for a shorter text, or a part of it",
        }


def test_a_text_that_cannot_be_made_ready_is_answered_at_once():
    with serving(Paced(), limits={"answer": 20}) as served:
        begun = time.monotonic()
        results = served.ask(..., texts=["Ada is uncountable.", "Bo ran."]).json()["results"]
        assert results[0]["error"] == {
            "code": "model_error", "message": "the model failed on this text"
        }  # fmt: skip
        assert results[1]["ok"] and time.monotonic() - begun < 10
        assert served.client.get("/health").status_code == 200


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_dies_of_a_text_before_it_is_read_is_told_of():
    with serving(Paced(), limits={"answer": 20}) as served:
        begun = time.monotonic()
        assert code(served.ask("Ada is unthinkable.")) == (503, "model_failed")
        assert time.monotonic() - begun < 10
        assert served.client.get("/health").json()["status"] == "failed"


@pytest.mark.parametrize("error", [TypeError("a surrogate"), InputError("not finite")])
def test_an_answer_that_cannot_be_written_is_an_error_of_its_text(monkeypatch, error):
    from pointline.app.serve import worker

    to_json = worker.store.to_json

    def failing(found):
        if "odd" in found.text:
            raise error
        return to_json(found)

    monkeypatch.setattr(worker.store, "to_json", failing)
    with serving(Paced(), limits={"answer": 20}) as served:
        begun = time.monotonic()
        results = served.ask(..., texts=["Ada is odd.", "Bo ran."]).json()["results"]
        assert results[0]["error"]["code"] == "internal" and results[1]["ok"]
        assert time.monotonic() - begun < 10
        assert served.metric('pointline_errors_total{code="internal"}') == 1
        assert served.client.get("/health").status_code == 200


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_model_that_fails_on_every_text_is_given_up():
    with serving(Paced()) as served:
        found = served.ask(..., texts=["poison"] * 8)
        assert code(found) == (503, "model_failed")
        assert served.client.get("/health").json()["status"] == "failed"
        assert code(served.ask()) == (503, "model_failed")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_dies_is_told_of_and_nobody_hangs():
    backend = Paced()
    with serving(backend, batch_size=2) as served:
        backend.hold()
        asked = [served.later("Ada broken.")]
        served.until(lambda: served.queue.taken == 1)
        asked += [served.later(f"Bo{n} ran.") for n in range(6)]
        served.until(lambda: served.queue.taken == 7)
        backend.go_on()
        assert {code(one.answer()) for one in asked} == {(503, "model_failed")}
        health = served.client.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "failed")
        assert code(served.ask()) == (503, "model_failed")
        assert served.metric("pointline_up") == 0
        assert served.client.get("/v1/tasks").status_code == 200


def test_a_worker_that_hangs_is_told_of():
    backend = Paced()
    with serving(backend, limits={"answer": 0.2, "stall": 0.3}) as served:
        backend.hold()
        waiting = served.later(..., texts=TEXTS)
        served.until(lambda: served.client.get("/health").json()["status"] == "stalled")
        assert code(waiting.answer()) == (504, "timeout")
        backend.go_on()
        served.until(lambda: served.client.get("/health").status_code == 200)


# ---------------------------------------------------------------- the end


def test_what_was_taken_is_finished_before_the_end():
    backend = Paced(pace=0.01)
    with serving(backend, batch_size=1) as served:
        backend.hold()
        asked = [served.later(f"Ada{n} ran.") for n in range(4)]
        served.until(lambda: served.queue.taken == 4)
        served.server.handle_exit(15, None)
        refused = served.ask()
        assert code(refused) == (503, "stopping") and "retry-after" in refused.headers
        health = served.client.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "stopping")
        backend.go_on()
        assert {one.answer().status_code for one in asked} == {200}
        served.until(lambda: served.server.should_exit)
        served.until(lambda: not served.site.worker._thread.is_alive())


def test_a_text_that_is_made_ready_at_the_end_is_told_of():
    backend = Paced()
    with serving(backend, limits={"grace": 0.1}) as served:
        backend.count, count = lambda text: time.sleep(3) or 1, backend.count
        served.site.worker.extractor.backend.count = backend.count
        asked = served.later("Ada ran.")
        served.until(lambda: served.queue.taken and not served.queue.waiting)
        begun = time.monotonic()
        served.server.handle_exit(15, None)
        assert code(asked.answer()) == (503, "stopping")
        assert time.monotonic() - begun < 2.5
        backend.count = count


def test_the_end_does_not_wait_for_ever():
    backend = Paced()
    with serving(backend, batch_size=1, limits={"grace": 0.3}) as served:
        backend.hold()
        asked = [served.later(f"Ada{n} ran.") for n in range(3)]
        served.until(lambda: served.queue.taken == 3)
        served.server.handle_exit(15, None)
        assert {code(one.answer()) for one in asked} == {(503, "stopping")}
        assert backend.seen == ["Ada0 ran."] or len(backend.seen) == 1


# ---------------------------------------------------------------- memory


def test_many_requests_leave_nothing_behind():
    import gc

    backend = Paced()
    with serving(backend, batch_size=16, limits={"queue": 64}) as served:
        worker = served.site.worker

        def many(count):
            with httpx2.Client(base_url=served.base) as client:
                for n in range(count):
                    body = {"task": "scnm-en", "text": f"Ada{n} ran."}
                    assert client.post("/v1/extract", json=body).status_code == 200

        def held():
            gc.collect()
            return sum(
                type(one).__name__ in ("Order", "Prepared", "Served") for one in gc.get_objects()
            )

        many(20)
        before = held()
        threads = [threading.Thread(target=many, args=(40,)) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert held() <= before + 2
        served.until(lambda: worker.running == served.queue.taken == 0)

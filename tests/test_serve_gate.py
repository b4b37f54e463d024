import io
import json
import logging
import sys
import threading

import httpx2
import pytest
from serving import Paced, serving

from pointline.app.serve import logs, make_site
from pointline.app.serve.gate import Door, origin_of
from pointline.app.serve.limits import Refusal
from pointline.errors import InputError, MissingExtra
from pointline.model.extract import Extractor

TOKEN = "a-long/secret+1="
KEY = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def log():
    """What the server logs, as it is written."""
    written = io.StringIO()
    kept = {name: logging.getLogger(name) for name in ("pointline.serve", "uvicorn")}
    before = {n: (one.handlers[:], one.level, one.propagate) for n, one in kept.items()}
    hook = threading.excepthook
    logs.to(written)
    yield written
    threading.excepthook = hook
    for name, (handlers, level, propagate) in before.items():
        kept[name].handlers[:], kept[name].propagate = handlers, propagate
        kept[name].setLevel(level)


def lines(written):
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_on_loopback_only_its_own_names_are_answered():
    door = Door(local=True)
    for host in ("127.0.0.1:8000", "localhost", "localhost:1", "[::1]:8000", "127.1.2.3"):
        door.check({"path": "/v1/extract"}, {"host": host})
    for host in ("evil.example:8000", "", "127.0.0.1.evil.example", "[::2]:1"):
        with pytest.raises(Refusal) as refused:
            door.check({"path": "/v1/extract"}, {"host": host})
        assert refused.value.status == 421


def test_beyond_loopback_a_token_is_needed_or_the_word_for_it():
    with pytest.raises(InputError, match="token"):
        make_site(Extractor(Paced()), local=False)
    make_site(Extractor(Paced()), local=False, open_to_all=True)
    for wrong in ("木", "two words", "line\nbreak"):
        with pytest.raises(InputError, match="ASCII"):
            make_site(Extractor(Paced()), token=wrong)


def test_a_library_that_is_missing_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingExtra, match=r"prometheus_client.*pointline\[serve\]"):
        make_site(Extractor(Paced()))


def test_with_a_token_texts_and_counts_are_for_who_has_it(log):
    with serving(Paced(), local=False, token=TOKEN) as served:
        for path in ("/v1/tasks", "/metrics", "/v1/nothing"):
            answer = served.client.get(path)
            assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
            assert served.client.get(path, headers=KEY).status_code in (200, 404)
        for wrong in (
            b"Bearer guess",
            b"Basic " + TOKEN.encode(),
            TOKEN.encode(),
            b"Bearer",
            b"\xff",
        ):
            answer = served.client.get("/v1/tasks", headers={"authorization": wrong})
            assert answer.status_code == 401
        for path in ("/", "/health", "/docs", "/openapi.json"):
            assert served.client.get(path).status_code == 200
        assert served.client.get("/v1/tasks", headers={"host": "name.example"} | KEY).is_success
        body = {"text": "Ada ran.", "task": "scnm-en"}
        assert served.client.post("/v1/extract", json=body).status_code == 401
        assert served.client.post("/v1/extract", json=body, headers=KEY).status_code == 200
    assert TOKEN not in log.getvalue() and TOKEN not in repr(Door(True, TOKEN))


def test_pages_of_other_sites_are_not_served():
    with serving(Paced()) as served:
        own = {"origin": served.base}
        assert served.client.get("/v1/tasks", headers=own).status_code == 200
        for foreign in ("http://evil.example", "null", "http://127.0.0.1:1"):
            answer = served.client.get("/v1/tasks", headers={"origin": foreign})
            assert answer.status_code == 403
            assert "access-control-allow-origin" not in answer.headers
        # a form of another site can send no JSON, and a script has to ask first
        asks = {"origin": "http://evil.example", "access-control-request-method": "POST"}
        assert served.client.options("/v1/extract", headers=asks).status_code == 403


def test_pages_of_a_site_that_was_named_are_served():
    site = "https://notes.example"
    with serving(Paced(), token=TOKEN, origins=[site]) as served:
        asks = {
            "origin": site,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        }
        allowed = served.client.options("/v1/extract", headers=asks)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == site
        body = {"text": "Ada ran.", "task": "scnm-en"}
        answer = served.client.post("/v1/extract", json=body, headers={"origin": site} | KEY)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == site
        refused = served.client.post("/v1/extract", json=body, headers={"origin": site})
        assert refused.status_code == 401  # and the page can read why
        assert refused.headers["access-control-allow-origin"] == site
        foreign = served.client.get("/v1/tasks", headers={"origin": "https://evil.example"} | KEY)
        assert foreign.status_code == 403


def test_a_site_is_named_as_browsers_name_it():
    for told in ("https://Notes.example/", "https://notes.example:443", " https://notes.example"):
        assert origin_of(told) == "https://notes.example"
    assert origin_of("http://[::1]:8080/") == "http://[::1]:8080"
    for wrong in ("*", "null", "notes.example", "https://notes.example/app", "https://*.example",
                  "https://ノート.example", "https://me@notes.example", "", "https://"):  # fmt: skip
        with pytest.raises(InputError, match="no site whose pages may ask"):
            make_site(Extractor(Paced()), origins=[wrong])
    with serving(Paced(), origins=["https://notes.example/"]) as served:
        own = {"origin": "https://notes.example"}
        answer = served.client.get("/v1/tasks", headers=own)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == own["origin"]


def test_a_request_has_an_id_in_answer_and_log(log):
    with serving(Paced()) as served:
        told = served.client.get("/health", headers={"x-request-id": "mine-1.a_b"})
        assert told.headers["x-request-id"] == "mine-1.a_b"
        made = {
            served.client.get("/health", headers={"x-request-id": bad}).headers["x-request-id"]
            for bad in ("a b", "x" * 65, "<script>", "")
        }
        assert len(made) == 4 and all(len(one) == 16 for one in made)
        served.until(lambda: len(lines(log)) == 5)
    assert {line["id"] for line in lines(log)[:5]} == made | {"mine-1.a_b"}


def test_the_log_is_json_and_has_no_texts(log):
    secret = "Ada Lovelace schrieb 手紙."
    with serving(Paced()) as served:
        served.ask(secret)
        served.ask(..., texts=[secret, "x poison " + secret])
        served.ask(5)
        served.ask(secret, task=secret)
        served.client.get(f"/{secret}?text={secret}")
        served.until(lambda: len([one for one in lines(log) if one["event"] == "request"]) == 5)
    found = [line for line in lines(log) if line["event"] == "request"]
    assert [line["status"] for line in found] == [200, 200, 422, 422, 404]
    assert found[0] | {"id": "", "seconds": 0, "time": ""} == {
        "time": "", "level": "info", "event": "request", "id": "", "method": "POST",
        "route": "/v1/extract", "status": 200, "seconds": 0, "task": "scnm-en", "texts": 1,
        "characters": len(secret),
    }  # fmt: skip
    assert found[2]["code"] == "invalid" and found[4]["route"] == "other"
    (spoiled,) = [line for line in lines(log) if line["event"] == "a batch was spoiled"]
    assert spoiled["error"] == "RuntimeError" and spoiled["level"] == "warning"
    for word in ("Ada", "手紙", "\\u624b"):
        assert word not in log.getvalue()


def test_texts_are_logged_where_that_was_asked_for(log):
    with serving(Paced(), log_texts=True) as served:
        served.ask("太郎 ran.")
        served.until(lambda: lines(log))
    assert lines(log)[0]["text"] == ["太郎 ran."]
    assert "太郎" in log.getvalue()


def test_of_what_the_worker_died_is_logged_without_the_text(log):
    with serving(Paced()) as served:
        assert served.ask("Ada broken.").status_code == 503
        served.site.worker._thread.join(10)
    died = next(line for line in lines(log) if line["event"] == "a thread died")
    assert died["error"] == "KeyError" and died["level"] == "critical"
    assert "a bug" not in log.getvalue() and "Traceback" not in log.getvalue()


def test_a_fault_of_ours_is_told_in_one_form_and_logged_without_its_message(log):
    from pointline.app.serve import api

    site = make_site(Extractor(Paced()))

    class Broken(Exception):
        pass

    def broken(*_):
        raise Broken("with a text in it")

    transport = httpx2.ASGITransport(site.app, raise_app_exceptions=False)

    async def ask():
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/v1/tasks")

    import asyncio

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "tasks_of", broken)
        answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    try:
        broken()
    except Broken:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    told = lines(log)[-1]
    assert told["error"] == "Broken" and "text in it" not in log.getvalue()
    assert told["at"][-1].endswith(" broken")

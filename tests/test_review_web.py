import json
from pathlib import Path

import pytest
from reviewed import drafts, originals

from pointline.corpus import store
from pointline.errors import InputError
from pointline.review import pairing
from pointline.review.desk import Desk
from pointline.review.queue import Queue
from pointline.review.web import Limits, make_app

HOME = "http://127.0.0.1:8765"


@pytest.fixture
def desk(tmp_path):
    store.write_records(tmp_path / "ja.jsonl", originals(4))
    store.write_records(tmp_path / "en.jsonl", drafts(4))
    with Queue(tmp_path / "review.sqlite") as queue:
        made = Desk(queue, tmp_path)
        made.open(pairing.side(tmp_path / "ja.jsonl"), pairing.side(tmp_path / "en.jsonl"))
        yield made


class Person:
    """A browser without a screen: it keeps its cookie and knows its page's token."""

    def __init__(self, desk, *, name="Mei", base=HOME, **options):
        from starlette.testclient import TestClient

        self.client = TestClient(
            make_app(desk, **options), base_url=base, follow_redirects=False,
            raise_server_exceptions=True,
        )  # fmt: skip
        if name:
            self.enter(name)

    def enter(self, name):
        page = self.client.get("/enter").text
        self.csrf = page.partition('name="csrf" content="')[2].partition('"')[0]
        return self.client.post("/enter", data={"csrf": self.csrf, "name": name, "review": "1"})

    def page(self, path):
        return self.client.get(path)

    def told(self, query=""):
        page = self.page(f"/r/1{query}").text
        return json.loads(page.partition('id="told">')[2].partition("</script>")[0])

    def ask(self, what, **values):
        return self.client.post(f"/r/1/api/{what}", json=values, headers={"x-csrf": self.csrf})


def test_a_name_is_asked_for_before_anything_is_shown(desk):
    stranger = Person(desk, name="")
    assert stranger.page("/r/1").headers["location"] == "/enter?review=1"
    assert stranger.page("/").headers["location"] == "/enter"
    entered = stranger.enter("Mei")
    assert (entered.status_code, entered.headers["location"]) == (303, "/r/1")
    assert stranger.enter(" \u202e\0 ").status_code == 422
    assert stranger.page("/r/9").status_code == 400
    assert stranger.page("/nothing").status_code == 404


def test_a_change_needs_the_token_of_our_page(desk):
    mei = Person(desk)
    item = mei.told()["item"]
    body = {"item": item["id"], "version": 0, "verdict": "accepted"}
    for headers in ({}, {"x-csrf": "0" * 64}, {"x-csrf": "naïve".encode()}):
        answer = mei.client.post("/r/1/api/decide", json=body, headers=headers)
        assert answer.status_code == 422 and "too old" in answer.json()["error"]
    answer = mei.client.post("/open", data={"draft": "en.jsonl"})
    assert answer.status_code == 400
    foreign = {"x-csrf": mei.csrf, "origin": "http://evil.example"}
    assert mei.client.post("/r/1/api/decide", json=body, headers=foreign).status_code == 403
    other = Person(desk, name="Ken")
    stolen = mei.client.post("/r/1/api/decide", json=body, headers={"x-csrf": other.csrf})
    assert stolen.status_code == 422
    assert desk.queue.find.item(item["id"]).version == 0


def test_a_forged_cookie_is_nobody(desk):
    mei = Person(desk)
    name, value = next(iter(mei.client.cookies.items()))
    body, _, signature = value.partition(".")
    for forged in (f"{body}x.{signature}", f"{body}.{signature[:-1]}0", "x", "", "é.é"):
        mei.client.cookies.clear()
        answer = mei.client.get("/r/1", headers={"cookie": f"{name}={forged}".encode()})
        assert answer.headers["location"] == "/enter?review=1", forged


def test_only_this_machine_is_served_without_a_token(desk):
    assert Person(desk, base="http://localhost:1", name="Mei").page("/").status_code == 200
    assert Person(desk, base="http://[::1]:1", name="Mei").page("/").status_code == 200
    rebound = Person(desk, base="http://evil.example:8765", name="")
    assert rebound.page("/r/1").status_code == 421
    with pytest.raises(InputError, match="needs a token"):
        make_app(desk, local=False)


def test_beyond_loopback_the_token_opens_the_door(desk):
    options = {"local": False, "token": "let-me-in", "base": "http://192.0.2.7:8765", "name": ""}
    guest = Person(desk, **options)
    for path in ("/", "/r/1", "/r/1/dataset.zip", "/r/1/decisions.csv", "/enter"):
        assert guest.page(path).headers["location"] == "/token", path
    assert guest.client.post("/r/1/api/go", json={}).status_code == 401
    assert "wrong" in guest.page("/token?key=guess").text
    assert guest.page("/r/1").status_code == 303
    assert guest.page("/token?key=let-me-in").headers["location"] == "/"
    guest.enter("Mei")
    assert guest.told()["item"]["number"] == 1
    # a cookie of another token is no good
    with_other = Person(desk, **(options | {"token": "other"}))
    with_other.client.cookies = guest.client.cookies
    assert with_other.page("/r/1").headers["location"] == "/token"


def test_behind_a_proxy_the_host_is_to_be_the_one_that_the_browser_asked_for(desk):
    base = "https://review.example.org"
    mei = Person(desk, local=False, token="let-me-in", base=base, name="")
    mei.page("/token?key=let-me-in")
    mei.enter("Mei")
    told = {"x-csrf": mei.csrf, "origin": base}
    for host, status in (("review.example.org", 200), ("10.0.0.5:8765", 403)):
        answer = mei.client.post("/r/1/api/go", json={}, headers=told | {"host": host})
        assert answer.status_code == status, host
    assert "Another site asked" in answer.text


def test_sizes_are_limited(desk):
    mei = Person(desk, limits=Limits(upload=2000, request=1000))
    assert mei.ask("comment", item=1, note="x" * 2000).status_code == 413
    file = {"draft_file": ("a.jsonl", b"x" * 3000)}
    assert mei.client.post("/open", data={"csrf": mei.csrf}, files=file).status_code == 413

    def endless():
        for _ in range(100):
            yield b"x" * 1000

    answer = mei.client.post(
        "/r/1/api/comment",
        content=endless(),
        headers={"x-csrf": mei.csrf, "content-type": "application/json"},
    )
    assert answer.status_code in (400, 413)


def test_no_path_of_a_request_reaches_the_disk(desk, tmp_path):
    (tmp_path.parent / "secret.jsonl").write_text('{"id": "1", "text": "secret"}\n')
    mei = Person(desk)
    names = ("../secret.jsonl", str(tmp_path.parent / "secret.jsonl"), "review.sqlite", "nothing")
    for name in names:
        answer = mei.client.post("/open", data={"csrf": mei.csrf, "draft": name})
        assert answer.status_code == 400 and "no such file in the folder" in answer.text, name
    for path in ("/static/..%2Fdesk.py", "/static/%2e%2e/desk.py", "/static/nothing.js"):
        assert mei.page(path).status_code == 404
    assert mei.page("/static/main.js").headers["content-type"].startswith("text/javascript")


def test_a_folder_that_cannot_be_read_is_not_offered(desk, tmp_path, monkeypatch):
    for name in ("closed", "readable"):
        (tmp_path / name).mkdir()
    store.write_records(tmp_path / "readable" / "train.jsonl", drafts(1))
    is_file, iterdir = Path.is_file, Path.iterdir

    def refused(path):
        if path.name == "closed":
            raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", lambda path: refused(path) or iterdir(path))
    monkeypatch.setattr(Path, "is_file", lambda path: refused(path.parent) or is_file(path))
    mei = Person(desk)
    page = mei.page("/")
    assert page.status_code == 200 and "readable/" in page.text and "closed" not in page.text
    assert mei.page("/r/1").status_code == 200


def test_a_flag_or_a_comment_does_not_show_the_first_decision_to_the_second(desk):
    mei, ken = Person(desk), Person(desk, name="Ken")
    desk.share = 1.0
    desk.open(pairing.side(desk.folder / "ja.jsonl"), pairing.side(desk.folder / "en.jsonl"))
    item = mei.told()["item"]
    record = {part: item["record"][part] for part in ("text", "label", "pairs", "facts")}
    values = {"record": record | {"label": "Society"}, "verdict": "accepted"}
    assert mei.ask("decide", item=item["id"], version=0, **values).status_code == 200
    seen = ken.told("?view=second")["item"]
    assert seen["second"] and seen["record"]["label"] == "Literature"
    for what in ("comment", "flag"):
        values = {"item": seen["id"], "version": seen["version"], "second": True, "note": "Hm."}
        seen = ken.ask(what, **values).json()["item"]
        assert seen["second"] and seen["record"]["label"] == "Literature", what
        assert (seen["status"], seen["events"]) == ("open", [])
        assert seen["flagged"] == (what == "flag")  # what Ken did is shown to Ken


def test_unsaved_edits_are_kept_by_queue(desk, tmp_path):
    # two queues on one port number their reviews and items alike
    with Queue(tmp_path / "other.sqlite") as queue:
        other = Desk(queue, tmp_path)
        other.open(None, pairing.side(tmp_path / "en.jsonl"))
        names = {Person(one).told()["queue"] for one in (desk, other)}
    assert len(names) == 2
    assert b"${queue} ${review}" in Person(desk).page("/static/unsaved.js").content


def test_an_upload_is_read_and_its_faults_are_told_with_the_line(desk, tmp_path):
    mei = Person(desk)
    before = sorted(tmp_path.iterdir())
    bad = {"draft_file": ("../bad.jsonl", b'{"id": "1", "text": "a"}\n{"id": 2}\n')}
    answer = mei.client.post("/open", data={"csrf": mei.csrf}, files=bad)
    assert answer.status_code == 400 and ":2: the record has no &#39;text&#39;" in answer.text
    strange = {"draft_file": ("x.parquet", b"PAR1 and nothing more")}
    assert mei.client.post("/open", data={"csrf": mei.csrf}, files=strange).status_code == 400
    alone = {"draft_file": ("<i>.jsonl", b'{"id": "1", "text": "a"}\n')}
    answer = mei.client.post("/open", data={"csrf": mei.csrf}, files=alone)
    assert answer.status_code == 303
    assert "&lt;i&gt;.jsonl" in mei.page("/").text
    again = mei.client.post("/open", data={"csrf": mei.csrf}, files=alone)
    assert again.headers["location"] == answer.headers["location"]  # the same review goes on
    assert sorted(tmp_path.iterdir()) == before
    nothing_in_common = {"source_file": ("a.jsonl", b'{"id": "9", "text": "a"}\n'), **alone}
    answer = mei.client.post("/open", data={"csrf": mei.csrf}, files=nothing_in_common)
    assert answer.status_code == 400 and "no record id is in both" in answer.text


def test_the_page_has_no_foreign_script_and_says_so(desk):
    page = Person(desk).page("/r/1")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "http" not in page.text.partition("</head>")[0]


def test_an_edit_is_refused_where_it_is_no_record(desk):
    mei = Person(desk)
    item = mei.told()["item"]
    record = {key: item["record"][key] for key in ("text", "label", "pairs", "facts")}
    work = {"item": item["id"], "version": 0}
    pair = {"label": "people", "entity": "Mio", "start": 0, "end": 3}
    for wrong, reason in (
        ({"text": 5}, "a string"),
        ({"pairs": [pair]}, "not the entity"),
        ({"pairs": [{**pair, "start": None}]}, "both"),
        ({"pairs": [{**pair, "entity": ""}]}, "empty"),
        ({"facts": [{"fields": ["a", "b"]}]}, "three or more"),
    ):
        answer = mei.ask("fix", **work, record=record | wrong)
        assert answer.status_code == 422 and reason in answer.json()["error"], wrong
    assert mei.ask("fix", **work, record={"text": "x"}).status_code == 422
    assert mei.ask("fix", item=5, version=0).status_code == 422
    assert mei.ask("decide", **work, verdict="burned").status_code == 422
    answer = mei.ask("decide", **work, verdict="accepted", record=record | {"label": "Weather"})
    assert answer.json()["problems"][0]["where"] == "label"
    assert mei.ask("comment", **work, note=" ").status_code == 422
    assert mei.ask("comment", **work, note="x" * 2001).status_code == 422
    assert mei.ask("undo").json()["error"] == "there is nothing left to undo"
    # an accepted item cannot be spoiled by a later fix
    assert mei.ask("decide", **work, verdict="accepted").status_code == 200
    spoiled = mei.ask("fix", item=item["id"], version=1, record=record | {"label": "Weather"})
    assert spoiled.status_code == 422


def test_a_stale_edit_is_answered_with_the_item_as_it_is(desk):
    mei, ken = Person(desk), Person(desk, name="Ken")
    item = mei.told()["item"]
    record = {key: item["record"][key] for key in ("text", "label", "pairs", "facts")}
    held = ken.ask("fix", item=item["id"], version=0, record=record)
    assert (held.status_code, held.json()["kind"]) == (409, "held")
    mei.ask("fix", item=item["id"], version=0, record=record | {"label": "Society"})
    mei.ask("release")
    stale = ken.ask("fix", item=item["id"], version=0, record=record)
    told = stale.json()
    assert (stale.status_code, told["kind"]) == (409, "stale")
    assert told["item"]["record"]["label"] == "Society" and told["item"]["changed_by"] == "Mei"


def test_what_no_database_can_be_asked_for_is_answered_in_one_line(desk):
    mei, huge = Person(desk), 10**30
    assert mei.page(f"/r/{huge}").status_code == 400
    assert "no item passes" in mei.page(f"/r/1/items?after={huge}").text
    assert mei.page(f"/r/1/log?before={huge}").status_code == 200
    answer = mei.ask("fix", item=huge)
    assert (answer.status_code, "there is no item" in answer.json()["error"]) == (422, True)
    assert mei.ask("go", after=huge).json()["item"]["number"] == 1
    assert mei.ask("go", wanted={"search": "x" * 100_000}).json()["item"] is None

    def half(body):
        headers = {"x-csrf": mei.csrf, "content-type": "application/json"}
        return mei.client.post("/r/1/api/go", content=body, headers=headers)

    assert half(rb'{"wanted": {"view": "", "search": "\ud800"}}').status_code == 200
    assert "there is no item" in half(rb'{"to": "\ud800x"}').json()["error"]


def test_filters_in_the_address(desk):
    mei = Person(desk)
    assert mei.told("?rule=length+ratio&n=4")["item"]["number"] == 4
    assert mei.told("?label=Nature&view=")["item"]["number"] == 4
    assert mei.told("?q=corals&view=nonsense")["item"]["number"] == 3
    assert mei.told("?view=accepted")["item"] is None
    assert mei.page("/r/1?n=nothing").status_code == 400

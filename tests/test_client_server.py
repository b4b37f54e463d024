"""What the client learns of a server: once it said so, and not before."""

import time

import pytest
from loopback import Handler, Loopback

from pointline.errors import ServerError
from pointline.model.chat.client import Client
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address
from pointline.model.chat.server import Server


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def client(server, timeout=5.0):
    return Client(Address("tiny", server.url), Limits(timeout=timeout))


class _Told(Handler):
    def do_GET(self):
        status, values = self.owner.replies[self.path.removeprefix("/v1")]
        time.sleep(self.owner.delay)
        self.send(status, values)


class Told(Loopback):
    """A server that says of itself what `replies` hold: a status and values by path."""

    handler, delay = _Told, 0.0

    def __init__(self, **replies):
        self.replies = {f"/{name}": reply for name, reply in replies.items()}


def card(owner):
    return 200, {"data": [{"id": "tiny", "owned_by": owner, "max_model_len": 99}]}


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_that_cannot_say_yet_what_it_is_is_asked_again(status):
    loading = status, {"error": {"message": "Loading model"}}
    with Told(models=loading) as server:
        one = client(server)
        for _ in range(2):
            with pytest.raises(ServerError, match=rf"not ready \({status}\): .*Loading model"):
                one.server()
        server.replies = {"/models": card("llamacpp"), "/props": loading}
        with pytest.raises(ServerError, match="not ready"):
            one.server()
        server.replies["/props"] = 200, {"default_generation_settings": {"n_ctx": 7}}
        assert one.server() == Server("llamacpp", 7)


def test_a_server_that_is_slow_or_gone_is_asked_again():
    with Told(models=card("vllm")) as server:
        one, server.delay = client(server, timeout=0.1), 0.4
        with pytest.raises(ServerError, match=r"no answer within 0\.1 s"):
            one.server()
        server.delay = 0.0
        assert one.server() == Server("vllm", 99)
        late = client(server)
    for _ in range(2):
        with pytest.raises(ServerError, match="no server answers there"):
            late.server()


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_server_that_does_not_say_what_it_is_is_another_one(status):
    refused = status, {"error": {"message": "no such thing"}}
    with Told(models=refused) as server:
        assert client(server).server() == Server()
    with Told(models=card("llamacpp"), props=refused) as server:
        assert client(server).server() == Server("llamacpp", 99)

"""A server on loopback that speaks the OpenAI protocol and behaves as a test's script says."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from loopback import Handler, Loopback


@dataclass
class Reply:
    """What the server does with one request."""

    text: str = ""
    status: int = 200
    headers: dict = field(default_factory=dict)
    delay: float = 0.0
    raw: str | None = None  # the whole body, where it is no completion
    error: dict | str | None = None
    finish: str = "stop"
    refusal: str | None = None
    tokens: list | None = None  # (token, logprob)
    usage: tuple[int, int] | None = (10, 2)


def label(value: str, **more) -> Reply:
    return Reply(json.dumps({"label": value}, ensure_ascii=False), **more)


class _Handler(Handler):
    def do_GET(self):
        models = self.owner.models
        if models is None:
            return self.send(404, {"error": {"message": "no such path"}})
        self.send(200, {"data": [m if isinstance(m, dict) else {"id": m} for m in models]})

    def do_POST(self):
        body = self.body()
        with self.owner.lock:
            number = self.owner.took(body, self.headers.get("Authorization"))
        try:
            reply = self.owner.script(body, number)
            time.sleep(reply.delay)
        finally:
            with self.owner.lock:
                self.owner.at_once -= 1
        values = completion(reply, body) if reply.error is None else {"error": reply.error}
        self.send(reply.status, values if reply.raw is None else reply.raw, reply.headers)


class ChatServer(Loopback):
    """Answers `script(body, number)`; `asked` has every request's body, `keys` its key."""

    handler = _Handler

    def __init__(self, script: Callable[[dict, int], Reply], models=("tiny",)):
        self.script, self.models = script, models
        self.asked: list[dict] = []
        self.keys: list[str | None] = []
        self.times: list[float] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def took(self, body: dict, key: str | None) -> int:
        """Count one more request."""
        self.asked.append(body)
        self.keys.append(key)
        self.times.append(time.monotonic())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        return len(self.asked)

    def texts(self) -> list[str]:
        """The texts that were asked about, one a request, in order."""
        return [json.loads(body["messages"][-1]["content"])["text"] for body in self.asked]


def completion(reply: Reply, body: dict) -> dict:
    message = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
    logprobs = None
    if reply.tokens is not None and body.get("logprobs"):
        found = [
            {"token": token, "logprob": logprob, "bytes": None, "top_logprobs": []}
            for token, logprob in reply.tokens
        ]
        logprobs = {"content": found, "refusal": None}
    usage = None
    if reply.usage is not None:
        asked, answered = reply.usage
        usage = {
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "total_tokens": asked + answered,
        }
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [
            {"index": 0, "finish_reason": reply.finish, "message": message, "logprobs": logprobs}
        ],
        "usage": usage,
    }

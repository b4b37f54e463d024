"""A server on loopback that speaks the OpenAI protocol and behaves as a test's script says."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


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


class ChatServer:
    """Answers `script(body, number)`; `asked` has every request's body, `keys` its key."""

    def __init__(self, script: Callable[[dict, int], Reply], models=("tiny",)):
        self.script, self.models = script, models
        self.asked: list[dict] = []
        self.keys: list[str | None] = []
        self.times: list[float] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle(self):
                with suppress(ConnectionResetError, json.JSONDecodeError):  # the client was killed
                    super().handle()

            def do_GET(self):
                if outer.models is None:
                    return self.send(404, {"error": {"message": "no such path"}}, {})
                cards = [name if isinstance(name, dict) else {"id": name} for name in outer.models]
                self.send(200, {"data": cards}, {})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer.lock:
                    outer.asked.append(body)
                    outer.keys.append(self.headers.get("Authorization"))
                    outer.times.append(time.monotonic())
                    number = len(outer.asked)
                    outer.at_once += 1
                    outer.most_at_once = max(outer.most_at_once, outer.at_once)
                try:
                    reply = outer.script(body, number)
                    time.sleep(reply.delay)
                finally:
                    with outer.lock:
                        outer.at_once -= 1
                values = completion(reply, body) if reply.error is None else {"error": reply.error}
                self.send(reply.status, values if reply.raw is None else reply.raw, reply.headers)

            def send(self, status, values, headers):
                sent = (values if isinstance(values, str) else json.dumps(values)).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(sent)))
                    for name, value in headers.items():
                        self.send_header(name, str(value))
                    self.end_headers()
                    self.wfile.write(sent)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # the client lost patience

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

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

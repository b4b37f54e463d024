"""A server on loopback in a thread of the test, and a backend whose pace the test sets."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import httpx2

from pointline.app.listening import listening
from pointline.app.serve import Limits, make_site
from pointline.errors import InputError
from pointline.model.backend import Completion, Request, Token, taken
from pointline.model.extract import Extractor


class Paced:
    """A streaming backend: a row takes as many steps as its text has words.

    A step waits while the test holds it. Some words make a text one that no model survives, or
    that cannot be made ready. `wide` is how many characters are a token.
    """

    name, weights, window = "paced", "", 100_000

    def __init__(self, pace: float = 0.0, *, wide: int = 1) -> None:
        self.pace, self.wide, self.steps, self.most = pace, wide, 0, 0
        self.seen: list[str] = []
        self._go = threading.Event()
        self._go.set()

    def hold(self) -> None:
        self._go.clear()

    def go_on(self) -> None:
        self._go.set()

    def count(self, text: str) -> int:
        if "sticky" in text:
            time.sleep(0.2)
        if "uncountable" in text:
            raise RuntimeError("no tokens")
        if "unthinkable" in text:
            raise KeyError("a bug")
        return len(text) // self.wide

    def complete(self, prompts, grammars=None, *, max_new_tokens=512, halts=None):
        rules = grammars or [None] * len(prompts)
        stops = halts or [None] * len(prompts)
        asked = map(Request, prompts, rules, stops)
        made = dict(self.stream(asked, batch_size=len(prompts), max_new_tokens=max_new_tokens))
        return [made[number] for number in range(len(prompts))]

    def stream(self, requests, *, batch_size, max_new_tokens=512):
        numbers, rest, more, rows = count(), iter(requests), True, {}
        while more or rows:
            group, more = taken(rest, batch_size - len(rows))
            for request in group:
                text = _text(request.prompt)
                self.seen.append(text)
                rows[next(numbers)] = [request, len(text.split())]
            self.most = max(self.most, len(rows))
            if rows:
                yield from self._step(rows)

    def _step(self, rows) -> Iterator[tuple[int, Completion]]:
        self._go.wait(30)
        time.sleep(self.pace)
        self.steps += 1
        for number, row in list(rows.items()):
            text = _text(row[0].prompt)
            _survive(text)
            row[1] -= 1
            line = f"Nature/{_word(row[0].prompt)}/:people;{text.split()[0]}"
            if row[1] <= 0 or row[0].halt("Nature/NER/"):
                del rows[number]
                tokens = (Token(1, 0, len(line), -0.1, -0.1),)
                yield number, Completion(line, tokens)


def _survive(text: str) -> None:
    if "refused" in text:
        raise InputError("the grammar is refused")
    if "poison" in text:
        raise RuntimeError("no kernel for this")
    if "broken" in text:
        raise KeyError("a bug")


def _text(prompt: str) -> str:
    return prompt.strip().split("\n")[-1].rpartition("/")[0]


def _word(prompt: str) -> str:
    return prompt.strip().rpartition("/")[2]


class Served:
    """A server that runs, a client of it, and what it runs."""

    def __init__(self, site, server, base: str) -> None:
        self.site, self.server, self.base = site, server, base
        self.port = int(base.rpartition(":")[2])
        self.client = httpx2.Client(base_url=base, timeout=30)

    def ask(self, text: str = "Ada ran.", **told):
        body = {"task": "scnm-en", "text": text} | told
        return self.client.post("/v1/extract", json={k: v for k, v in body.items() if v is not ...})

    def later(self, *args, **told) -> "Later":
        return Later(lambda: self.ask(*args, **told))

    def metric(self, name: str, headers=None) -> float:
        """The sum of a metric's values."""
        lines = self.client.get("/metrics", headers=headers).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def until(self, true, seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, "it did not come true"
            time.sleep(0.01)

    @property
    def queue(self):
        return self.site.worker.queue


class Later(threading.Thread):
    """A call in a thread; `answer()` waits for it."""

    def __init__(self, call) -> None:
        super().__init__(daemon=True)
        self._call, self._found = call, None
        self.start()

    def run(self) -> None:
        self._found = self._call()

    def answer(self):
        self.join(30)
        assert not self.is_alive()
        return self._found


@contextmanager
def serving(backend, *, tasks=(), limits: dict | None = None, **options):
    """Serve a backend on loopback until the block ends."""
    site = make_site(Extractor(backend, tasks=tasks), limits=Limits(**(limits or {})), **options)
    with listening("127.0.0.1", 0) as (bound, base):
        server = site.server()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        served = Served(site, server, base)
        try:
            yield served
        finally:
            if hasattr(backend, "go_on"):
                backend.go_on()
            served.client.close()
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()

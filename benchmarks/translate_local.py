"""Translation by a real model behind a real OpenAI-compatible server on this machine.

    python benchmarks/translate_local.py SOURCE --to ja [--limit 20] [--longest 80] [--out FOLDER]
        [--json benchmarks/results/translate_local.json]

`transformers serve` (pip install "transformers[serving]") serves the embedded model. It is a small
base model that never learned to chat, so a template turns messages into solved examples; it often
writes on until it is cut off, hence the short texts, and few of its translations survive. What is
shown is that the account is exact, and which rules caught what.

Needs the embedded model, a dataset and transformers[serving]; takes about 25 minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from machine import describe

from pointline.corpus import store
from pointline.draft.origin import origin
from pointline.draft.prompts import TranslationPrompt
from pointline.draft.translate import translate
from pointline.draft.translator import Translator
from pointline.format.record import Record
from pointline.model import embedded
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] }}\n\n"
    "{% elif message['role'] == 'user' %}Question: {{ message['content'] }}\n"
    "{% else %}Answer: {{ message['content'] }}\n\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Answer:{% endif %}"
)


@contextmanager
def served(folder: Path, work: Path) -> Iterator[str]:
    """Serve a model folder; give the server's address when it answers."""
    model = work / "model"
    model.mkdir()
    for file in folder.iterdir():
        if file.name != "generation_config.json":
            (model / file.name).symlink_to(file)
    stops = [1, 107, 108]  # the end, a line break, two: an answer is one line
    (model / "generation_config.json").write_text(json.dumps({"eos_token_id": stops}))
    (model / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("transformers")
    with (work / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [program, "serve", str(model), "--device", "cpu", "--dtype", "float32",
             "--host", "127.0.0.1", "--port", str(port)],
            stdout=log, stderr=log,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}/health", server, work / "server.log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(30)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1200):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")


def _short(source: Path, limit: int, longest: int) -> list[Record]:
    drawn = (record for _, record in origin(source))
    return list(islice((r for r in drawn if len(r.text) <= longest and r.items), limit))


def measure(
    source: Path, to: str, out: Path, work: Path, *, limit: int, longest: int
) -> dict[str, Any]:
    folder = embedded.fetch("gemma3-270m")
    store.write_records(work / "source.jsonl", _short(source, limit, longest))
    given = origin(work / "source.jsonl")
    prompt = TranslationPrompt(given.task.lang, to)
    started = time.monotonic()
    with served(folder, work) as url:
        limits = Limits(concurrency=1, timeout=600.0, attempts=2)
        who = Translator(Address(str(work / "model"), url), prompt, limits=limits)
        done = translate(given, who, out)
    told = done.to_dict()
    if told["kept"] + told["dropped"] + told["queued"] != told["records"] or done.stopped:
        raise SystemExit(f"the account is not exact: {told} {done.stopped}")
    return {
        "server": "transformers serve",
        "model": "gemma3-270m",
        "from": given.task.name,
        "to": to,
        "seconds": round(time.monotonic() - started),
        **told,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--to", default="ja")
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--longest", type=int, default=80, help="characters of a text")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        out = options.out or Path(work) / "out"
        found = measure(
            options.source, options.to, out, Path(work),
            limit=options.limit, longest=options.longest,
        )  # fmt: skip
    told = json.dumps({"machine": describe(), **found}, ensure_ascii=False, indent=2)
    print(told)
    if options.json:
        options.json.write_text(told + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

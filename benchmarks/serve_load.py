"""Load on a served model: throughput, latencies and the server's memory, by number of clients.

    python benchmarks/serve_load.py --seconds 60                      # 1, 8 and 64 clients
    python benchmarks/serve_load.py --clients 64 --seconds 600 --out serve_soak.json

The server is a process of its own (`pointline serve` on a free port of loopback), the load another
(this file with --drive): every client sends a text, waits for its answer and sends the next. The
texts are the samples of pointline with a number behind each, so that no two are alike; their tasks
are mixed. Where the queue is full a client waits as long as it is told. Memory is sampled once a
second: the server's own, and the weights that it reads in place from their file, of which more and
more rows of the vocabulary are in memory. Writes results/serve_load.json.

Needs the embedded model; takes some minutes, as `--seconds` says.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import count, cycle
from pathlib import Path

import httpx2
import machine
import numpy as np
import psutil

from pointline.app.cli_extract import samples

RESULTS = Path(__file__).parent / "results"
_PATIENCE = 600  # seconds that a client waits: longer than the server lets it


# ---------------------------------------------------------------- the load


async def drive(base: str, clients: int, seconds: float) -> dict[str, object]:
    """Ask with so many clients for so long; return what came back, and how fast."""
    texts = cycle((one.text, one.task) for one in samples())
    numbers, end = count(), time.monotonic() + seconds
    took: list[float] = []
    statuses: Counter[str] = Counter()

    async def client(session: httpx2.AsyncClient) -> None:
        while time.monotonic() < end:
            text, task = next(texts)
            body = {"text": f"{text} ({next(numbers)})", "task": task}
            begun = time.monotonic()
            try:
                answer = await session.post("/v1/extract", json=body)
            except httpx2.TransportError as error:
                statuses[type(error).__name__] += 1
                continue
            right = answer.status_code == 200 and answer.json()["results"][0].get("ok")
            statuses["ok" if right else str(answer.status_code)] += 1
            if right:
                took.append(time.monotonic() - begun)
            elif answer.status_code == 429:
                await asyncio.sleep(float(answer.headers["retry-after"]))

    limits = httpx2.Limits(max_connections=clients)
    async with httpx2.AsyncClient(base_url=base, timeout=_PATIENCE, limits=limits) as session:
        begun = time.monotonic()
        await asyncio.gather(*(client(session) for _ in range(clients)))
        lasted = time.monotonic() - begun
    low, high, most = np.percentile(took, [50, 95, 99]) if took else (0, 0, 0)
    return {
        "clients": clients,
        "seconds": round(lasted, 1),
        "answers": dict(statuses),
        "texts_per_s": round(len(took) / lasted, 2),
        "p50_s": round(float(low), 3),
        "p95_s": round(float(high), 3),
        "p99_s": round(float(most), 3),
    }


# ---------------------------------------------------------------- the server


class Served:
    """A server process, its processor time and memory."""

    def __init__(self, options: list[str], threads: int) -> None:
        command = [sys.executable, "-m", "pointline", "serve", "--port", "0"]
        command += options
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        said = self.process.stdout.readline()
        self.base = next(word for word in said.split() if word.startswith("http"))
        self._seen = psutil.Process(self.process.pid)

    def cpu(self) -> float:
        times = self._seen.cpu_times()
        return times.user + times.system

    def memory(self) -> tuple[float, float]:
        """MiB of its own, and MiB of files that it reads in place, as far as they were read."""
        seen = self._seen.memory_info()
        return (seen.rss - seen.shared) / 2**20, seen.shared / 2**20

    def counts(self) -> dict[str, float]:
        text = httpx2.get(f"{self.base}/metrics").text
        lines = (line.rpartition(" ") for line in text.splitlines() if line[:1] != "#")
        return {name: float(value) for name, _, value in lines}


def measure(served: Served, clients: int, seconds: float) -> dict[str, object]:
    cpu, before = served.cpu(), served.counts()
    command = [sys.executable, __file__, "--drive", served.base]
    command += ["--clients", str(clients), "--seconds", str(seconds)]
    load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    memory = [served.memory()]
    while load.poll() is None:
        time.sleep(1)
        memory.append(served.memory())
    row = json.loads(load.stdout.read())
    after = served.counts()
    texts = max(1, row["answers"].get("ok", 0))
    tokens = after["pointline_tokens_total"] - before["pointline_tokens_total"]
    row["cpu_s_per_text"] = round((served.cpu() - cpu) / texts, 3)
    row["tokens_per_text"] = round(tokens / texts, 1)
    own, mapped = zip(*memory, strict=True)
    return row | {"memory_mib": memory_of(own), "mapped_mib": memory_of(mapped)}


def memory_of(samples: Sequence[float]) -> dict[str, object]:
    """Say how memory went: at the ends, at most, and its trend in the second half (MiB/minute)."""
    half = samples[len(samples) // 2 :]
    trend = float(np.polyfit(range(len(half)), half, 1)[0]) * 60 if len(half) > 2 else 0.0
    every = max(1, len(samples) // 60)
    return {
        "first": round(samples[0], 1),
        "last": round(samples[-1], 1),
        "most": round(max(samples), 1),
        "per_minute": round(trend, 2),
        "samples": [round(value, 1) for value in samples[::every]],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=60, help="of each number of clients")
    parser.add_argument("--warm", type=float, default=5, help="seconds before, with 8 clients")
    parser.add_argument("--threads", type=int, default=2, help="of the server's model")
    parser.add_argument("--out", default="serve_load.json", help="the file in results/")
    parser.add_argument("--drive", help=argparse.SUPPRESS)
    parser.add_argument("options", nargs="*", help="of pointline serve, behind --")
    told = parser.parse_args()
    if told.drive:
        print(json.dumps(asyncio.run(drive(told.drive, told.clients[0], told.seconds))))
        return
    served = Served(told.options, told.threads)
    report = {"machine": machine.describe(), "threads": told.threads, "options": told.options}
    report |= {
        "load_average": psutil.getloadavg()[0],
        "idle_mib": [round(part, 1) for part in served.memory()],
    }
    try:
        measure(served, 8, told.warm)
        report["rows"] = []
        for clients in told.clients:
            report["rows"].append(measure(served, clients, told.seconds))
            print(json.dumps(report["rows"][-1]), flush=True)
            (RESULTS / told.out).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    finally:
        served.process.terminate()
        served.process.wait(60)
        served.process.stdout.close()


if __name__ == "__main__":
    main()

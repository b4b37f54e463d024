"""`pointline batch` where a text and we kill its workers, and two workers against one.

    python benchmarks/batch_kills.py [--texts 100000] [--waits 8000] [--model-texts 12]
        [--json benchmarks/results/batch_kills.json]

The first part has a scripted backend: the machinery is what is tried. One text in the middle ends
its process by SIGKILL, as running out of memory would. A worker is killed from outside, and then
the process that gives out the work; the same call goes on. Every text must have one result, but
for the one, and what is done must not be done again: the backend writes down what it is asked.

The second part has a backend that waits instead of working (50 ms a batch, as for a GPU or a
server), so that two workers can be seen beside one on a busy machine. In the third part it is the
embedded model, one thread a worker: processor seconds are what to compare.

Needs the embedded model for its third part; takes about 20 minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from machine import describe

from pointline.app.batch.ask import Ask
from pointline.app.batch.load import Loader
from pointline.app.batch.run import Summary, batch
from pointline.app.cli_extract import samples
from pointline.model.backend import Completion, Scripted
from pointline.model.extract import Extractor, Options

WAIT = 0.05  # seconds a batch
POISON = "this text ends its process"


@dataclass(frozen=True)
class Noting(Scripted):
    """A scripted backend that writes down what it is asked, and dies of one text."""

    notes: Path | None = None

    def complete(self, prompts: Sequence[str], *rest: Any, **more: Any) -> list[Completion]:
        if self.notes:
            with (self.notes / str(os.getpid())).open("a", encoding="utf-8") as file:
                file.write("".join(prompts))
        if any(POISON in prompt for prompt in prompts):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().complete(prompts, *rest, **more)


class Waiting(Scripted):
    def complete(self, prompts: Sequence[str], *rest: Any, **more: Any) -> list[Completion]:
        time.sleep(WAIT)
        return super().complete(prompts, *rest, **more)


def answer(prompt: str) -> str:  # noqa: ARG001
    return "Nature/NER/:person;Ada"


def load_noting(notes: Path, device: str | None = None) -> Extractor:  # noqa: ARG001
    return Extractor(Noting(answer, notes=notes), Options(constrained=False))


def load_waiting(device: str | None = None) -> Extractor:  # noqa: ARG001
    return Extractor(Waiting(answer), Options(constrained=False))


# ---------------------------------------------------------------- the machinery


def kills(texts: int, work: Path) -> dict[str, Any]:
    poisoned = texts // 2 + 7
    with (work / "texts.jsonl").open("w", encoding="utf-8") as file:
        for at in range(texts):
            said = POISON if at == poisoned else "Ada 数えた 星 🌳"
            file.write(json.dumps({"id": str(at), "text": f"{at} {said}"}) + "\n")
    (work / "notes").mkdir()
    before = _shards(work)
    first = _begun(work, texts)
    _wait(lambda: _done(work, texts) > 0.2)
    killed = random.Random(0).choice(_workers(first.pid))
    os.kill(killed, signal.SIGKILL)
    _wait(lambda: _done(work, texts) > 0.7)
    first.kill()
    first.wait()
    time.sleep(1)
    kept = _shards(work)
    last = _begun(work, texts, stdout=subprocess.PIPE)
    told = json.loads(last.communicate()[0])
    rows = [row for file in sorted(kept | _shards(work).keys()) for row in _rows(file)]
    wrong = [row for row in rows if row["error"]]
    asked = Counter(
        line.split(" ", 1)[0]
        for file in (work / "notes").iterdir()
        for line in file.read_text(encoding="utf-8").splitlines()
        if line[:1].isdigit()
    )
    after = _shards(work)
    result = {
        "texts": texts,
        "results": sum(row["error"] is None for row in rows),
        "errors": len(wrong),
        "the error": wrong[0]["error"],
        "every id once, in order": [row["id"] for row in rows] == list(map(str, range(texts))),
        "workers killed by the text": _deaths(work) - 1,
        "workers killed from outside": 1,
        "givers of work killed": 1,
        "shards": len(after),
        "shards before the last call": len(kept) - len(before),
        "of those written again": sum(after[file] != kept[file] for file in kept),
        "texts asked more than once": sum(count > 1 for count in asked.values()),
        "of those the poisoned one": asked[str(poisoned)],
        "workers' processor seconds": told["workers' processor seconds"],
        "most memory of a worker, MB": told["memory"],
    }
    right = (
        result["results"] == texts - 1
        and result["errors"] == 1
        and result["every id once, in order"]
        and result["of those written again"] == 0
        and wrong[0]["row"] == poisoned + 1
    )
    if not right:
        raise SystemExit(f"not as it must be: {result}")
    return result


def one_run(work: Path, texts: Path, shard_rows: int) -> None:
    """The child: a run of two workers, its summary as JSON."""
    done = batch(
        [texts], work / "out", partial(load_noting, work / "notes"), Ask("scnm-en"), workers=2,
        shard_rows=shard_rows,
    )  # fmt: skip
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps(done.to_dict() | {"memory": round(memory)}))


def _begun(work: Path, texts: int, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, "--child", str(work), str(work / "texts.jsonl"),
               str(_shard_rows(texts))]  # fmt: skip
    return subprocess.Popen(command, **options)


def _shard_rows(texts: int) -> int:
    return max(10, texts // 100)


def _done(work: Path, texts: int) -> float:
    return len(_shards(work)) * _shard_rows(texts) / texts


def _shards(work: Path) -> dict[Path, float]:
    return {path: path.stat().st_mtime for path in (work / "out").glob("shards/part-*.parquet")}


def _rows(file: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(file, columns=["id", "row", "error"]).to_pylist()
    return rows


def _deaths(work: Path) -> int:
    lines = (work / "out" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return sum(json.loads(line)["event"] == "died" for line in lines)


def _workers(giver: int) -> list[int]:
    children = Path(f"/proc/{giver}/task/{giver}/children").read_text().split()
    return [
        int(child) for child in children
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]  # fmt: skip


def _wait(until: Any) -> None:
    while not until():
        time.sleep(0.02)


# ---------------------------------------------------------------- one worker, two workers


def waits(texts: int, work: Path) -> dict[str, Any]:
    file = work / "waits.txt"
    file.write_text("".join(f"Ada {at}\n" for at in range(texts)), encoding="utf-8")
    seconds = {}
    for workers in (1, 2):
        _, seconds[workers] = _timed(file, work / f"waits-{workers}", load_waiting, workers)
    return {
        "texts": texts,
        "seconds at work": {str(workers): round(took, 2) for workers, took in seconds.items()},
        "one worker over two": round(seconds[1] / seconds[2], 3),
    }


def embedded(texts: int, work: Path) -> dict[str, Any]:
    file = work / "samples.jsonl"
    _repeated(file, "scnm-en", texts)
    os.environ["OMP_NUM_THREADS"] = "1"  # a thread that waits for others is busy, too
    told, made = {}, []
    for workers in (1, 2):
        done, took = _timed(
            file, work / f"embedded-{workers}", Loader(), workers, shard_rows=-(-texts // 2)
        )
        spent = done.tally.processor_seconds
        told[str(workers)] = {
            "processor seconds a text": round(spent / texts, 3),
            "seconds at work": round(took, 1),
        }
        shards = sorted((work / f"embedded-{workers}" / "shards").iterdir())
        made.append([row for shard in shards for row in pq.read_table(shard).to_pylist()])
    same = sum(a["completion"] == b["completion"] for a, b in zip(*made, strict=True))
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "texts": texts,
        "workers": told,
        "same completions": same,
        "most memory of a worker, MB": round(memory),
    }


def _repeated(file: Path, task: str, texts: int) -> None:
    given = [record.text for record in samples() if record.task == task]
    with file.open("w", encoding="utf-8") as out:
        for at in range(texts):
            out.write(json.dumps({"text": given[at % len(given)]}) + "\n")


def _timed(
    file: Path, out: Path, load: Any, workers: int, shard_rows: int = 1000
) -> tuple[Summary, float]:
    """Run, and time it from when the first rows are done: without the loading of the model."""
    begun: list[float] = []
    done = batch(
        [file], out, load, Ask("scnm-en"), workers=workers, shard_rows=shard_rows,
        progress=lambda now: begun.append(time.monotonic()) if now.stage == "extracting" else None,
    )  # fmt: skip
    return done, time.monotonic() - begun[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=100_000, help="0 leaves it out")
    parser.add_argument("--waits", type=int, default=8000)
    parser.add_argument("--model-texts", type=int, default=12)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs=3)
    options = parser.parse_args()
    if options.child:
        work, texts, shard_rows = options.child
        one_run(Path(work), Path(texts), int(shard_rows))
        return
    result: dict[str, Any] = {"machine": describe()}
    if options.json and options.json.exists():  # a part that is left out keeps its numbers
        result = json.loads(options.json.read_text(encoding="utf-8")) | result
    parts = {"kills": (kills, options.texts), "waits": (waits, options.waits),
             "embedded": (embedded, options.model_texts)}  # fmt: skip
    with tempfile.TemporaryDirectory() as work:
        for name, (measure, texts) in parts.items():
            if not texts:
                continue
            result[name] = measure(texts, Path(work))
            if options.json:
                options.json.write_text(_told(result) + "\n", encoding="utf-8")
    print(_told(result))


def _told(result: dict[str, Any]) -> str:
    return json.dumps(result, ensure_ascii=False, indent=2)


if __name__ == "__main__":
    main()

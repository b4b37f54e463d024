"""Texts for batch runs, and extractors that answer by script: some texts kill who reads them.

What is given to worker processes is of a module, so that `spawn` finds it.
"""

import os
import resource
import signal
import time
from contextlib import suppress
from pathlib import Path

import orjson
import pyarrow.parquet as pq

from pointline.app.batch.ask import Ask
from pointline.app.batch.pool import Event
from pointline.app.batch.work import Worker, shard_file
from pointline.errors import ModelError, ServerError
from pointline.model.backend import Scripted
from pointline.model.extract import Extractor, Options

ASK = Ask("scnm-en")


def answer(prompt):
    if "POISON" in prompt:
        os.kill(os.getpid(), signal.SIGKILL)
    if "BROKEN" in prompt:
        raise KeyError("a fault of a program")
    if "UNANSWERED" in prompt:
        raise ModelError("no answer to this text")
    if "AWAY" in prompt:
        raise ServerError("the server went away: start it again")
    if "SLOW" in prompt:
        time.sleep(0.05)
    items = "".join(f":person;{name}" for name in ("Ada", "紫式部", "李白🌳") if name in prompt)
    return f"Nature/NER/{items}"


def load(device=None):
    return Extractor(Scripted(answer), Options(constrained=False))


def load_refusing(device=None):
    return Extractor(Scripted(answer), Options(constrained=False, long="refuse", window=64))


def load_another(device=None):
    return Extractor(Scripted(answer, weights="others"), Options(constrained=False))


def load_counting(asked=None):
    """What loads an extractor that adds a byte to a file for each text it is asked for."""

    def load(device=None, answer=answer):
        def counted(prompt):
            if asked:
                with asked.open("ab") as file:
                    file.write(b".")
            return answer(prompt)

        return Extractor(Scripted(counted), Options(constrained=False))

    return load


def load_never(device=None):
    os.kill(os.getpid(), signal.SIGKILL)


def lines(path: Path, texts, **more):
    """Write texts as JSONL, with ids from 0."""
    rows = [{"id": f"t{at}", "text": text} | more for at, text in enumerate(texts)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def results(folder: Path):
    """The results of a run, shard by shard."""
    return [
        row
        for file in sorted((folder / "shards").iterdir())
        for row in pq.read_table(file).to_pylist()
    ]


def shards_there(folder: Path) -> int:
    number = 0
    while shard_file(folder, number).exists():
        number += 1
    return number


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def here(job, shards):
    """Do the shards in this process."""
    worker = Worker(job)
    for number in shards:
        yield Event("done", number, tally=worker.do(number))


def replaced(job, shards):
    """Do the shards in this process, by a new worker where the last ended by a fault not ours."""
    waiting = list(shards)
    for _ in range(100):
        with suppress(KeyError):
            for event in here(job, tuple(waiting)):
                waiting.remove(event.shard)
                yield event
            return


def load_with_little_room(device=None):
    """An extractor in a process that may write no file of more than 20,000 bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    return load()


def load_noting_threads(file, device=None):
    """An extractor in a process that writes down how many threads it may use."""
    file.write_text(os.environ.get("OMP_NUM_THREADS", ""))
    return load()

"""Workers and runs that are killed: nothing is lost but what was in hand, nothing is done twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batched import (
    ASK,
    gone,
    lines,
    load,
    load_never,
    results,
    shards_there,
)

from pointline.app.batch.run import batch
from pointline.corpus.textrow import Columns
from pointline.errors import ModelError
from pointline.model.runfolder import RunFolder

HERE = str(Path(__file__).parent)


def test_a_text_that_kills_its_worker_is_one_error_and_the_others_survive(tmp_path):
    texts = [f"Ada {at}" for at in range(60)]
    texts[17], texts[41] = "POISON", "BROKEN"
    done = batch(
        [lines(tmp_path / "a.jsonl", texts)], tmp_path / "out", load, ASK,
        workers=2, shard_rows=30, batch_size=1,
    )  # fmt: skip
    found = results(tmp_path / "out")
    assert [row["row"] for row in found] == list(range(1, 61))
    killed, broken = (found[at] for at in (17, 41))
    assert [row["row"] for row in found if row["error"]] == [18, 42]
    assert killed["fault"] == broken["fault"] == "killed" and killed["text"] == "POISON"
    assert killed["error"].endswith("killed, or out of memory")
    assert broken["error"].endswith("KeyError: 'a fault of a program'")
    assert done.deaths == 6 and done.tally.rows == 60
    died = RunFolder(tmp_path / "out").events("died")
    assert {event["reason"] for event in died} == {"killed by SIGKILL", "with the exit code 1"}


def test_a_worker_that_is_killed_from_outside_is_replaced_and_no_text_is_blamed(tmp_path):
    killed, seen = [], []

    def told(progress):
        seen.append(progress)
        if progress.stage == "extracting" and progress.done >= 8 and not killed:
            (worker,) = _children(os.getpid())
            killed.append(worker)
            os.kill(worker, signal.SIGKILL)

    texts = [f"Ada SLOW {at}" for at in range(32)]
    done = batch(
        [lines(tmp_path / "a.jsonl", texts)], tmp_path / "out", load, ASK,
        workers=1, shard_rows=32, batch_size=1, progress=told,
    )  # fmt: skip
    assert killed and (done.deaths, done.tally.errors) == (1, 0)
    assert [row["text"] for row in results(tmp_path / "out")] == texts
    counts = [one.done for one in seen if one.stage == "extracting"]
    assert counts == sorted(counts) and counts[-1] == 32 and seen[-1].deaths == 1


def test_a_run_that_is_killed_goes_on_where_it_was(tmp_path):
    file = lines(tmp_path / "a.jsonl", [f"Ada SLOW {at}" for at in range(80)])
    out = tmp_path / "out"
    code = (
        "from batched import *\nfrom pointline.app.batch.run import batch\n"
        f"if __name__ == '__main__': batch([{str(file)!r}], {str(out)!r}, load, ASK, workers=2,"
        " shard_rows=16, batch_size=1)"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    path = os.pathsep.join([HERE, *sys.path])
    first = subprocess.Popen([sys.executable, script], env=os.environ | {"PYTHONPATH": path})
    _wait(lambda: shards_there(out) >= 1)
    workers = _children(first.pid)
    first.kill()
    first.wait()
    _wait(lambda: all(map(gone, workers)))
    whole = {p.name: p.read_bytes() for p in (out / "shards").glob("part-*.parquet")}
    assert len(workers) >= 2 and 1 <= len(whole) < 5
    done = batch([file], out, load, ASK, workers=1, shard_rows=16, batch_size=1)
    assert done.made == 5 - len(whole) and done.deaths == 0
    assert all((out / "shards" / name).read_bytes() == data for name, data in whole.items())
    assert [row["id"] for row in results(out)] == [f"t{at}" for at in range(80)]
    assert not [p for p in out.rglob("*") if ".part" in p.name]


def test_workers_that_never_begin_end_the_run(tmp_path):
    with pytest.raises(
        ModelError, match="3 workers ended before they were ready, killed by SIGKILL"
    ):
        batch([lines(tmp_path / "a.jsonl", ["Ada"])], tmp_path / "out", load_never, ASK)


def test_a_worker_that_cannot_load_its_model_says_why(tmp_path):
    from pointline.app.batch.load import Loader

    with pytest.raises(ModelError, match="no model"):
        batch(
            [lines(tmp_path / "a.jsonl", ["Ada"])], tmp_path / "out", Loader("./none"), ASK,
            columns=Columns(), workers=2,
        )  # fmt: skip


def test_the_benchmark_of_kills_holds_at_a_small_size():
    script = Path(HERE).parent / "benchmarks" / "batch_kills.py"
    command = [sys.executable, script, "--texts", "400", "--waits", "0", "--model-texts", "0"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    found = json.loads(told.stdout)["kills"]
    assert (found["results"], found["errors"], found["of those written again"]) == (399, 1, 0)
    assert found["every id once, in order"]


def _children(process: int) -> list[int]:
    """The worker processes of a run; its resource tracker is none."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
            command = (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == process and b"spawn_main" in command:
            found.append(int(stat.parent.name))
    return found


def _wait(until, seconds=90):
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)

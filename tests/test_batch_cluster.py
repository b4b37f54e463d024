"""A batch run on a Ray cluster of this machine: the same results, also where a text kills."""

import importlib.util
import os
from functools import partial
from pathlib import Path

import pytest
from batched import ASK, lines, load, results
from batched import here as here_

from pointline.app import cluster
from pointline.app.batch.ask import Ask
from pointline.app.batch.run import batch
from pointline.app.cluster import shards
from pointline.errors import InputError, ModelError

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs pointline[cluster]"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]


def test_two_workers_of_a_cluster_do_a_run_with_a_text_that_kills(tmp_path, monkeypatch):
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]))
    texts = [f"Ada {at}" for at in range(40)]
    texts[13] = "POISON"
    file, out = lines(tmp_path / "a.jsonl", texts), tmp_path / "out"
    workers = partial(shards, address="local", workers=2)
    done = batch([file], out, load, ASK, workers=workers, shard_rows=10, batch_size=1)
    assert (done.made, done.tally.rows, done.tally.errors) == (4, 40, 1)
    found = results(out)
    assert [row["id"] for row in found] == [f"t{at}" for at in range(40)]
    assert [(row["row"], row["fault"]) for row in found if row["error"]] == [(14, "killed")]
    (out / "shards" / "part-000002.parquet").unlink()
    again = batch([file], out, load, ASK, workers=here_, shard_rows=10)  # without Ray it goes on
    assert again.made == 1 and results(out) == found


def test_an_actor_tells_in_words_what_ends_a_run(tmp_path):
    """What Ray raises for an actor's error does not carry it."""

    def through(job, numbers):
        actor = cluster._Shards(job, 2)
        for number in numbers:
            made = actor({"shard": [number]})
            yield cluster._event({"shard": made["shard"][0], "done": made["done"][0]})

    file, out = lines(tmp_path / "a.jsonl", ["Ada", "AWAY"]), tmp_path / "out"
    with pytest.raises(InputError, match="scnm-xx"):
        batch([file], out, load, Ask("scnm-xx"), workers=through)
    with pytest.raises(ModelError, match="the server went away: start it again"):
        batch([file], out, load, ASK, workers=through, shard_rows=1)
    assert len(results(out)) == 1
    (out / "work" / "loading").write_bytes(b"..")
    with pytest.raises(ModelError, match="3 workers began to load the model, and none got through"):
        batch([file], out, load, ASK, workers=through, shard_rows=1)

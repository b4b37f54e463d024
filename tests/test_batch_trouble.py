"""A batch run where the model is dead, or the disk full: it ends, and no text is blamed for it."""

import errno
import os
from pathlib import Path

import orjson
import pytest
from batched import (
    ASK,
    here,
    lines,
    load,
    load_counting,
    load_with_little_room,
    replaced,
    results,
)
from chat_server import ChatServer, Reply

from pointline.app.batch.journal import Journal
from pointline.app.batch.load import Loader
from pointline.app.batch.run import batch
from pointline.app.batch.work import journal_file
from pointline.corpus import recordfile
from pointline.errors import InputError, ModelError
from pointline.model.chat.limits import Limits
from pointline.model.extract import Options
from pointline.model.runfolder import RunFolder

DEAD = "25 texts in a row without an answer: no answer to this text"


def run(inputs, out, loading=load, **options):
    options = {"workers": here, "shard_rows": 4, "batch_size": 2} | options
    return batch(inputs, out, loading, ASK, **options)


# ---------------------------------------------------------------- a dead model


@pytest.mark.parametrize("shard_rows", [1, 10, 24, 26])
def test_a_dead_model_ends_the_run_however_small_the_shards_are(tmp_path, shard_rows):
    file, out = lines(tmp_path / "a.jsonl", ["UNANSWERED"] * 60), tmp_path / "out"
    with pytest.raises(ModelError, match=DEAD):
        run([file], out, shard_rows=shard_rows)
    assert not (out / "shards").exists() and not (out / "metrics.json").exists()
    mended = run([file], out, _load_mended, shard_rows=shard_rows)
    assert (mended.tally.rows, mended.tally.errors) == (60, 0)


def test_a_model_that_dies_in_the_middle_leaves_none_of_its_faults_among_the_results(tmp_path):
    """Also where fewer than 25 texts are left when it dies: those before it are tried again."""
    file, out = lines(tmp_path / "a.jsonl", [f"Ada {at}" for at in range(60)]), tmp_path / "out"
    with pytest.raises(ModelError, match=DEAD):
        run([file], out, _load_dying, shard_rows=10)
    assert len(results(out)) == 50 and all(row["error"] is None for row in results(out))
    assert Journal(journal_file(out, 5)).done == 4
    assert run([file], out, shard_rows=10).tally.errors == 0
    with pytest.raises(ModelError, match=DEAD):
        run([file], tmp_path / "one", _load_dying, shard_rows=60)
    assert Journal(journal_file(tmp_path / "one", 0)).done == 54


def test_rows_that_cannot_be_read_do_not_hide_a_dead_model(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_bytes((b'{"text": "UNANSWERED"}\n' * 20 + b"{\n") * 5)
    for shard_rows in (1000, 7):
        with pytest.raises(ModelError, match=DEAD):
            run([file], tmp_path / f"out-{shard_rows}", shard_rows=shard_rows)


def test_texts_at_the_end_of_a_shard_are_errors_when_the_model_answers_another(tmp_path):
    texts = ["Ada", *["UNANSWERED"] * 3, *["Ada"] * 4, *["UNANSWERED"] * 4]
    asked = tmp_path / "asked"
    file, out = lines(tmp_path / "a.jsonl", texts), tmp_path / "out"
    done = run([file], out, load_counting(asked))
    assert done.tally.errors == 7 and done.tally.faults == {"model-error": 7}
    assert [row["row"] for row in results(out) if row["error"]] == [2, 3, 4, 9, 10, 11, 12]
    assert asked.stat().st_size == 12 + 2 + 6  # another text twice, and batches that were halved
    few = run([lines(tmp_path / "b.jsonl", ["UNANSWERED"] * 20)], tmp_path / "few")
    assert few.tally.errors == 20  # fewer than 25 are all there is: nothing else can be asked


def test_many_bad_texts_in_two_shards_are_errors_where_the_model_lives(tmp_path):
    texts = [*["UNANSWERED"] * 20, *["Ada"] * 5, *["UNANSWERED"] * 20, "Ada", "UNANSWERED"]
    done = run([lines(tmp_path / "a.jsonl", texts)], tmp_path / "out", shard_rows=35)
    assert done.tally.errors == 41
    with pytest.raises(ModelError, match=DEAD):  # 25 in a row are, wherever a shard ends
        run([lines(tmp_path / "b.jsonl", [*["UNANSWERED"] * 20, *texts])], tmp_path / "row",
            shard_rows=15)  # fmt: skip


def test_a_server_that_dies_in_the_middle_of_the_last_shard_leaves_no_errors(tmp_path):
    """Its answers are kept, but what it is asked to see whether it lives is asked anew."""
    texts, alive = [f"Ada {at}" for at in range(40)], [30]

    def script(body, number):
        alive[0] -= 1
        if alive[0] < 0:
            return Reply(status=400, error={"message": "out of order"})
        return Reply("Nature/NER/:person;Ada")

    file, out = lines(tmp_path / "a.jsonl", texts), tmp_path / "out"
    with ChatServer(script) as server:
        loader = Loader(
            f"openai:tiny@{server.url}",
            options=Options(constrained=False),
            limits=Limits(concurrency=1),  # so that no answer comes after the first fault
        )
        with pytest.raises(
            ModelError, match=r"25 texts in a row without an answer: .*out of order"
        ):
            run([file], out, loader, shard_rows=100)
        assert Journal(journal_file(out, 0)).done == 30
        alive[0] = 100
        done = run([file], out, loader, shard_rows=100)
    assert (done.tally.rows, done.tally.errors) == (40, 0)


def test_a_text_is_not_blamed_where_the_answer_of_another_came_after_the_server_died(tmp_path):
    """Of texts that are asked at once, the first without an answer may be the server's fault."""
    texts, seen, dead = [f"Ada {at}." for at in range(40)], set(), [True]

    def script(body, number):
        asked = body["messages"][-1]["content"]
        text = next(at for at, text in enumerate(texts) if text in asked)
        again, _ = text in seen, seen.add(text)
        if dead[0] and (again or text == 21 or text > 22):
            return Reply(status=400, error={"message": "out of order"})
        return Reply("Nature/NER/:person;Ada")

    file, out = lines(tmp_path / "a.jsonl", texts), tmp_path / "out"
    with ChatServer(script) as server:
        loader = Loader(f"openai:tiny@{server.url}", options=Options(constrained=False))
        with pytest.raises(ModelError, match="25 texts in a row without an answer"):
            run([file], out, loader, shard_rows=100)
        assert Journal(journal_file(out, 0)).done == 21
        dead[0] = False
        done = run([file], out, loader, shard_rows=100)
    assert (done.tally.rows, done.tally.errors) == (40, 0)


def test_texts_that_kill_in_several_shards_end_the_run_and_are_not_results(tmp_path):
    file, out = lines(tmp_path / "a.jsonl", ["Ada", *["BROKEN"] * 30]), tmp_path / "out"
    with pytest.raises(ModelError, match="10 texts in a row ended their workers: KeyError"):
        run([file], out, workers=replaced, shard_rows=3)
    assert not (out / "shards").exists()
    assert Journal(journal_file(out, 0)).done == 1
    done = run([file], out, _load_mended, workers=replaced, shard_rows=3)
    assert (done.tally.rows, done.tally.errors) == (31, 0)


def test_a_text_that_kills_is_tried_once_for_another_shard_and_costs_only_itself(tmp_path):
    texts = ["UNANSWERED", "UNANSWERED", "BROKEN", "Ada", "Ada", "Ada"]
    done = run(
        [lines(tmp_path / "a.jsonl", texts)], tmp_path / "out", workers=replaced, shard_rows=2
    )
    assert done.tally.faults == {"model-error": 2, "killed": 1}
    assert [row["row"] for row in results(tmp_path / "out") if row["error"]] == [1, 2, 3]


def test_a_journal_keeps_the_streak_and_what_was_tried(tmp_path):
    path = tmp_path / "0.jsonl"
    failed = {"fault": "model-error", "error": "none"}
    with Journal(path) as journal:
        journal.add([{"error": None}, failed, {"fault": "not-json", "error": "x"}, failed])
        journal.probe()
        journal.probed("no-answer", "nor this")
        journal.probe()  # and it leaves of its own will
    found = Journal(path)
    assert (found.done, found.streak.failed, found.streak.sound, found.probes) == (4, 3, 1, 1)
    assert found.streak.last == "nor this"
    with pytest.raises(KeyError), Journal(path) as journal:
        journal.probe()
        raise KeyError("gone")
    found = Journal(path)
    assert (found.streak.failed, found.streak.killed, found.probes) == (4, 1, 2)
    assert found.reason == "KeyError: 'gone'"
    with found as journal:
        journal.probe()
        journal.probed()
    found = Journal(path)
    assert (found.streak.failed, found.streak.killed, found.streak.sound) == (0, 0, 4)
    assert orjson.loads(path.read_bytes().splitlines()[-1]) == {"left": True}


def _load_mended(device=None):
    return load_counting()(device, answer=lambda prompt: "Nature/NER/")


def _load_dying(device=None):
    """A model that answers 54 texts and then none."""
    left = [54]

    def answer(prompt):
        left[0] -= 1
        if left[0] < 0:
            raise ModelError("no answer to this text")
        return "Nature/NER/"

    return load_counting()(device, answer=answer)


# ---------------------------------------------------------------- no room


def test_a_full_disk_is_told_at_once_and_blames_no_text(tmp_path, capfd):
    """A limit to a file's size stands for the disk: it is met where the journal is written."""
    file = lines(tmp_path / "a.jsonl", [f"Ada {at} " + "x" * 100 for at in range(60)])
    out = tmp_path / "out"
    with pytest.raises(InputError) as error:
        batch([file], out, load_with_little_room, ASK, workers=1, shard_rows=60, batch_size=1)
    told = "cannot be written (File too large): make room there, and run the same again"
    assert str(error.value) == f"{out / 'work'}: {told}"
    assert "Traceback" not in capfd.readouterr().err
    assert not RunFolder(out).events("died")
    journal = Journal(journal_file(out, 0))
    assert 0 < journal.done < 60 and (journal.suspects, journal.deaths) == (0, 0)
    done = run([file], out, shard_rows=60)
    assert (done.tally.rows, done.tally.errors) == (60, 0)


@pytest.mark.parametrize("met", ["mkdir", "write", "model"])
def test_what_cannot_be_written_names_the_folder_and_the_remedy(tmp_path, monkeypatch, met):
    """Where a shard's folder is made, where its file is written, where the model keeps answers."""
    file, out = lines(tmp_path / "a.jsonl", ["Ada"] * 3), tmp_path / "out"

    def nowhere(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def load_full(device=None):
        return load_counting()(device, answer=nowhere)

    with monkeypatch.context() as patched:
        if met == "mkdir":
            patched.setattr(recordfile, "_clear_up", nowhere)
        if met == "write":
            patched.setattr("pyarrow.parquet.ParquetWriter.write_table", nowhere)
        with pytest.raises(InputError, match=r"\(No space left on device\): make room") as error:
            run([file], out, load_full if met == "model" else load)
    assert str(error.value).startswith(str(out / ("work" if met == "model" else "shards")))
    assert Journal(journal_file(out, 0)).done == (0 if met == "model" else 3)
    assert run([file], out).tally.errors == 0


def test_a_journal_that_cannot_be_copied_leaves_no_part_of_a_copy(tmp_path, monkeypatch):
    path = tmp_path / "0.jsonl"
    with Journal(path) as journal:
        journal.add([{"error": None}])
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
        with pytest.raises(InputError, match=r"cannot be written \(No space\)"):
            Journal(path)
    assert [file.name for file in tmp_path.iterdir()] == ["0.jsonl"] and Journal(path).done == 1

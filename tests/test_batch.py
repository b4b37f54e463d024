"""A batch run: every row of every file has one result, in its order, or one error."""

import shutil
from contextlib import suppress
from functools import partial

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batched import (
    ASK,
    here,
    lines,
    load,
    load_another,
    load_never,
    load_noting_threads,
    load_refusing,
    results,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import texts as any_text
from tiny import tiny_records

from pointline.app.batch import plan as planning
from pointline.app.batch.ask import Ask
from pointline.app.batch.estimate import estimate, estimate_apart
from pointline.app.batch.journal import Journal
from pointline.app.batch.load import Loader
from pointline.app.batch.run import batch
from pointline.app.batch.work import read_plan
from pointline.corpus.textrow import Columns
from pointline.errors import InputError, ModelError, ServerError, TaskError
from pointline.model.backend import Scripted
from pointline.model.extract import Extractor, Options


def run(inputs, out, loading=load, ask=ASK, **options):
    options = {"workers": here, "shard_rows": 4, "batch_size": 2} | options
    return batch(inputs, out, loading, ask, **options)


# ---------------------------------------------------------------- what comes out


def test_three_kinds_of_files_come_out_in_their_order_with_their_places(tmp_path):
    texts = ["Ada 🌳 in Turin.", "紫式部が書いた。", "李白🌳写诗。", "Ａｄａ e\u0301\u0301"]
    lines(tmp_path / "in" / "a.jsonl", texts, lang="kept by you")
    (tmp_path / "in" / "deep").mkdir()
    (tmp_path / "in" / "deep" / "b.txt").write_text("\n".join(texts), encoding="utf-8")
    pq.write_table(pa.table({"text": texts, "id": [7, 8, 9, None]}), tmp_path / "in" / "c.parquet")
    (tmp_path / "in" / "notes.md").write_text("not a file of texts")
    (tmp_path / "in" / ".hidden.txt").write_text("nor this")
    done = run([tmp_path / "in"], tmp_path / "out", shard_rows=5)
    found = results(tmp_path / "out")
    assert [row["text"] for row in found] == texts * 3
    assert [(row["source"], row["row"]) for row in found] == [
        (name, row) for name in ("a.jsonl", "c.parquet", "deep/b.txt") for row in (1, 2, 3, 4)
    ]
    assert [row["id"] for row in found] == [
        "t0", "t1", "t2", "t3", "7", "8", "9", "c.parquet:4", *(f"deep/b.txt:{n}" for n in (1, 2, 3, 4)),
    ]  # fmt: skip
    for row in found:
        assert row["label"] == "Nature" and row["ok"] and row["error"] is row["fault"] is None
        for pair in row["pairs"]:
            assert row["text"][pair["start"] : pair["end"]] == pair["entity"]
            assert pair["score"] == 1.0 and not pair["ambiguous"]
    assert [len(row["pairs"]) for row in found] == [1, 1, 1, 0] * 3
    assert done.to_dict()["results"] == 12 and done.shards == 3 and done.tally.items == 9
    assert read_plan(tmp_path / "out").left_out == ("notes.md",)
    assert not (tmp_path / "out" / "work").exists()


@given(texts=st.lists(any_text, min_size=1, max_size=9), size=st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_any_text_comes_back_as_it_was(tmp_path_factory, texts, size):
    folder = tmp_path_factory.mktemp("any")
    lines(folder / "a.jsonl", texts)
    run([folder / "a.jsonl"], folder / "out", shard_rows=size)
    assert [row["text"] for row in results(folder / "out")] == texts


def test_rows_that_cannot_be_read_or_answered_are_rows_with_an_error(tmp_path):
    file = tmp_path / "a.jsonl"
    good = [orjson.dumps({"text": f"Ada {at}"}) for at in range(9)]
    bad = [b'{"text": "\xff"}', b"{", b'{"text": null}', b'{"text": "UNANSWERED"}']
    many = b'{"id": "long", "text": "' + b"x" * 200 + b'"}'
    file.write_bytes(b"\n".join([*good[:4], *bad, *good[4:], many]))
    done = run([file], tmp_path / "out", load_refusing, shard_rows=100)
    found = results(tmp_path / "out")
    assert [row["row"] for row in found] == list(range(1, 15))
    assert [(row["row"], row["fault"]) for row in found if row["error"]] == [
        (5, "not-utf8"), (6, "not-json"), (7, "no-text"), (8, "model-error"), (14, "too-long"),
    ]  # fmt: skip
    assert found[7]["error"] == "no answer to this text" and found[7]["text"] == "UNANSWERED"
    assert found[13]["error"].startswith("200 characters") and found[13]["id"] == "long"
    assert all(row["label"] == "Nature" and row["pairs"] for row in found if not row["error"])
    assert all(row["label"] is None and not row["ok"] for row in found if row["error"])
    told = done.to_dict()
    assert (told["rows"], told["results"], told["errors"]) == (14, 9, 5)
    assert told["faults"] == {row["fault"]: 1 for row in found if row["error"]}


def test_texts_can_be_left_out_and_columns_named(tmp_path):
    pq.write_table(pa.table({"body": ["Ada"], "key": ["k"]}), tmp_path / "a.parquet")
    options = {"columns": Columns("body", "key"), "keep_text": False, "count_tokens": False}
    run([tmp_path / "a.parquet"], tmp_path / "out", **options)
    (row,) = results(tmp_path / "out")
    assert "text" not in row and row["text_tokens"] is row["completion_tokens"] is None
    assert row["id"] == "k" and row["pairs"][0]["entity"] == "Ada"


def test_labels_of_ones_own_are_asked_in_the_language_of_each_text(tmp_path):
    lines(tmp_path / "a.jsonl", ["Ada scored.", "太郎が得点した。"])
    run([tmp_path / "a.jsonl"], tmp_path / "out", _load_own, Ask(labels=("s",), entities=("p",)))
    words = [row["completion"] for row in results(tmp_path / "out")]
    assert len(set(words)) == 2 and all(word.startswith("s/") for word in words)


def _load_own(device=None):
    def answer(prompt):
        return f"s/{prompt.rstrip().rsplit('/', 1)[1]}/"

    return Extractor(Scripted(answer), Options(constrained=False))


def test_a_tiny_model_gives_what_the_extractor_gives(tmp_path, base):
    records = [record for record in tiny_records(12) if record.task == "scnm-en"]
    lines(tmp_path / "a.jsonl", [record.text for record in records])
    loader = Loader(str(base), options=Options(max_new_tokens=24))
    run([tmp_path / "a.jsonl"], tmp_path / "out", loader, Ask("scnm-en"), batch_size=4)
    alone = loader().many([record.text for record in records], "scnm-en", batch_size=1)
    for row, wanted in zip(results(tmp_path / "out"), alone, strict=True):
        assert row["completion"] == wanted.completion and row["label"] == wanted.label
        assert row["label_score"] == pytest.approx(wanted.scores["label"], abs=1e-4)
        assert row["text_tokens"] > 4 and row["completion_tokens"] > 2


# ---------------------------------------------------------------- going on


def test_only_what_is_missing_is_done_again(tmp_path):
    lines(tmp_path / "a.jsonl", [f"Ada {at}" for at in range(11)])
    first = run([tmp_path / "a.jsonl"], tmp_path / "out")
    files = sorted((tmp_path / "out" / "shards").iterdir())
    assert len(files) == first.made == 3
    kept = {file: file.read_bytes() for file in files}
    files[1].unlink()
    asked = []

    def counting(device=None):
        return Extractor(Scripted(lambda p: asked.append(p) or "Nature/NER/:person;Ada"),
                         Options(constrained=False))  # fmt: skip

    again = run([tmp_path / "a.jsonl"], tmp_path / "out", counting)
    assert (again.made, again.made_rows, len(asked)) == (1, 4, 4)
    assert pq.read_table(files[1]).equals(pq.read_table(pa.BufferReader(kept[files[1]])))
    assert all(file.read_bytes() == kept[file] for file in (files[0], files[2]))
    nothing = run([tmp_path / "a.jsonl"], tmp_path / "out", counting)
    assert (nothing.made, len(asked)) == (0, 4) and nothing.tally.rows == 11


def test_another_run_in_the_folder_is_refused(tmp_path):
    file = lines(tmp_path / "in" / "a.jsonl", ["Ada"] * 5)
    run([file], tmp_path / "out")
    for options in ({"shard_rows": 3}, {"ask": Ask("scnm-ja")}, {"keep_text": False}):
        with pytest.raises(InputError, match="holds a run with another"):
            run([file], tmp_path / "out", **options)
    shutil.rmtree(tmp_path / "out" / "shards")
    with pytest.raises(InputError, match="results of other weights, or another model"):
        run([file], tmp_path / "out", load_another)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("x")
    with pytest.raises(InputError, match="holds no run"):
        run([file], tmp_path / "mine")


def test_a_folder_among_the_inputs_is_refused(tmp_path):
    lines(tmp_path / "in" / "a.jsonl", ["Ada"])
    with pytest.raises(InputError, match="whose files are read"):
        run([tmp_path / "in"], tmp_path / "in" / "out")
    assert run([tmp_path / "in" / "a.jsonl"], tmp_path / "in" / "out").made == 1


def test_inputs_that_changed_came_or_went_are_refused_others_may_move(tmp_path):
    one = lines(tmp_path / "in" / "a.jsonl", ["Ada"] * 5)
    two = lines(tmp_path / "in" / "b.jsonl", ["Ada"] * 5)
    run([tmp_path / "in"], tmp_path / "out")
    (tmp_path / "out" / "shards" / "part-000002.parquet").unlink()
    moved = tmp_path / "moved"
    shutil.copytree(tmp_path / "in", moved, copy_function=shutil.copyfile)  # with new times
    assert run([moved], tmp_path / "out").made == 1
    more = lines(tmp_path / "in" / "c.jsonl", ["Ada"])
    with pytest.raises(InputError, match=r"c\.jsonl is not of the run in this folder"):
        run([tmp_path / "in"], tmp_path / "out")
    more.unlink()
    content = one.read_bytes()
    one.write_bytes(content.replace(b"Ada", b"Bob", 1))
    with pytest.raises(InputError, match=r"a\.jsonl changed since the run was planned"):
        run([tmp_path / "in"], tmp_path / "out")
    one.write_bytes(content)
    assert run([tmp_path / "in"], tmp_path / "out").made == 0
    two.unlink()
    with pytest.raises(InputError, match=r"b\.jsonl is gone"):
        run([tmp_path / "in"], tmp_path / "out")


def test_a_file_that_changes_under_a_worker_ends_the_run(tmp_path):
    file = lines(tmp_path / "a.jsonl", ["Ada"] * 8)

    def changing(job, shards):
        file.write_bytes(file.read_bytes().replace(b"t7", b"t8"))
        yield from here(job, shards)

    with pytest.raises(InputError, match="changed since the run was planned"):
        run([file], tmp_path / "out", workers=changing)
    assert len(results(tmp_path / "out")) == 4


def test_what_was_asked_may_change_until_a_model_is_loaded(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"body": "Ada"}\n')
    with pytest.raises(TaskError, match="scnm-xx"):
        run([file], tmp_path / "out", ask=Ask("scnm-xx"))
    run([file], tmp_path / "out", columns=Columns("body"))
    assert results(tmp_path / "out")[0]["pairs"]


def test_a_server_that_went_away_ends_the_run_and_leaves_no_suspect(tmp_path):
    file = lines(tmp_path / "a.jsonl", ["Ada", "AWAY", "Ada"])
    with pytest.raises(ServerError):
        run([file], tmp_path / "out")
    journal = Journal(tmp_path / "out" / "work" / "000000.jsonl")
    assert journal.suspects == 0 and journal.done == 0
    journal.path.unlink()


def test_a_model_that_fails_on_one_text_after_another_ends_the_run(tmp_path):
    texts = ["Ada"] * 5 + ["UNANSWERED"] * 40
    with pytest.raises(ModelError, match="25 texts in a row without an answer: no answer to this"):
        run([lines(tmp_path / "a.jsonl", texts)], tmp_path / "out", shard_rows=100)
    journal = Journal(tmp_path / "out" / "work" / "000000.jsonl")
    assert journal.done == 5  # none of the failures is kept
    texts = ["Ada", *["UNANSWERED"] * 24, "Ada", *["UNANSWERED"] * 24]
    done = run([lines(tmp_path / "b.jsonl", texts)], tmp_path / "other", shard_rows=100)
    assert done.tally.errors == 48


# ---------------------------------------------------------------- the plan


def test_small_files_share_a_shard_and_large_ones_are_cut(tmp_path):
    for number in range(7):
        lines(tmp_path / f"small-{number}.jsonl", ["x"])
    lines(tmp_path / "large.jsonl", ["x"] * 7)
    plan = planning.make([tmp_path], Columns(), 3)
    assert [shard.rows for shard in plan.shards] == [3, 3, 3, 3, 2]
    assert [len(shard.parts) for shard in plan.shards] == [1, 1, 3, 3, 2]
    assert planning.Plan.from_dict(orjson.loads(orjson.dumps(plan.to_dict()))) == plan


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(), "no file of texts"),
        (lambda path: path.write_text(""), "a file of texts ends in"),
    ],
)
def test_inputs_that_hold_no_texts_are_refused(tmp_path, make, told):
    path = tmp_path / "in.gz"
    make(path)
    with pytest.raises(InputError, match=told):
        planning.make([path], Columns(), 3)


def test_files_without_a_row_are_refused(tmp_path):
    (tmp_path / "a.txt").write_text("\n \n")
    with pytest.raises(InputError, match="no row in 1 files"):
        planning.make([tmp_path], Columns(), 3)


def test_a_sample_from_all_over_the_plan_is_timed(tmp_path):
    lines(tmp_path / "a.jsonl", [f"Ada {at:03}" for at in range(100)] + ["x" * 100])
    plan = planning.make([tmp_path], Columns(), 10)
    asked = []

    def counting(device=None):
        return Extractor(Scripted(lambda p: asked.append(p) or "Nature/NER/"),
                         Options(constrained=False))  # fmt: skip

    made = estimate(plan, counting, ASK, sample=20, batch_size=4)
    assert (made.rows, made.sample, made.failed) == (101, 20, 0)
    assert len({prompt[:7] for prompt in asked}) == 20
    assert made.text_tokens / 20 == pytest.approx(7, abs=6) and made.rate > 0
    assert made.hours(2) == pytest.approx(made.hours(1) / 2)
    refused = estimate(plan, load_refusing, ASK, sample=11, batch_size=4)
    assert refused.failed == 1


@pytest.mark.parametrize(("set_by_user", "had"), [(None, "3"), ("2", "2")])
def test_a_sample_is_timed_with_the_threads_of_one_worker(tmp_path, monkeypatch, set_by_user, had):
    lines(tmp_path / "a.jsonl", [f"Ada {at:03}" for at in range(9)])
    plan = planning.make([tmp_path / "a.jsonl"], Columns(), 10)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if set_by_user:
        monkeypatch.setenv("OMP_NUM_THREADS", set_by_user)
    noting = partial(load_noting_threads, tmp_path / "threads")
    made = estimate_apart(plan, noting, ASK, sample=4, threads=3)
    assert (made.sample, made.failed, made.threads) == (4, 0, int(had))
    assert (tmp_path / "threads").read_text() == had
    assert made.to_dict(2)["threads of a worker"] == int(had)
    with pytest.raises(ModelError, match="was killed, perhaps for want of memory"):
        estimate_apart(plan, load_never, ASK, sample=4, threads=3)


# ---------------------------------------------------------------- the journal


def test_a_journal_tells_what_is_done_and_who_is_suspected(tmp_path):
    path = tmp_path / "work" / "0.jsonl"

    def dies():
        raise KeyError("x")

    def after(steps):
        """Let a worker take these steps and die; return what the next one reads."""
        with pytest.raises(KeyError), Journal(path) as journal:
            for step in steps:
                journal.take(step) if isinstance(step, int) else journal.add([{"n": step}])
            dies()
        return Journal(path)

    assert (found := after([3])).done == 0 and found.suspects == 3 and found.deaths == 0
    found = after([1, "a", 1])
    assert (found.done, found.suspects, found.deaths) == (1, 2, 1)
    assert found.reason == "KeyError: 'x'"
    found = after([1])
    assert (found.done, found.suspects, found.deaths) == (1, 2, 2)
    with Journal(path) as journal:
        journal.add([{"n": "given up"}])
        assert list(journal.results()) == [{"n": "a"}, {"n": "given up"}]
    assert Journal(path).suspects == 0  # it left of its own will
    path.write_bytes(path.read_bytes() + b'{"result": {"n": "ha')
    assert Journal(path).done == 2


def test_texts_that_end_one_worker_after_another_are_not_to_blame(tmp_path):
    """As where a library was updated under a run: each text dies, and none has a fault."""
    file, out = lines(tmp_path / "a.jsonl", ["Ada", *["BROKEN"] * 30]), tmp_path / "out"

    def replaced(job, shards):
        """Workers in this process, a new one where the last ended by an error not ours."""
        for _ in range(100):
            with suppress(KeyError):
                yield from here(job, shards)
                return

    with pytest.raises(ModelError, match="10 texts in a row ended their workers: KeyError"):
        run([file], out, workers=replaced, shard_rows=100)
    journal = Journal(out / "work" / "000000.jsonl")
    assert (journal.done, journal.streak.killed, journal.suspects) == (1, 0, 0)
    done = run([file], out, _load_mended, workers=replaced, shard_rows=100)
    assert (done.tally.rows, done.tally.errors) == (31, 0)


def _load_mended(device=None):
    return Extractor(Scripted(lambda prompt: "Nature/NER/"), Options(constrained=False))

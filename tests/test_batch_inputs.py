"""Inputs of a batch run that loop, are there twice, have bad names, moved, or are gone."""

import gzip
import os

import pytest
from batched import ASK, here, lines, load, results

from pointline.app.batch import plan as planning
from pointline.app.batch.run import batch
from pointline.corpus import textfile
from pointline.corpus.textrow import Columns, Piece
from pointline.errors import InputError


def run(inputs, out, **options):
    return batch(inputs, out, load, ASK, **({"workers": here, "shard_rows": 4} | options))


def names(*inputs):
    return [source.name for source in planning.make(inputs, Columns(), 1000).sources]


# ---------------------------------------------------------------- found once each


def test_a_folder_that_links_lead_round_in_is_read_once(tmp_path):
    lines(tmp_path / "in" / "a.jsonl", ["one", "two"])
    lines(tmp_path / "in" / "deep" / "b.jsonl", ["three"])
    (tmp_path / "in" / "loop").symlink_to(".")
    (tmp_path / "in" / "deep" / "up").symlink_to("..")
    (tmp_path / "in" / "itself.txt").symlink_to("itself.txt")
    (tmp_path / "in" / "c.jsonl").symlink_to("a.jsonl")
    plan = planning.make([tmp_path / "in"], Columns(), 1000)
    assert [source.name for source in plan.sources] == ["a.jsonl", "deep/b.jsonl"]
    assert plan.rows == 3
    with pytest.raises(InputError, match="there is no such file"):
        names(tmp_path / "in" / "itself.txt")


def test_a_file_that_several_inputs_lead_to_is_read_once(tmp_path):
    given = tmp_path / "in"
    file = lines(given / "deep" / "a.jsonl", ["Ada"])
    assert names(given, given / ".." / "in") == ["deep/a.jsonl"]
    assert names(given, file, given / "deep") == ["deep/a.jsonl"]
    (tmp_path / "alias").symlink_to(given)
    assert names(given, tmp_path / "alias") == ["in/deep/a.jsonl"]
    assert names(tmp_path / "alias") == ["deep/a.jsonl"]  # a link that is named is gone into


def test_two_files_never_have_one_name(tmp_path):
    """A path with ".." behind a link is not the one that its letters make."""
    lines(tmp_path / "far" / "in" / "a.jsonl", ["far"])
    near = lines(tmp_path / "near" / "a.jsonl", ["near"])
    (tmp_path / "near" / "link").symlink_to(tmp_path / "far" / "in")
    through = tmp_path / "near" / "link" / ".." / "in" / "a.jsonl"
    assert names(near, through) == ["near/a.jsonl", "far/in/a.jsonl"]
    run([near, through], tmp_path / "out")
    assert [row["text"] for row in results(tmp_path / "out")] == ["near", "far"]


# ---------------------------------------------------------------- names that are not UTF-8


def test_a_name_that_is_not_utf8_is_refused_in_one_line(tmp_path):
    bad = tmp_path / "in" / os.fsdecode(b"caf\xe9.txt")
    bad.parent.mkdir()
    bad.write_text("Ada\n")
    with pytest.raises(InputError, match=r"caf\\xe9\.txt: the name is not UTF-8: rename it"):
        run([bad.parent], tmp_path / "out")
    with pytest.raises(InputError, match="the name is not UTF-8"):
        run([bad], tmp_path / "out")
    file = lines(tmp_path / "a.jsonl", ["Ada"])
    with pytest.raises(InputError, match="the name is not UTF-8"):
        run([file], tmp_path / os.fsdecode(b"out\xff"))
    with pytest.raises(InputError, match=r"none\\xff: there is no such file"):
        run([tmp_path / os.fsdecode(b"none\xff")], tmp_path / "out")
    bad.rename(bad.with_name(os.fsdecode(b"notes\xe9.md")))  # it is left out, and may be told
    lines(bad.parent / "a.jsonl", ["Ada"])
    assert run([bad.parent], tmp_path / "out").tally.rows == 1
    assert planning.make([bad.parent], Columns(), 9).left_out == (r"notes\xe9.md",)


# ---------------------------------------------------------------- moved, touched, gone


def test_files_that_were_touched_are_each_looked_at_once(tmp_path, monkeypatch):
    for number in range(40):
        lines(tmp_path / "in" / f"{number:02}.jsonl", ["Ada", "Bob"])
    plan = planning.make([tmp_path / "in"], Columns(), 1)
    for file in (tmp_path / "in").iterdir():
        os.utime(file, (1, 1))
    looked = []
    unchanged = textfile.unchanged

    class Shards(tuple):
        def __iter__(self):
            looked.append("all")
            return super().__iter__()

    def counted(path, *pieces):
        looked.append((path.name, len(pieces)))
        return unchanged(path, *pieces)

    monkeypatch.setattr(textfile, "unchanged", counted)
    touched = planning.Plan(plan.sources, Shards(plan.shards), plan.columns)
    planning.still(touched, [tmp_path / "in"])
    assert looked == ["all", *((f"{number:02}.jsonl", 2) for number in range(40))]


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda path: path.unlink(), "is not there any more: bring it back, and run again"),
        (lambda path: (path.unlink(), path.mkdir()), r"cannot be read \(Is a directory\)"),
    ],
)
def test_an_input_that_goes_under_a_worker_is_told_as_what_it_is(tmp_path, break_it, told):
    file = lines(tmp_path / "a.jsonl", ["Ada"] * 8)
    held = file.read_bytes()

    def breaking(job, shards):
        break_it(file)
        yield from here(job, shards)

    with pytest.raises(InputError, match=told) as error:
        run([file], tmp_path / "out", workers=breaking)
    assert "changed" not in str(error.value) and str(file) in str(error.value)
    if file.is_dir():
        file.rmdir()
    file.write_bytes(held)
    assert run([file], tmp_path / "out").tally.errors == 0


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_file_that_cannot_be_read_is_told_when_it_is_looked_at(tmp_path, monkeypatch, suffix):
    def refused(*arguments):
        raise PermissionError(13, "Permission denied", "x")

    monkeypatch.setattr(textfile.textlines, "digest", refused)
    monkeypatch.setattr(textfile.textcolumns, "digest", refused)
    with pytest.raises(InputError, match=r"\(Permission denied\): mend that, and run again"):
        textfile.unchanged(tmp_path / f"a{suffix}", Piece(1, 1, 0, 4, ""))


# ---------------------------------------------------------------- refused before a folder is begun


@pytest.mark.parametrize("name", ["none.txt", "empty.txt", "bad.parquet"])
def test_inputs_that_are_refused_leave_no_folder(tmp_path, name):
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "bad.parquet").write_text("no Parquet")
    with pytest.raises(InputError):
        run([tmp_path / name], tmp_path / "out")
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------- packed files


def test_a_packed_file_goes_on_as_others_do(tmp_path):
    texts = [f"Ada 🌳 {at}" for at in range(11)]
    plain = lines(tmp_path / "plain" / "a.jsonl", texts)
    packed = tmp_path / "in" / "a.jsonl.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert run([tmp_path / "in"], tmp_path / "out").made == 3
    found = results(tmp_path / "out")
    assert [row["text"] for row in found] == texts
    assert {row["source"] for row in found} == {"a.jsonl.gz"}
    shard = tmp_path / "out" / "shards" / "part-000001.parquet"
    shard.unlink()
    os.utime(packed, (1, 1))
    assert run([tmp_path / "in"], tmp_path / "out").made == 1
    assert results(tmp_path / "out") == found
    shard.unlink()
    packed.write_bytes(gzip.compress(plain.read_bytes().replace(b"Ada", b"Bob")))
    with pytest.raises(InputError, match="changed since the run was planned"):
        run([tmp_path / "in"], tmp_path / "out")

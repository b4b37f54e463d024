"""Dataset folders put in place whole or not at all; what a kill leaves, what is not replaced."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from pointline.corpus import store
from pointline.errors import CorpusError, RecordError
from pointline.format import tasks
from pointline.format.record import Record

TASK = tasks.task("scnm-ja")
GOLD, GUESS = Record("1", "scnm-ja", "京都の京", "社会"), Record("3", "scnm-ja", "京都", "文芸")


def test_a_dataset_is_not_written_over_what_is_there(tmp_path):
    folder = tmp_path / "d"
    store.write_dataset(folder, TASK, {"train": [GOLD]})
    with pytest.raises(CorpusError, match="the folder is there: replace it"):
        store.write_dataset(folder, TASK, {"train": [GUESS]})
    store.write_dataset(folder, TASK, {"dev": [GUESS]}, replace=True)
    assert sorted(path.name for path in folder.iterdir()) == ["dev.jsonl", "manifest.json"]
    other = tmp_path / "mine"
    other.mkdir()
    with pytest.raises(CorpusError, match="is no dataset"):
        store.write_dataset(other, TASK, {"train": [GOLD]}, replace=True)
    with pytest.raises(CorpusError, match="a split is one of train, dev, test, got 'valid'"):
        store.write_dataset(tmp_path / "e", TASK, {"valid": [GOLD]})


def test_only_a_dataset_of_ours_is_replaced(tmp_path):
    app = tmp_path / "app"
    app.mkdir()
    (app / "index.html").write_text("<p>mine</p>")
    for manifest in ('{"name": "My app", "icons": []}', '{"task": {}, "counts": {}}', "[]", "{"):
        (app / "manifest.json").write_text(manifest)
        with pytest.raises(
            CorpusError, match=r"is no dataset|manifest\.json: (not JSON|a manifest)"
        ):
            store.write_dataset(app, TASK, {"train": [GOLD]}, replace=True)
    assert sorted(path.name for path in app.iterdir()) == ["index.html", "manifest.json"]
    store.write_dataset(tmp_path / "d", TASK, {"train": [GOLD]})
    (tmp_path / "d" / "notes.txt").write_text("read by eye")
    with pytest.raises(CorpusError, match=r"d: holds notes\.txt, which its manifest does not name"):
        store.write_dataset(tmp_path / "d", TASK, {"train": [GUESS]}, replace=True)
    (tmp_path / "d" / "notes.txt").unlink()
    store.write_dataset(tmp_path / "d", TASK, {"train": [GUESS]}, replace=True)
    (tmp_path / "file").touch()
    with pytest.raises(CorpusError, match="a file is there: choose another place"):
        store.write_dataset(tmp_path / "file", TASK, {"train": [GOLD]}, replace=True)


def test_no_folder_in_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CorpusError, match=r"d: cannot be written \(.+\): choose another place"):
        store.write_dataset(tmp_path / "file" / "d", TASK, {"train": [GOLD]})


def test_a_folder_that_came_while_another_was_written_stays(tmp_path):
    with (
        pytest.raises(CorpusError, match="the folder is there"),
        store.new_dataset(tmp_path / "d", TASK, ("train",)) as new,
    ):
        new.add("train", GOLD)
        store.write_dataset(tmp_path / "d", TASK, {"train": [GUESS]})
    assert store.read_dataset(tmp_path / "d").train == (GUESS,)
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def killed_between_the_renames(folder):
    """Replace a dataset in a process that is killed when the old folder has made room."""
    code = textwrap.dedent(f"""
        import os, pathlib, signal
        from pointline.corpus.store import write_dataset
        from pointline.format.record import Record
        from pointline.format.tasks import task
        rename = pathlib.Path.rename
        def killed(path, target):
            if path.name == "new":
                os.kill(os.getpid(), signal.SIGKILL)
            return rename(path, target)
        pathlib.Path.rename = killed
        records = [Record("new", "scnm-ja", "雨")]
        write_dataset({str(folder)!r}, task("scnm-ja"), {{"train": records}}, replace=True)
    """)
    ended = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False)
    assert ended.returncode == -signal.SIGKILL


def test_a_kill_between_the_renames_loses_nothing(tmp_path):
    folder, longer = tmp_path / "d", tmp_path / "d.e"
    store.write_dataset(folder, TASK, {"train": [GOLD]})
    killed_between_the_renames(folder)
    assert not folder.exists()
    store.write_dataset(longer, TASK, {"train": [GUESS]})  # another dataset's leftovers are not its
    assert not folder.exists()
    with pytest.raises(CorpusError, match="the folder is there: replace it"):
        store.write_dataset(folder, TASK, {"train": [GUESS]})
    assert store.read_dataset(folder).train == (GOLD,)
    assert sorted(tmp_path.iterdir()) == [folder, longer]


def test_leftovers_of_the_living_stay_and_those_of_the_dead_go(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    ours, theirs, other = (
        tmp_path / f".{name}.x.work" for name in (f"d.{os.getpid()}", f"d.{dead.pid}", "d.e.1")
    )
    for work in (ours, theirs, other):
        (work / "new").mkdir(parents=True)
    store.write_dataset(tmp_path / "d", TASK, {"train": [GOLD]})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([ours.name, other.name, "d"])


def test_a_dataset_has_the_usual_rights_and_may_be_here_or_linked_to(tmp_path, monkeypatch):
    usual = tmp_path / "usual"
    usual.mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("real")
    for _ in range(2):
        store.write_dataset("link", TASK, {"train": [GOLD]}, replace=True)
    assert (tmp_path / "real").stat().st_mode == usual.stat().st_mode
    assert (tmp_path / "link").is_symlink()
    monkeypatch.chdir(tmp_path / "real")
    store.write_dataset(".", TASK, {"train": [GUESS]}, replace=True)
    assert store.read_dataset(tmp_path / "link").train == (GUESS,)


def test_a_failed_dataset_leaves_no_half_folder(tmp_path):
    folder = tmp_path / "d"
    store.write_dataset(folder, TASK, {"train": [GOLD]})
    with pytest.raises(RecordError):
        store.write_dataset(folder, TASK, {"train": [GOLD, GOLD]}, replace=True)
    assert store.read_dataset(folder).train == (GOLD,)
    assert list(tmp_path.iterdir()) == [folder]

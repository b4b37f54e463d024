"""The files that may be opened: those of one folder, by the names that it lists, and no other."""

from __future__ import annotations

from pathlib import Path

from pointline.corpus.manifest import SPLITS
from pointline.errors import InputError

__all__ = ["DROPPED", "chosen", "is_dataset", "offered"]

#: What a translation run drops lies here, in the dataset folder of what it keeps.
DROPPED = "dropped.jsonl"

_MOST = 500  # files that are listed


def offered(folder: Path) -> dict[str, Path]:
    """Return the record files and dataset folders in a folder, and in the folders in it, by name.

    A dataset folder stands for its files; what a translation run dropped is offered beside it, for
    somebody may rescue it. Hidden ones, links and what cannot be read are left out.
    """
    found: dict[str, Path] = {}
    for path in _entries(folder):
        if path.is_file() or is_dataset(path):
            found |= _offered(path, path.name)
        else:
            for inner in _entries(path):
                found |= _offered(inner, f"{path.name}/{inner.name}")
        if len(found) >= _MOST:
            break
    return dict(list(found.items())[:_MOST])


def _offered(path: Path, name: str) -> dict[str, Path]:
    if is_dataset(path):
        dropped = path / DROPPED
        beside = {f"{name}/{DROPPED}": dropped} if _is_plain_file(dropped) else {}
        return {f"{name}/": path, **beside}
    return {name: path} if path.is_file() and _holds_records(path) else {}


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def chosen(folder: Path, name: str) -> Path:
    """Return the file of that name among those offered; InputError where none has it.

    The name is looked up, never joined to a path.
    """
    path = offered(folder).get(name)
    if path is None:
        raise InputError("there is no such file in the folder: choose one of the list")
    return path


def _entries(folder: Path) -> list[Path]:
    try:
        shown = [p for p in folder.iterdir() if _is_plain(p.name) and not p.is_symlink()]
    except OSError:  # a folder of somebody else's
        return []
    return sorted(shown, key=lambda path: (path.is_dir(), path.name))


def _is_plain(name: str) -> bool:
    # a name that is not UTF-8 could not be shown on a page
    return not name.startswith(".") and name.isprintable()


def _holds_records(path: Path) -> bool:
    return path.suffix in (".jsonl", ".parquet")


def is_dataset(path: Path) -> bool:
    """Whether a folder holds a dataset: the file of a split."""
    try:
        return path.is_dir() and any((path / f"{split}.jsonl").is_file() for split in SPLITS)
    except PermissionError:
        return False

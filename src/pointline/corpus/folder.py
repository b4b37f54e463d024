"""A dataset folder put in place whole, or not at all; what a kill leaves beside it is mended.

The new folder is written in a working folder beside the old one, `.NAME.PID.RANDOM.work/new`; to
change places the old one becomes `.../old` first. Whoever writes next clears up after the dead.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pointline.corpus.manifest import MANIFEST, read_manifest
from pointline.errors import CorpusError

__all__ = ["lives", "new_folder", "recover"]


@contextmanager
def new_folder(folder: Path, *, replace: bool) -> Iterator[Path]:
    """Give a folder that becomes `folder` when the block ends well, and vanishes otherwise.

    Raises CorpusError where `folder` is there and not to be replaced, or is more than a dataset
    that pointline wrote, or where no folder can be made.
    """
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"cannot be written ({error.strerror}): choose another place"
        raise CorpusError(f"{folder}: {reason}") from None
    recover(folder)
    if folder.exists():
        _refuse_to_replace(folder, replace=replace)
    mark = f".{folder.name}.{os.getpid()}."
    work = Path(tempfile.mkdtemp(prefix=mark, suffix=".work", dir=folder.parent))
    new = work / "new"
    try:
        new.mkdir()
        yield new
        if folder.exists():
            _refuse_to_replace(folder, replace=replace)  # it may have come since
            folder.rename(work / "old")
        new.rename(folder)
    finally:
        _close(work, folder)


def recover(folder: Path) -> None:
    """Clear up after processes that died while they wrote `folder`.

    The folder that one of them had moved out of the way goes back where no new one came.
    """
    folder = folder.resolve()
    ours = re.compile(rf"\.{re.escape(folder.name)}\.([0-9]+)\.[^.]+\.work")
    for work in folder.parent.glob(".*.work"):
        found = ours.fullmatch(work.name)
        if found and not lives(int(found[1])):
            _close(work, folder)


def _close(work: Path, folder: Path) -> None:
    old = work / "old"
    if old.exists() and not folder.exists():
        old.rename(folder)
    shutil.rmtree(work, ignore_errors=True)


def lives(process: int) -> bool:
    """Say whether there is a process of that number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _refuse_to_replace(folder: Path, *, replace: bool) -> None:
    if not folder.is_dir():
        raise CorpusError(f"{folder}: a file is there: choose another place for the folder")
    if not replace:
        raise CorpusError(f"{folder}: the folder is there: replace it, or choose another")
    manifest = read_manifest(folder)
    files = manifest.get("sha256")
    ours = all(isinstance(manifest.get(key), Mapping) for key in ("task", "counts"))
    if not ours or not isinstance(files, Mapping):
        raise CorpusError(f"{folder}: the folder is no dataset: choose another")
    foreign = sorted({path.name for path in folder.iterdir()} - {MANIFEST, *files})
    if foreign:
        raise CorpusError(
            f"{folder}: holds {foreign[0]}, which its manifest does not name, so it is not"
            " replaced: move that away, or choose another folder"
        )

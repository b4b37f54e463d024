"""Datasets cut by seed: split and sample. Whole or not at all.

Files are read twice: the first reading takes a census (50 bytes a record), which decides, and the
second writes. So a file may be larger than memory.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pointline.corpus import recordfile
from pointline.corpus.census import Census, first_of
from pointline.corpus.manifest import (
    SPLITS,
    Tally,
    read_manifest,
    sha256,
    task_beside,
    task_in,
    task_named,
)
from pointline.corpus.split import draw, position
from pointline.corpus.store import iter_records, new_dataset
from pointline.errors import CorpusError, RecordError
from pointline.format.record import Record
from pointline.format.tasks import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["By", "census_of", "sample", "split"]

By = Literal["document", "text"]


def split(
    file: str | Path,
    out: str | Path,
    *,
    train: float,
    dev: float = 0,
    seed: int = 0,
    by: By = "document",
    task: Task | None = None,
    replace: bool = False,
) -> dict[str, Any]:
    """Split a file of records into the dataset folder `out`; return its manifest.

    `train` and `dev` are numbers of records, or shares where they are below 1; the rest is the
    test split. Twins (`twins.key`) stay together, and with `by="document"` also the records whose
    `meta` names one document; such a group goes whole to the first of train, dev and test that has
    room for it. The order of the groups is that of a hash of seed and text, so it does not depend
    on the order of the file, which the records of a split keep.

    Raises CorpusError for sizes that cannot be or records of several tasks, RecordError for a line
    that is no record, and as `write_dataset` does.
    """
    file = Path(file)
    census, task = census_of([file], task or task_beside(file))
    sizes = _sizes(train, dev, len(census), file)
    groups = _groups(census, by)
    sides = _sides(groups, sizes, census, seed)
    empty = [SPLITS[side] for side, size in enumerate(sizes) if size and side not in sides]
    if empty:
        raise CorpusError(
            f"{file}: there is no room for a group of twins and documents in {empty[0]}: make it"
            f" larger{', or split by text alone' if by == 'document' else ''}"
        )
    with new_dataset(out, task, replace=replace) as new:
        for place, record in enumerate(iter_records(file)):
            new.add(SPLITS[sides[place]], record)
        new.about["split"] = {
            "file": file.name,
            "sha256": sha256(file),
            "seed": seed,
            "by": by,
            "asked": {"train": _whole(train), "dev": _whole(dev)},
            "groups": len(set(groups.tolist())),
        }
    return new.manifest


def census_of(files: Sequence[Path], task: Task | None) -> tuple[Census, Task]:
    """Return the census of some files, and the one task of their records.

    Raises CorpusError where the records name several, or another than `task`.
    """
    census, name = Census(), None if task is None else task.name
    for source, path in enumerate(files):
        for line, found in recordfile.scan(path):
            if isinstance(found, RecordError):
                raise found
            name = found.task if name is None else name
            if found.task != name:
                raise CorpusError(
                    f"{path}:{line}: a record of task {found.task!r} among those of {name!r}:"
                    " cut or join the records of one task at a time"
                )
            census.add(found, source=source, line=line)
    if name is None or not len(census):
        raise CorpusError(f"{files[0]}: there is no record in it")
    return census, task or task_named(name, files[0])


def _sizes(train: float, dev: float, total: int, file: Path) -> list[int]:
    sizes = []
    for name, size in (("train", train), ("dev", dev)):
        if not 0 <= size < math.inf or (size >= 1 and size != int(size)):
            raise CorpusError(f"{name} is a number of records, or a share below 1, got {size}")
        sizes.append(round(size * total) if size < 1 else int(size))
    if train < 1 and dev < 1 and train + dev <= 1:
        sizes[1] = min(sizes[1], total - sizes[0])  # two halves of three records are no four
    if sum(sizes) > total or not sizes[0]:
        asked = f"{sizes[0]} records to train on and {sizes[1]} for development"
        raise CorpusError(f"{file}: holds {total} records, which cannot give {asked}")
    return sizes


def _whole(size: float) -> float:
    return int(size) if size == int(size) else size


def _groups(census: Census, by: By) -> NDArray[np.int64]:
    """Return for each record the first record that it is tied to, by any chain."""
    import numpy as np

    here = np.arange(len(census))
    ties = [first_of(census.column("text"))]
    if by == "document":
        documents = census.column("document")
        ties.append(np.where(documents != 0, first_of(documents), here))
    group, before = here, None
    while before is None or (group != before).any():
        before = group
        for tie in ties:
            least = here.copy()
            np.minimum.at(least, tie, group)
            group = least[tie]
        group = group[group]
    return group


def _sides(groups: NDArray[np.int64], sizes: Sequence[int], census: Census, seed: int) -> list[int]:
    """Return the number of each record's split: groups in their order, each where there is room."""
    import numpy as np

    heads, member = np.unique(groups, return_inverse=True)
    counts = np.bincount(member).tolist()
    least = np.full(len(heads), np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(least, member, census.column("text"))
    at = [position(seed, "split", str(digest)) for digest in least.tolist()]
    room, sides = [*sizes, len(groups)], [0] * len(heads)
    for group in sorted(range(len(heads)), key=at.__getitem__):
        side = next(side for side, left in enumerate(room) if counts[group] <= left)
        room[side] -= counts[group]
        sides[group] = side
    return [sides[group] for group in member.tolist()]


# ---------------------------------------------------------------- sample


def sample(
    path: str | Path,
    out: str | Path,
    *,
    shots: int | None = None,
    n: int | None = None,
    seed: int = 0,
    replace: bool = False,
) -> dict[str, int]:
    """Draw records from a file, or from the training split of a dataset; return them by label.

    Either `shots` records of each text label, or `n` of all; `split.draw` says which. Of a
    dataset, `out` is a folder whose development and test splits are as they were; of a file, a
    file.

    Raises CorpusError where both or neither is asked for, or there is nothing to draw from.
    """
    path, out = Path(path), Path(out)
    if (shots is None) == (n is None):
        raise CorpusError("a sample is of so many shots a label, or of n records: ask for one")
    if path.is_dir():
        return _sample_dataset(path, out, shots, n, seed, replace=replace)
    if out.exists() and not replace:
        raise CorpusError(f"{out}: is there: replace it, or choose another")
    drawn = _drawn(path, shots, n, seed)
    recordfile.write(out, drawn)
    return _by_label(drawn)


def _drawn(file: Path, shots: int | None, n: int | None, seed: int) -> list[Record]:
    drawn = draw(iter_records(file), shots=shots, n=n, seed=seed)
    if not drawn:
        raise CorpusError(f"{file}: there is no record in it")
    return drawn


def _sample_dataset(
    folder: Path, out: Path, shots: int | None, n: int | None, seed: int, *, replace: bool
) -> dict[str, int]:
    manifest = read_manifest(folder)
    files = {s: file for s in SPLITS if (file := folder / f"{s}.jsonl").is_file()}
    if "train" not in files:
        raise CorpusError(f"{folder}: no train.jsonl to draw from")
    task = task_in(manifest, path=folder) or census_of([files["train"]], None)[1]
    drawn = _drawn(files["train"], shots, n, seed)
    asked = {"shots": shots} if n is None else {"records": n}
    labels = _by_label(drawn)
    with new_dataset(out, task, tuple(files), replace=replace) as new:
        for split, file in files.items():
            for record in drawn if split == "train" else iter_records(file):
                new.add(split, record)
        told = Tally().summary(task, {})
        new.about |= {name: value for name, value in manifest.items() if name not in told}
        new.about["few_shot"] = {**asked, "seed": seed, "labels": labels}
    return labels


def _by_label(records: Iterable[Record]) -> dict[str, int]:
    return dict(sorted(Counter(record.label for record in records).items()))

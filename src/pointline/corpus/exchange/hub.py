"""Hugging Face datasets: a folder of Parquet with a card, on disk and on the hub.

    README.md                                the card: features, splits, labels, sources, licences
    data/train-00000-of-00001.parquet        a file a split; the development split is `validation`
    manifest.json                            the task, so that --task FOLDER finds it

`datasets.load_dataset(FOLDER)` opens it, and so does `read`. `meta` is a JSON string, because its
keys differ from record to record.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from pointline.corpus import parquet, recordfile
from pointline.corpus.exchange.card import dataset_card
from pointline.corpus.exchange.form import PARTS, Form, Losses, carried
from pointline.corpus.folder import new_folder
from pointline.corpus.manifest import MANIFEST, SPLITS
from pointline.errors import CorpusError, InputError, MissingExtra
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["FORM", "fetch", "push_to_hub", "splits_of", "token_for", "write_folder"]

#: What the hub calls our splits.
HUB_NAMES = {"train": "train", "dev": "validation", "test": "test"}

TOKEN = "HF_TOKEN"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def write_folder(
    path: Path,
    splits: Mapping[str, Iterable[Record]],
    task: Task,
    losses: Losses,
    *,
    about: Mapping[str, Any] | None = None,
) -> dict[str, int]:
    """Write the folder, which appears when all is written; return how many records each split has.

    A split without a record gets no file. `about` is a dataset's manifest: its sources, licences,
    notes and counts go into the card.

    Raises CorpusError where the folder is there, MissingExtra without pyarrow.
    """
    unknown = sorted(splits.keys() - set(SPLITS))
    if unknown:
        raise CorpusError(f"{path}: a split is one of {', '.join(SPLITS)}, got {unknown[0]!r}")
    with new_folder(path, replace=False) as part:
        counts = {}
        for split in (split for split in SPLITS if split in splits):
            file = part / _file(split)
            counts[split] = _write_file(file, splits[split], task, losses)
            if not counts[split]:
                file.unlink()  # `load_dataset` fails on a split without a row
        counts = {split: count for split, count in counts.items() if count}
        named = {HUB_NAMES[split]: count for split, count in counts.items()}
        told = {"task": task.to_dict(), "counts": counts}
        with recordfile.atomic(part / "README.md") as out:
            out.write(dataset_card(task, named, about or {}).encode())
        with recordfile.atomic(part / MANIFEST) as out:
            out.write(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return counts


def _file(split: str) -> str:
    return f"data/{HUB_NAMES[split]}-00000-of-00001.parquet"


def _write_file(path: Path, records: Iterable[Record], task: Task, losses: Losses) -> int:
    kept = (carried(record, task, FORM.carries, losses) for record in records)
    with recordfile.atomic(path) as out:
        return parquet.write(out, map(_row, kept), predictions=False)


def _row(record: Record) -> dict[str, Any]:
    values = recordfile.to_json(record)
    values["pairs"] = [{"ambiguous": False, **pair} for pair in values["pairs"]]
    return values


def splits_of(path: Path) -> dict[str, list[Path]]:
    """Return the Parquet files of each of our splits that a folder of a Hub dataset has.

    >>> splits_of(Path("nowhere"))
    {}
    """
    found: dict[str, list[Path]] = {}
    for file in sorted(path.rglob("*.parquet")):
        split = re.split(r"[-_.]", file.name)[0].lower()
        ours = {**{hub: ours for ours, hub in HUB_NAMES.items()}, "dev": "dev", "valid": "dev"}
        if split in ours:
            found.setdefault(ours[split], []).append(file)
    return {split: found[split] for split in SPLITS if split in found}


def _write(path: Path, records: Iterable[Record], task: Task, losses: Losses) -> None:
    if path.suffix == ".parquet":
        _write_file(path, records, task, losses)
    else:
        write_folder(path, {"train": records}, task, losses)


def _read(path: Path, task: Task, _: Losses) -> Iterator[Record]:
    files = [path]
    if path.is_dir():
        files = [file for split in splits_of(path).values() for file in split]
    if not files or not files[0].is_file():
        raise CorpusError(f"{path}: no Parquet file of a split named train, validation or test")
    for file in files:
        for _number, found in recordfile.scan(file):
            if isinstance(found, Exception):
                raise found
            yield found if found.task else _of(found, task)


def _of(record: Record, task: Task) -> Record:
    values = recordfile.to_json(record)
    return recordfile.from_json({**values, "task": task.name})


# ---------------------------------------------------------------- the hub itself


def token_for(repository: str) -> str:
    """Return the token of the environment for what may be pushed there.

    Raises InputError for a name that is no OWNER/NAME, and where HF_TOKEN is not set.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise InputError(f"a dataset on the hub is called OWNER/NAME, got {repository!r}")
    token = os.environ.get(TOKEN, "")
    if not token:
        raise InputError(f"no token for the hub: set the environment variable {TOKEN}")
    return token


def push_to_hub(folder: Path, repository: str, *, private: bool = False) -> str:
    """Put a folder that `write_folder` wrote on the hub, in one commit; return its address.

    The token comes from the environment variable HF_TOKEN and from nowhere else.

    Raises InputError as `token_for` does, CorpusError where the hub cannot be reached or refuses,
    MissingExtra without huggingface_hub.
    """
    token = token_for(repository)
    hub = _hub()
    api = hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
    try:
        api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
        api.upload_folder(
            folder_path=folder,
            repo_id=repository,
            repo_type="dataset",
            commit_message="Dataset written by pointline",
        )
    except (OSError, ValueError, *hub.errors.HfHubHTTPError.__bases__) as error:
        reason = " ".join(str(error).split()).replace(token, "***")
        raise CorpusError(f"{repository}: not pushed to the hub: {reason}") from None
    return f"{api.endpoint}/datasets/{repository}"


def fetch(name: str, *, revision: str | None = None) -> dict[str, Iterable[Mapping[str, Any]]]:
    """Return the tables of a dataset on the hub by "configuration/split", rows as plain values.

    Raises CorpusError where it cannot be had, MissingExtra without datasets.
    """
    datasets = _datasets()
    tables: dict[str, Iterable[Mapping[str, Any]]] = {}
    try:
        for configuration in datasets.get_dataset_config_names(name, revision=revision):
            found = datasets.load_dataset(name, configuration, revision=revision)
            tables |= {f"{configuration}/{split}": table for split, table in found.items()}
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        reason = " ".join(str(error).split())
        raise CorpusError(f"{name}: no dataset of the hub that can be read: {reason}") from None
    return tables


def _hub() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError:
        raise MissingExtra("huggingface_hub", extra="exchange") from None
    return huggingface_hub


def _datasets() -> Any:
    try:
        import datasets
    except ImportError:
        raise MissingExtra("datasets", extra="exchange") from None
    return datasets


#: A dataset as Hugging Face's library reads it.
FORM = Form(
    "datasets",
    "Hugging Face datasets",
    "",
    frozenset(PARTS) - {"scores", "prediction"},
    _read,
    _write,
)

"""The dataset card of a Hugging Face dataset: what the hub reads, and what a person reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pointline.format.tasks import LANGUAGES, Task

__all__ = ["FEATURES", "dataset_card"]

#: Every column, and what it holds; the types are those of `parquet.write`.
FEATURES: Mapping[str, str] = {
    "id": "unique in the dataset",
    "task": "name of the task",
    "text": "the text",
    "label": 'the text-level label, "" for none',
    "pairs": "label and entity; text[start:end] is the entity, in Unicode code points",
    "facts": "three or more strings each, such as head, relation, tail",
    "meta": "whatever else came with the record, a JSON object in a string",
}

_TYPES = """\
  features:
  - name: id
    dtype: string
  - name: task
    dtype: string
  - name: text
    dtype: string
  - name: label
    dtype: string
  - name: pairs
    list:
    - name: label
      dtype: string
    - name: entity
      dtype: string
    - name: start
      dtype: int64
    - name: end
      dtype: int64
    - name: ambiguous
      dtype: bool
  - name: facts
    list:
    - name: fields
      list: string
  - name: meta
    dtype: string"""

_USE = """\
```python
from datasets import load_dataset

dataset = load_dataset("OWNER/NAME")  # or the path of this folder
```

As records, with every check that pointline makes: `pointline data import datasets FOLDER --task
FOLDER --out DIR`."""


def dataset_card(task: Task, counts: Mapping[str, int], about: Mapping[str, Any]) -> str:
    """Return the card as Markdown with the hub's front matter.

    `counts` are records by the hub's name of a split; of `about`, a dataset's manifest, the
    sources, licences, notes and label counts are told.
    """
    parts = [
        f"# {task.name}",
        f"{LANGUAGES.get(task.lang, task.lang)} texts with a label each and word-level items"
        f" ({task.shape}). Task word: `{task.word}`.",
        _table(("split", "records"), [(split, f"{n:,}") for split, n in counts.items()]),
        _USE,
        "## Columns",
        _table(("column", "holds"), [(f"`{name}`", what) for name, what in FEATURES.items()]),
        "## Labels",
        _labels("Text-level labels", task.labels, about.get("labels")),
        _labels("Labels of items", task.item_labels, about.get("item_labels")),
        *_provenance(about),
    ]
    return _front_matter(task, counts, about) + "\n\n".join(parts) + "\n"


def _front_matter(task: Task, counts: Mapping[str, int], about: Mapping[str, Any]) -> str:
    files = [f"  - split: {split}\n    path: data/{split}-*.parquet" for split in counts]
    licence = "other" if about.get("licences") else "unknown"
    lines = [
        "---",
        f"pretty_name: {_quoted(task.name)}",
        f"language:\n- {_quoted(task.lang)}",
        f"license: {licence}",
        "task_categories:\n- text-classification\n- token-classification",
        "configs:\n- config_name: default\n  data_files:",
        *files,
        "dataset_info:",
        _TYPES,
        "---",
    ]
    return "\n".join(lines) + "\n\n"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # every JSON string is one of YAML


def _labels(title: str, known: Sequence[str] | None, counts: object) -> str:
    if isinstance(counts, Mapping) and counts:
        shown = [(_cell(str(label) or "(none)"), f"{n:,}") for label, n in counts.items()]
        return f"{title}, {'any' if known is None else 'of a closed set'}:\n\n" + _table(
            ("label", "count"), shown
        )
    return f"{title}: {'any' if known is None else ', '.join(known)}."


def _provenance(about: Mapping[str, Any]) -> list[str]:
    parts = []
    sources = [source for source in about.get("sources") or [] if isinstance(source, Mapping)]
    if sources:
        columns = ("corpus", "revision", "licence", "text", "labels", "items")
        cells = [[_cell(str(source.get(name) or "")) for name in columns] for source in sources]
        parts += ["## Sources", _table(columns, cells)]
    if about.get("licences"):
        licences = "\n".join(f"- {licence}" for licence in about["licences"])
        parts += ["## Licences", licences]
    if about.get("notes"):
        parts += ["## Notes", "\n".join(f"- {note}" for note in about["notes"])]
    return parts


def _cell(value: str) -> str:
    return " ".join(value.split()).replace("|", "\\|")


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

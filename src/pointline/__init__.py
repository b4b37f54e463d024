"""pointline: joint text-level and word-level information extraction.

>>> import pointline as pl
>>> pl.task("scnm-ja").word
'固有表現抽出'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pointline.errors import PointlineError
from pointline.format import codec
from pointline.format.record import Fact, Pair, Prediction, Record
from pointline.format.tasks import Task, adhoc, task, tasks
from pointline.score.match import Report, score
from pointline.version import __version__

if TYPE_CHECKING:
    from pointline.corpus.store import Dataset, read_dataset, read_records, write_records
    from pointline.model.extract import Extractor
    from pointline.score.comparison import compare

__all__ = [
    "Dataset",
    "Extractor",
    "Fact",
    "Pair",
    "PointlineError",
    "Prediction",
    "Record",
    "Report",
    "Task",
    "__version__",
    "adhoc",
    "codec",
    "compare",
    "read_dataset",
    "read_records",
    "score",
    "task",
    "tasks",
    "write_records",
]

# `score` is bound here and now: a later import of the package of that name leaves it alone.
# What needs more than the standard library is loaded when it is asked for.
_LATER = {
    "Dataset": "pointline.corpus.store",
    "read_dataset": "pointline.corpus.store",
    "read_records": "pointline.corpus.store",
    "write_records": "pointline.corpus.store",
    "Extractor": "pointline.model.extract",
    "compare": "pointline.score.comparison",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'pointline' has no attribute {name!r}")
    value = getattr(importlib.import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))

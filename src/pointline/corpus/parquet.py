"""Parquet in and out: rows of plain values. Whoever needs pyarrow asks here for it (`arrow`).

`meta` and `scores` are JSON strings in Parquet, because their keys differ from row to row. A row
whose columns of predictions are all null is a plain record's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import orjson

from pointline.errors import MissingExtra, RecordError

__all__ = ["STRICT", "arrow", "rows", "write"]

#: How orjson writes JSON here: a datetime or a dataclass is refused, because it would be read back
#: as something else.
STRICT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS

_ROWS_A_GROUP = 4096
_AS_JSON = ("meta", "scores")
_PREDICTED = ("scores", "completion", "repairs", "ok")


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file as plain values.

    Raises RecordError where the file is none, MissingExtra without pyarrow.
    """
    pa, pq = arrow()
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS_A_GROUP):
                yield from map(_unpacked, batch.to_pylist())
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise RecordError(f"not a Parquet file that can be read: {reason}", path=path) from None


def write(out: IO[bytes], values: Iterable[dict[str, Any]], *, predictions: bool = True) -> int:
    """Write rows of plain values to a binary file and return how many.

    `predictions=False` leaves out the columns that only predictions have.

    Raises MissingExtra without pyarrow.
    """
    pa, pq = arrow()
    schema = _schema(pa, predictions=predictions)
    left = iter(values)
    count = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        while group := [_packed(row) for row in islice(left, _ROWS_A_GROUP)]:
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            count += len(group)
    return count


def _schema(pa: Any, *, predictions: bool) -> Any:
    place = [("start", pa.int64()), ("end", pa.int64()), ("ambiguous", pa.bool_())]
    pair = pa.struct([("label", pa.string()), ("entity", pa.string()), *place])
    return pa.schema(
        [
            *((name, pa.string()) for name in ("id", "task", "text", "label")),
            ("pairs", pa.list_(pair)),
            ("facts", pa.list_(pa.struct([("fields", pa.list_(pa.string()))]))),
            ("meta", pa.string()),
            *(_predicted(pa) if predictions else ()),
        ]
    )


def _predicted(pa: Any) -> list[tuple[str, Any]]:
    return [
        ("scores", pa.string()),
        ("completion", pa.string()),
        ("repairs", pa.list_(pa.string())),
        ("ok", pa.bool_()),
    ]


def _packed(row: dict[str, Any]) -> dict[str, Any]:
    try:
        return row | {name: _to_json(row[name]) for name in _AS_JSON if name in row}
    except TypeError as error:
        raise RecordError(f"record {row['id']!r} cannot be written as JSON: {error}") from None


def _unpacked(row: dict[str, Any]) -> dict[str, Any]:
    predicted = any(row.get(name) is not None for name in _PREDICTED)
    plain = {k: v for k, v in row.items() if predicted or k not in _PREDICTED}
    for name in _AS_JSON:
        if isinstance(plain.get(name), str):
            plain[name] = _from_json(plain[name])
    return plain


def _to_json(value: Any) -> str:
    return orjson.dumps(value, option=STRICT).decode()


def _from_json(value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value  # refused with its row by the reader of records: 'meta' is an object


def arrow() -> tuple[Any, Any]:
    """Return pyarrow and pyarrow.parquet; raises MissingExtra where they are not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra("pyarrow", extra="parquet") from None
    return pa, pq

"""The log: one JSON object a line, without the texts."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

__all__ = ["LOGGER", "Lines", "to", "told_of"]

#: Under this name the server logs; what a line tells beside the event is in `extra["told"]`.
LOGGER = logging.getLogger("pointline.serve")


class Lines(logging.Formatter):
    """Writes a log record as one line of JSON.

    Of an error it tells the kind and the places in the code, and not the message: that could hold
    a part of a text.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage().strip(),
            **getattr(record, "told", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            told |= told_of(record.exc_info[1])
        return orjson.dumps(told, default=str).decode()


def told_of(error: BaseException) -> Mapping[str, Any]:
    """Return what is logged of an error: its kind and where it came from."""
    places = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return {"error": type(error).__name__, "at": places[-12:]}


def to(stream: TextIO) -> None:
    """Log to a stream; what the HTTP server has to say, and of what a thread died, as well."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines())
    for name, level in (("pointline.serve", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
    threading.excepthook = _died


def _died(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None:
        LOGGER.critical("a thread died", extra={"told": told_of(told.exc_value)})

"""What the server counts, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from pointline.version import __version__

__all__ = ["CONTENT_TYPE", "Metrics"]

#: The content type of the text format.
CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The counts of one server; its names are in docs/serving.md."""

    def __init__(self, model: str) -> None:
        """Begin to count."""
        self._registry = registry = CollectorRegistry()
        about = Gauge(
            "pointline_server",
            "The version and the model.",
            ("version", "model"),
            registry=registry,
        )
        about.labels(__version__, model).set(1)
        self.requests = Counter(
            "pointline_requests", "Requests.", ("route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "pointline_request_seconds",
            "Seconds from a request's head to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.texts = Counter(
            "pointline_texts", "Texts by outcome.", ("outcome",), registry=registry
        )
        self.errors = Counter("pointline_errors", "Errors by code.", ("code",), registry=registry)
        self.tokens = Counter("pointline_tokens", "Tokens that were written.", registry=registry)
        self.characters = Counter(
            "pointline_characters", "Characters of the texts that were read.", registry=registry
        )
        self.waited = Histogram(
            "pointline_text_wait_seconds",
            "Seconds that a text waited to be read.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.rows = Gauge("pointline_batch_rows", "Rows of the running batch.", registry=registry)
        ProcessCollector(registry=registry)

    def watch(self, name: str, told: str, value: Callable[[], float]) -> None:
        """Show a value that is asked for when the metrics are."""
        Gauge(f"pointline_{name}", told, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """Return everything as text."""
        return generate_latest(self._registry)

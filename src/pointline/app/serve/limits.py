"""What a server takes and how long it waits; and what it says where it does not."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from pointline.errors import InputError, PointlineError

__all__ = ["Closed", "Limits", "Refusal", "brief", "closed"]

_LONGEST = 400  # characters of a message

#: Why no more texts are taken.
Closed = Literal["stopping", "failed"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a server: together they bound its memory.

    `queue`: texts that are accepted and not answered yet, of all requests; `texts`: of one
    request; `text`: characters of one text; `labels`: of a label set, `label` the characters of
    one, `label_sum` those of all that a request brings. `body`: bytes of a request's body,
    `bodies` of all that are held at a time. `connections`: that are open at a time.

    Seconds: `answer` from the texts' acceptance to the results; `body_wait` until its body is
    there; `head_wait` until its head is, and until a closed connection's last bytes are gone;
    `write_wait` until a reader takes what is sent; `grace` until the server stops that was told
    to; `stall` without a finished text after which the model counts as hung.

    Raises InputError for a bound that is not above zero, `texts` above `queue`, or `body` above
    `bodies`.
    """

    queue: int = 256
    texts: int = 64
    text: int = 20_000
    labels: int = 200
    label: int = 200
    label_sum: int = 5000
    body: int = 4 * 2**20
    bodies: int = 64 * 2**20
    connections: int = 512
    answer: float = 60
    body_wait: float = 15
    head_wait: float = 10
    write_wait: float = 20
    grace: float = 30
    stall: float = 300

    def __post_init__(self) -> None:
        for one in fields(self):
            if not getattr(self, one.name) > 0:  # nor is what is no number
                raise InputError(f"{one.name} is above 0, got {getattr(self, one.name)}")
        if self.body > self.bodies:
            raise InputError(f"a body of {self.body:,} bytes does not fit into {self.bodies:,}")
        if self.texts > self.queue:
            raise InputError(
                f"a request of {self.texts} texts would never fit into a queue of {self.queue}:"
                " allow fewer texts, or a longer queue"
            )


class Refusal(PointlineError):
    """A request that is not served: the status, a code for programs, a line for people."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None
    ) -> None:
        """Keep what is answered; `retry_after` is in seconds."""
        super().__init__(brief(message))
        self.status = status
        self.code = code
        self.retry_after = retry_after

    @property
    def told(self) -> dict[str, dict[str, str]]:
        """Return the answer's body."""
        return {"error": {"code": self.code, "message": str(self)}}

    @property
    def headers(self) -> dict[str, str]:
        """Return the answer's headers."""
        found = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return found | ({"www-authenticate": "Bearer"} if self.status == 401 else {})


def closed(why: Closed) -> Refusal:
    """Return the refusal of texts that are not taken any more, or given up."""
    if why == "stopping":
        message = "the server is stopping: ask again, or another"
        return Refusal(503, "stopping", message, retry_after=5)
    message = "the model has failed: the server has to be started again"
    return Refusal(503, "model_failed", message, retry_after=30)


def brief(message: str) -> str:
    """Return a message as it is answered: of what was sent no long part comes back.

    >>> brief("no task 'a' " + "b" * 1000)[-5:]
    'bbb …'
    """
    if len(message) > _LONGEST:
        message = message[:_LONGEST] + " …"
    return message.encode("utf-8", "backslashreplace").decode()

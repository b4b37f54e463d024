"""A socket that a page or a server is served on, taken before anything is said of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from pointline.errors import InputError

__all__ = ["listening"]


@contextmanager
def listening(host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
    """Give a socket that listens on an address (port 0: any free one), and its URL.

    Raises InputError where that cannot be.
    """
    with _bound(host, port) as bound:
        shown = f"[{host}]" if ":" in host else host
        yield bound, f"http://{shown}:{bound.getsockname()[1]}"


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen()  # who follows the address at once is let wait, not refused
    except OSError as error:
        bound.close()
        reason = error.strerror or str(error)
        raise InputError(
            f"{host}:{port}: cannot serve here ({reason}): choose another --port"
        ) from None
    return bound

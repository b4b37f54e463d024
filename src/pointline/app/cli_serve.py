"""`pointline serve`: an extractor behind HTTP, with a page to try it on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from pointline.app import cli_extract, show
from pointline.app.listening import listening
from pointline.app.options import AdapterName, Device, Dtype, ModelName, Precision
from pointline.errors import InputError

__all__ = ["serve"]

_TOKEN = "POINTLINE_SERVE_TOKEN"
_WARM = "Ada moved from London to Turin in 1840."


def _limit(told: str, **bounds: Any) -> Any:
    return typer.Option(help=told, rich_help_panel="Limits", **bounds)


Host = Annotated[str, typer.Option(help="Address to serve on; others than loopback need a token.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 is any free one.")]
AtATime = Annotated[int, typer.Option(min=1, help="Texts that are read at a time.")]
TokenFile = Annotated[
    Path | None,
    typer.Option(help=f"A file with the bearer token; {_TOKEN} if absent.", show_default=False),
]
Open = Annotated[bool, typer.Option("--open", help="Serve beyond loopback without a token.")]
Origins = Annotated[
    list[str] | None,
    typer.Option(help="A site whose pages may ask, e.g. https://example.org; may be repeated."),
]
LogTexts = Annotated[bool, typer.Option("--log-texts", help="Put the texts into the log.")]
MaxQueue = Annotated[int, _limit("Texts accepted and not answered yet.", min=1)]
MaxTexts = Annotated[
    int | None, _limit("Texts of a request; 64 if the queue has room.", min=1, show_default=False)
]
MaxText = Annotated[int, _limit("Characters of a text.", min=1)]
MaxBody = Annotated[int, _limit("KiB of a request's body.", min=1)]
Answer = Annotated[float, _limit("Seconds until a request is given up.")]
Grace = Annotated[float, _limit("Seconds to finish in when told to stop.")]


def serve(
    model: ModelName = None,
    adapter: AdapterName = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    batch_size: AtATime = 8,
    device: Device = None,
    dtype: Dtype = "float32",
    precision: Precision = "float32",
    token_file: TokenFile = None,
    open_to_all: Open = False,
    allow_origin: Origins = None,
    max_queue: MaxQueue = 256,
    max_texts: MaxTexts = None,
    max_text: MaxText = 20_000,
    max_body: MaxBody = 4096,
    timeout: Answer = 60,
    grace: Grace = 30,
    log_texts: LogTexts = False,
) -> None:
    """Serve a model over HTTP, with a page to try it on (docs/serving.md).

    Example: pointline serve --port 8000

    curl -s localhost:8000/v1/extract -H 'Content-Type: application/json'
    -d '{"text": "Ada moved from London to Turin.", "task": "scnm-en"}'
    """
    from pointline.app.serve import Limits, make_site, require
    from pointline.review.guard import is_loopback

    require()
    limits = Limits(
        queue=max_queue,
        texts=max_texts or min(64, max_queue),
        text=max_text,
        body=max_body * 2**10,
        bodies=max(2**26, max_body * 2**14),
        answer=timeout,
        grace=grace,
    )
    local, token = is_loopback(host), _token(token_file)
    _check(model, host, allow_origin or (), allowed=local or bool(token) or open_to_all)
    with listening(host, port) as (bound, base):
        extractor = cli_extract.load(
            model, adapter, device=device, dtype=dtype, precision=precision
        )
        site = make_site(
            extractor,
            limits=limits,
            batch_size=batch_size,
            local=local,
            token=token,
            open_to_all=open_to_all,
            origins=allow_origin or (),
            log_texts=log_texts,
        )
        extractor(_WARM, entities=["place"])  # so that the first answer does not wait for it
        _log()
        show.say(f"serving {site.model} at {base} (Ctrl+C ends)")
        site.server().run(sockets=[bound])


def _check(model: str | None, host: str, origins: Iterable[str], *, allowed: bool) -> None:
    """Raise InputError, before anything is loaded, for what must not be served."""
    from pointline.app.serve.gate import origin_of
    from pointline.model.chat.question import PREFIX, RAW

    for origin in origins:
        origin_of(origin)
    if not allowed:
        raise InputError(
            f"{host}: others can reach this: give a token ({_TOKEN} or --token-file), or --open"
        )
    if model is not None and model.startswith((PREFIX, RAW)):
        raise InputError(f"{model} is behind a server already: ask that one, or name a model")


def _token(file: Path | None) -> str:
    """Return the bearer token, "" where none is asked for."""
    if file is None:
        return os.environ.get(_TOKEN, "").strip()
    try:
        token = file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise InputError(f"{file}: the file is not UTF-8 text: write the token into it") from None
    if not token:
        raise InputError(f"{file}: the file is empty: write the token into it")
    return token


def _log() -> None:
    from pointline.app.serve import logs

    logs.to(sys.stderr)

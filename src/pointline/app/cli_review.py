"""`pointline review`: the page on which people check drafts, and what came of it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pointline.app import show
from pointline.app.listening import listening
from pointline.app.options import Json, print_json
from pointline.errors import InputError, MissingExtra

if TYPE_CHECKING:
    from pointline.review.desk import Desk
    from pointline.review.item import Review

__all__ = ["review"]

_TOKEN = "POINTLINE_REVIEW_TOKEN"
_SHOWN = ("items", "flagged", "corrected", "share_corrected")


def review(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="SOURCE DRAFT, one FILE alone, or a folder to choose in.",
            show_default=False,
        ),
    ] = None,
    db: Annotated[
        str | None,
        typer.Option(
            help="A SQLite file or a database URL; review.sqlite beside the draft if absent.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to serve on; others need a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 is any free one.")] = 8765,
    second: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            show_default=False,
            help="Share of items that a second person judges; 0.1 in a new review.",
        ),
    ] = None,
    lease: Annotated[
        float, typer.Option(min=10, help="Seconds that an opened item is kept for its reviewer.")
    ] = 300,
    upload: Annotated[int, typer.Option(min=1, help="Largest upload in MiB.")] = 64,
    export: Annotated[
        Path | None,
        typer.Option(
            help="Serve nothing: write what is decided to this folder.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Serve the review page, or export what was decided (docs/review.md).

    Example: pointline review data/scnm-ja/test.jsonl drafts/scnm-en/test.jsonl --port 8765
    """
    from pointline.review.desk import Desk
    from pointline.review.queue import Queue

    given = [path.resolve() for path in paths or [Path()]]
    sides, folder = _sides(given)
    with Queue(db or folder / "review.sqlite", lease=lease) as queue:
        desk = Desk(queue, folder, share=second)
        found = _opened(desk, sides) if sides else None
        if export is None:
            _serve(desk, found, host=host, port=port, upload=upload)
            return
        if found is None:
            raise InputError("name the files whose review is to be exported: SOURCE DRAFT, or FILE")
        _export(desk, found, export, json=json)


def _sides(given: list[Path]) -> tuple[list[Path], Path]:
    """Return the files to open, none where a folder is to be chosen in, and the folder."""
    from pointline.review import files

    if len(given) > 2:
        raise InputError(f"two files are looked at side by side, got {len(given)}")
    for path in given:
        if not path.exists():
            raise InputError(f"{path}: there is no such file")
    if len(given) == 1 and given[0].is_dir() and not files.is_dataset(given[0]):
        return [], given[0]
    return given, given[-1].parent


def _opened(desk: Desk, sides: list[Path]) -> Review:
    from pointline.review import pairing

    found = [pairing.side(path) for path in sides]
    done = 0
    with show.progress("opening") as advance:

        def more(count: int) -> None:
            nonlocal done
            done += count
            advance(done, done)

        opened = desk.open(found[0] if len(found) == 2 else None, found[-1], progress=more)
    if opened.kept:
        show.say(
            f"{opened.kept} drafts changed in their file after somebody worked on them:"
            " what was decided is kept",
            to=show.errors,
        )
    return opened.review


def _export(desk: Desk, review: Review, out: Path, *, json: bool) -> None:
    from pointline.review.export import export as write

    told = write(desk.queue, review, out)
    if json:
        print_json(told)
        return
    numbers = {**told["statuses"], **{key: told[key] for key in _SHOWN}}
    rows = [(key, _number(value)) for key, value in numbers.items()]
    show.put(show.table((str(out), ""), rows))


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.1%}" if isinstance(value, float) else str(value)


# ---------------------------------------------------------------- the server


def _serve(desk: Desk, review: Review | None, *, host: str, port: int, upload: int) -> None:
    from pointline.review import guard, web

    try:
        import uvicorn
    except ImportError:
        raise MissingExtra("uvicorn", extra="review") from None
    local = guard.is_loopback(host)
    token = "" if local else os.environ.get(_TOKEN) or secrets.token_urlsafe(24)
    app = web.make_app(desk, token=token, local=local, limits=web.Limits(upload=upload * 2**20))
    with listening(host, port) as (bound, base):
        page = f"/token?key={token}" if token else f"/r/{review.id}" if review else "/"
        show.say(f"review at {base}{page} (Ctrl+C ends)")
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, lifespan="off"
        )
        with suppress(KeyboardInterrupt):  # that is how it ends
            uvicorn.Server(config).run(sockets=[bound])

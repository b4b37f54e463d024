"""The first page: which two files, of the folder or uploaded."""

# no `from __future__ import annotations`: FastAPI reads the types of routes that are made late

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

from pointline.errors import InputError
from pointline.review import files, pairing
from pointline.review.pairing import Side
from pointline.review.web.frame import Frame, see

if TYPE_CHECKING:
    from fastapi import FastAPI, UploadFile

__all__ = ["add_files"]


def add_files(app: "FastAPI", web: Frame) -> None:
    """Offer the files of the folder, and the reviews that were begun."""
    from fastapi import File, Form, Request, UploadFile

    @app.get("/")
    def choose(request: Request) -> Any:
        if not web.session(request).name:
            return see("/enter")
        reviews = [(review, web.numbers(review, request)) for review in web.desk.queue.reviews()]
        return web.page(request, "files.html", reviews=reviews, **web.choice())

    @app.post("/open")
    def open_files(
        request: Request,
        csrf: str = Form(""),
        source: str = Form(""),
        draft: str = Form(""),
        source_file: Annotated[UploadFile | None, File()] = None,
        draft_file: Annotated[UploadFile | None, File()] = None,
    ) -> Any:
        web.check(request, csrf)
        with tempfile.TemporaryDirectory() as kept:
            sides = [
                _uploaded(upload, Path(kept) / str(at)) or (_listed(web, name) if name else None)
                for at, (upload, name) in enumerate(((source_file, source), (draft_file, draft)))
            ]
            if sides[1] is None:
                raise InputError("choose a translation, or the file to check")
            opened = web.desk.open(sides[0], sides[1])
        return see(f"/r/{opened.review.id}")


def _listed(web: Frame, name: str) -> Side:
    return pairing.side(files.chosen(web.desk.folder, name), name=name.rstrip("/"))


def _uploaded(upload: "UploadFile | None", place: Path) -> Side | None:
    """Keep an upload under a name of ours; its own name is shown and no more."""
    if upload is None or not upload.size:
        return None
    body = upload.file
    parquet = body.read(4) == b"PAR1"
    body.seek(0)
    file = place.with_suffix(".parquet" if parquet else ".jsonl")
    _copy(body, file)
    shown = "".join(char for char in upload.filename or "" if char.isprintable())[-80:]
    return Side(shown or "upload", {"train": file}, uploaded=True)


def _copy(body: BinaryIO, file: Path) -> None:
    with file.open("wb") as out:
        while chunk := body.read(2**20):
            out.write(chunk)

"""One self-contained page: what was found, in words, and the samples, layer by layer.

The page asks for nothing from anywhere. Its one script is ours and named by its hash, so that no
other can run; texts reach it as JSON and the document as text, never as markup.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import orjson

from pointline.model.runfolder import RunFolder
from pointline.study.flow.curves import QUANTITIES, Band, Curves
from pointline.study.flow.prompt import Role
from pointline.study.flow.result import FlowResult, FlowStudy
from pointline.study.flow.settings import View
from pointline.study.flow.shown import Shown, read_shown
from pointline.study.flow.words import CRITICISM, STRUCTURE, conclusions, settings

if TYPE_CHECKING:
    from pointline.study.flow.parts import Array

__all__ = ["page", "write_page"]

_DECADES = 4  # of the map's logarithmic scale
_DIGITS = 4  # significant, of the numbers in the page


def write_page(study: FlowStudy) -> Path:
    """Write `index.html` into the study's folder and return its path."""
    RunFolder(study.folder).write_text("index.html", page(study))
    return study.folder / "index.html"


def page(study: FlowStudy) -> str:
    """Return the page as one string of HTML."""
    static = files("pointline.study.flow") / "static"
    script = (static / "page.js").read_text(encoding="utf-8")
    data = orjson.dumps(_data(study)).decode().replace("<", "\\u003c")
    return Template((static / "page.html").read_text(encoding="utf-8")).substitute(
        hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=(static / "page.css").read_text(encoding="utf-8"),
        settings=escape(settings(study)),
        table=_table(study),
        structure=_list(STRUCTURE),
        criticism=_list(CRITICISM),
        data=data,
        script=script,
    )


def _list(sentences: Iterable[str]) -> str:
    return "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)


def _table(study: FlowStudy) -> str:
    headers = (
        "dataset", "samples", "right", "loss", "S_wp ÷ null", "S_pq ÷ null", "S_wp outside",
        "S_pq outside", "~ positions", "~ weights", "text → info", "info → target",
    )  # fmt: skip
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(result))}</tr>"
        for result in study.results.values()
    )
    head = "".join(f"<th>{escape(header)}</th>" for header in headers)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cells(result: FlowResult) -> Iterator[str]:
    found = result.findings
    yield from (result.name, str(result.curves.samples), f"{found.right:.0%}", f"{found.loss:.2f}")
    yield from (f"{ratio:.2f}" for ratio in found.ratio)
    for above, below in zip(found.above, found.below, strict=True):
        yield f"{above}+ {below}− of {found.layers}"
    yield f"{found.like_null:.2f}"
    yield "–" if found.like_random is None else f"{found.like_random:.2f}"
    yield from (f"{float(sum(effect)):+.3f}" for effect in result.curves.estimate.middle)


def _data(study: FlowStudy) -> dict[str, Any]:
    return {
        "view": study.config.view,
        "roles": [role.name for role in Role],
        "datasets": [
            {
                "name": name,
                "lang": result.task.lang,
                "layers": list(result.curves.layers),
                "conclusions": list(conclusions(result)),
                "means": list(_curves(result, "means")),
                "shares": list(_curves(result, "shares")),
                "samples": [_sample(read_shown(path)) for path in result.shown],
            }
            for name, result in study.results.items()
        ],
    }


def _curves(result: FlowResult, view: View) -> Iterator[dict[str, Any]]:
    own, null = result.curves.of(view)
    for number, name in enumerate(QUANTITIES):
        random = _random(result.random, view, number)
        yield {
            "name": name,
            "middle": _rounded(own.middle[number]),
            "null": _rounded(null.middle[number]),
            "null_low": _rounded(null.low[number]),
            "null_high": _rounded(null.high[number]),
            **({"random": random} if random else {}),
        }


def _random(random: Iterable[Curves], view: View, number: int) -> list[float]:
    bands: list[Band] = [one.of(view)[0] for one in random]
    return _rounded(sum(band.middle[number] for band in bands) / len(bands)) if bands else []


def _sample(shown: Shown) -> dict[str, Any]:
    return {
        "id": shown.id,
        "text": shown.text,
        "spans": [list(span) for span in shown.spans],
        "token_roles": [int(role) for role in shown.roles],
        "target": [_rounded(row) for row in shown.into_target],
        "info": [_rounded(row) for row in shown.into_info],
        "map": _packed(shown.maps),
    }


def _packed(maps: Array) -> str:
    """Return the maps as bytes, 255 for the greatest and 0 for a ten-thousandth, compressed."""
    import numpy as np

    top = float(maps.max()) or 1.0
    scaled = np.log10(np.maximum(maps / top, 10.0**-_DECADES)) / _DECADES + 1
    levels = (scaled * 255).round().astype(np.uint8)
    return base64.b64encode(zlib.compress(levels.tobytes(), 9)).decode()


def _rounded(values: Any) -> list[float]:
    return [float(f"{float(value):.{_DIGITS}g}") for value in values]

"""How every figure looks, and how it is written: the only owner of matplotlib.

A figure is drawn with `drawing` and comes as PNG, SVG and the CSV of what it shows. The colours are
those of Okabe and Ito, which people of any colour vision tell apart.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.errors import CorpusError, MissingExtra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "GREY", "INK", "Drawn", "Sheet", "drawing", "ink_on", "tint"]

#: The colours of series, in their order.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D00", "#4D4D4D")

#: Text and lines, and what stands behind.
INK, GREY = "#222222", "#BBBBBB"

# The package of the extra: one font of Japanese, Chinese and Korean, and a module without types.
_PACKAGE = "noto_cjk_sans_jp_regular"

#: What is drawn in place of a character that no font here has.
_BLANK = "□"

# Where the package of the extra is not there: fonts that systems bring, those with most scripts
# first. Each character is taken from the first that has it.
_FONTS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans JP", "Source Han Sans SC",
    "Noto Sans JP", "Noto Sans SC", "Hiragino Sans", "PingFang SC", "Yu Gothic",
    "Microsoft YaHei", "IPAexGothic", "WenQuanYi Zen Hei", "SimHei", "DejaVu Sans",
)  # fmt: skip
_STYLE: dict[str, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign is a dollar sign
    "legend.frameon": False,
    "svg.fonttype": "path",  # letters as outlines: the same everywhere, with or without the font
    "svg.hashsalt": "pointline",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """The files of a figure; `missing` are the characters that no font here has."""

    files: tuple[Path, ...]
    missing: str = ""


class Sheet:
    """A figure that is being drawn: `figure` is matplotlib's."""

    def __init__(self, figure: Figure, stem: Path) -> None:
        """Begin with an empty figure, to be written as `stem`.png and .svg."""
        self.figure = figure
        self._stem, self._missing = stem, ""

    def shown(self, text: str) -> str:
        """Return a text as it can be drawn: a character that no font has becomes a box.

        Raises MissingExtra for Chinese or Japanese where no font for them is there.
        """
        without = sorted({char for char in text if ord(char) not in _characters()})
        for char in without:
            if "\u3040" <= char <= "\u9fff" and ord("一") not in _characters():
                name, note = f"a font that has {char}", "or the system's Noto Sans CJK"
                raise MissingExtra(name, extra="plots", note=note)
            if char not in self._missing:
                self._missing += char
        return text.translate(dict.fromkeys(map(ord, without), _BLANK))

    def drawn(self) -> Drawn:
        """Return the files, and what could not be drawn."""
        files = (self._stem.with_name(f"{self._stem.name}.{kind}") for kind in _KINDS)
        return Drawn(tuple(file for file in files if file.is_file()), self._missing)


_KINDS = ("png", "svg", "csv")


@contextmanager
def drawing(
    stem: Path,
    size: tuple[float, float],
    *,
    header: Sequence[str] = (),
    rows: Iterable[Sequence[object]] = (),
) -> Iterator[Sheet]:
    """Give an empty figure in the style of all; where the block ends well, it is written.

    `size` is width and height in inches. `stem`.csv gets `header` and `rows`, where there is a
    header, `stem`.png and `stem`.svg the figure; the same figure gives the same bytes.

    Raises CorpusError where a file is in the folder's place, MissingExtra without matplotlib.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("matplotlib", extra="plots") from None
    if stem.parent.is_file():
        raise CorpusError(f"{stem.parent}: this is a file: name a folder for the figures")
    stem.parent.mkdir(parents=True, exist_ok=True)
    style: Any = {**_STYLE, "font.family": list(_families())}
    with mpl.rc_context(style):
        sheet = Sheet(Figure(figsize=size, layout="constrained"), stem)
        yield sheet
        if header:
            _write_csv(stem.with_name(f"{stem.name}.csv"), header, rows)
        sheet.figure.savefig(f"{stem}.png", dpi=200)
        sheet.figure.savefig(f"{stem}.svg", metadata={"Date": None})


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)


# ---------------------------------------------------------------- fonts


@lru_cache(maxsize=1)
def _families() -> tuple[str, ...]:
    """Return the names of the fonts that are there, the first to be asked first."""
    from matplotlib import font_manager

    if find_spec(_PACKAGE):
        with as_file(files(_PACKAGE)) as folder:
            for path in sorted(folder.glob("*.otf")):
                font_manager.fontManager.addfont(path)
    there = set(font_manager.fontManager.get_font_names())
    return tuple(name for name in _FONTS if name in there)


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    """Return the code points that one of the fonts has, and the line break."""
    from matplotlib import font_manager

    found = {ord("\n")}
    for name in _families():
        properties = font_manager.FontProperties(family=name)
        found |= font_manager.get_font(font_manager.findfont(properties)).get_charmap().keys()
    return frozenset(found)


# ---------------------------------------------------------------- colours


def tint(colour: str, share: float) -> str:
    """Return a colour mixed with white: `share` 1 is the colour, 0 white.

    >>> tint("#0072B2", 0.5)
    '#80b8d8'
    """
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 - share * (255 - part)):02x}" for part in parts)


def ink_on(colour: str) -> str:
    """Return the colour of text that stands out most on a colour (WCAG contrast).

    >>> ink_on("#FFFFFF"), ink_on("#0072B2")
    ('#222222', '#FFFFFF')
    """
    linear = []
    for at in (1, 3, 5):
        part = int(colour[at : at + 2], 16) / 255
        linear.append(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    red, green, blue = linear
    return INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.213 else "#FFFFFF"

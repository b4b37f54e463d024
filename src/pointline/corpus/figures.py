"""Figures of datasets: sizes as a sunburst, labels, how the two levels go together.

Each is written as PNG, SVG and the CSV of what it shows (`canvas.drawing`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.corpus.association import Grid, Mutual
from pointline.corpus.canvas import (
    COLOURS,
    GREY,
    Drawn,
    Sheet,
    drawing,
    ink_on,
    tint,
)
from pointline.corpus.describe import SplitStats, Stats
from pointline.corpus.manifest import read_manifest, task_in
from pointline.errors import CorpusError
from pointline.format.tasks import LANGUAGES, TASKS, Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "Size",
    "grid",
    "label_shares",
    "labels",
    "levels",
    "of_dataset",
    "of_datasets",
    "short",
    "size_of",
    "sunburst",
]

_BARS = 14  # labels in a chart of bars; the rest is summed up


@dataclass(frozen=True, slots=True)
class Size:
    """How many records a dataset has, by split, as its manifest says."""

    task: Task
    counts: Mapping[str, int]

    @property
    def records(self) -> int:
        """All records."""
        return sum(self.counts.values())


def size_of(folder: str | Path) -> Size:
    """Return the size of a dataset folder, from its manifest alone.

    Raises CorpusError where the manifest tells of no task or no counts.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    task, counts = task_in(manifest, path=folder), manifest.get("counts")
    if task is None or not isinstance(counts, Mapping):
        raise CorpusError(f"{folder}: its manifest tells of no task and counts")
    return Size(task, dict(counts))


# ---------------------------------------------------------------- sunburst


def sunburst(sizes: Sequence[Size], stem: str | Path) -> Drawn:
    """Draw the sizes of datasets as rings: language, family, sub-dataset (MMM, Figure 2)."""
    order = {lang: at for at, lang in enumerate(LANGUAGES)}
    ordered = sorted(sizes, key=lambda size: order.get(size.task.lang, len(order)))
    rows = [
        (size.task.lang, _family(size.task), size.task.name, size.records, *_splits(size))
        for size in ordered
    ]
    header = ("language", "family", "dataset", "records", "train", "dev", "test")
    with drawing(Path(stem), (7.2, 7.2), header=header, rows=rows) as sheet:
        axes = sheet.figure.add_subplot(projection="polar")
        axes.set(theta_zero_location="N", theta_direction=-1, ylim=(0, 1))
        axes.set_axis_off()
        _rings(sheet, axes, ordered)
    return sheet.drawn()


def _splits(size: Size) -> tuple[int, ...]:
    return tuple(size.counts.get(split, 0) for split in ("train", "dev", "test"))


def _family(task: Task) -> str:
    """Return the family that a ring names: the variants of SCPOS are one."""
    return task.family.removeprefix("open-").partition("-")[0].upper()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a ring: where it begins and how wide it is in radians, and what it says."""

    name: str
    records: int
    start: float
    angle: float
    ring: int
    colour: str


# The rings from the middle: bottom, top, share of the colour, size of the letters.
_RINGS = ((0.20, 0.44, 1.0, 9.0), (0.45, 0.67, 0.62, 7.5), (0.68, 0.98, 0.34, 6.5))


def _rings(sheet: Sheet, axes: Axes, sizes: Sequence[Size]) -> None:
    total = sum(size.records for size in sizes)
    for piece in _pieces(sizes, max(1, total)):
        bottom, top, share, _ = _RINGS[piece.ring]
        shade = tint(piece.colour, share)
        axes.bar(
            piece.start, top - bottom, width=piece.angle, bottom=bottom,
            align="edge", color=shade, edgecolor="white", linewidth=1.2,
        )  # fmt: skip
        _ring_label(sheet, axes, piece, ink_on(shade))
    axes.text(0, 0, f"{total:,}\nrecords", ha="center", va="center", fontsize=12)


def _pieces(sizes: Sequence[Size], total: int) -> Iterator[_Piece]:
    langs = list(dict.fromkeys(size.task.lang for size in sizes))
    keys = (
        [(s.task.lang, LANGUAGES.get(s.task.lang, s.task.lang)) for s in sizes],
        [(s.task.lang + _family(s.task), _family(s.task)) for s in sizes],
        [(s.task.name, _variant(s.task)) for s in sizes],
    )
    for ring, named in enumerate(keys):
        start = 0.0
        for key, name in dict.fromkeys(named):
            members = [s for s, (other, _) in zip(sizes, named, strict=True) if other == key]
            records = sum(size.records for size in members)
            angle = 2 * math.pi * records / total
            colour = COLOURS[langs.index(members[0].task.lang) % len(COLOURS)]
            yield _Piece(name, records, start, angle, ring, colour)
            start += angle


def _ring_label(sheet: Sheet, axes: Axes, piece: _Piece, ink: str) -> None:
    """Write into a piece, along the radius where it is narrow; not at all into a sliver."""
    bottom, top, _, size = _RINGS[piece.ring]
    at, middle = piece.start + piece.angle / 2, (bottom + top) / 2
    width = piece.angle * middle
    if width < 0.028:
        return
    along = piece.ring == 2 or width < 0.2
    turn = (90 if along else 0) - math.degrees(at)
    turn = (turn + 90) % 180 - 90  # no letter stands on its head
    text = f"{piece.name}{' ' if along else chr(10)}{piece.records:,}"
    axes.text(
        at, middle, sheet.shown(text), rotation=turn, rotation_mode="anchor",
        ha="center", va="center", fontsize=size, color=ink, linespacing=1.1,
    )  # fmt: skip


def _variant(task: Task) -> str:
    """Return what a dataset is called in its family: RW, Adj, ... for those of SCPOS."""
    name = {"rw": "RW", "adjn": "Adj & N", "adj": "Adj", "n": "N"}
    return name.get(task.family.removeprefix("scpos-"), task.name)


# ---------------------------------------------------------------- labels


def labels(stats: Stats, stem: str | Path) -> Drawn:
    """Draw the text labels, the item labels and the items of a record, of one dataset."""
    total = stats.total
    panels = (("text label", total.labels), ("item label", total.item_labels))
    rows = [
        (kind, name, count, count / max(1, sum(counts.values())))
        for kind, counts in (*panels, ("items of a record", total.bags))
        for name, count in counts.items()
    ]
    shown = [_first(counts, _BARS) for _, counts in panels]
    height = 1.3 + 0.24 * max(5, *map(len, shown))
    header = ("kind", "name", "count", "share")
    with drawing(Path(stem), (10.0, height), header=header, rows=rows) as sheet:
        sheet.figure.suptitle(
            sheet.shown(f"{stats.task}: {total.records:,} records"), x=0.01, ha="left"
        )
        axes = sheet.figure.subplots(1, 3, width_ratios=(1, 1, 0.8))
        titles = (
            f"Text labels ({len(total.labels):,})",
            f"Item labels ({len(total.item_labels):,})",
        )
        for place, counts, title, colour in zip(axes, shown, titles, COLOURS, strict=False):
            _bars(sheet, place, counts, colour)
            place.set_title(title)
        _histogram(axes[2], total)
    return sheet.drawn()


def _first(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """Return the largest counts, and the sum of the others."""
    names = list(counts)
    size = len(names) if len(names) == size + 1 else size
    kept = {name or "(none)": counts[name] for name in names[:size]}
    if others := names[size:]:
        kept[f"({len(others):,} others)"] = sum(counts[name] for name in others)
    return kept


def _is_rest(name: str) -> bool:
    return name.startswith("(") and name.endswith(" others)")


def _bars(
    sheet: Sheet, axes: Axes, counts: Mapping[str, int], colour: str, *, room: int = 5
) -> None:
    """Draw a bar a label, the largest above, with its count and share; for `room` bars or more."""
    total = max(1, sum(counts.values()))
    names = [sheet.shown(short(name)) for name in counts]
    colours = [GREY if _is_rest(name) else colour for name in counts]
    drawn = axes.barh(range(len(names)), list(counts.values()), color=colours, height=0.72)
    told = [f"{count:,} ({count / total:.1%})" for count in counts.values()]
    axes.bar_label(drawn, told, padding=3, fontsize=7.5)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.38 * max([1, *counts.values()]))
    axes.set_ylim(max(1, room, len(names)) - 0.5, -0.5)
    axes.tick_params(left=False, bottom=False, labelbottom=False)
    axes.spines["bottom"].set_visible(False)


def short(name: str, width: int = 24) -> str:
    """Return a name that takes at most so many columns, wide characters being two.

    >>> short("人名と地名", 7)
    '人名…'
    """
    columns = 0
    for at, char in enumerate(name):
        columns += 2 if char >= "\u1100" else 1
        if columns > width:
            return f"{name[: max(1, at - 1)]}…"
    return name


def _histogram(axes: Axes, total: SplitStats) -> None:
    most = 20
    counts = [total.bags.get(size, 0) for size in range(min(most, max(total.bags, default=0)) + 1)]
    counts[-1] += sum(count for size, count in total.bags.items() if size > most)
    drawn = axes.bar(range(len(counts)), counts, color=COLOURS[2], width=0.8)
    if len(counts) <= 8:
        axes.bar_label(drawn, [f"{count:,}" for count in counts], fontsize=7.5, padding=2)
    axes.set_title(f"Items of a record (mean {total.items_per_record:.2f})")
    axes.set(ylabel="records", xlabel="items" + (f" ({most}: or more)" * (len(counts) > most)))
    axes.locator_params(axis="x", integer=True)


# ---------------------------------------------------------------- the two levels


def grid(found: Grid, title: str, stem: str | Path) -> Drawn:
    """Draw counts by text label and value, coloured by how far they are from independence.

    One step of the colour is twice as many as expected, or half; a pair that never occurs is grey.
    """
    import numpy as np

    counts = np.array(found.counts)
    expected = np.outer(counts.sum(1), counts.sum(0)) / max(1, counts.sum())
    steps = np.full(counts.shape, np.nan)
    np.log2(counts / np.maximum(expected, 1e-9), out=steps, where=counts > 0)
    order = _by_row(steps, found.columns) if found.kind == "entity" else range(len(found.columns))
    rows = [
        (label, found.columns[at], int(counts[row, at]), round(float(expected[row, at]), 2))
        for row, label in enumerate(found.rows)
        for at in order
    ]
    names = [found.columns[at] for at in order]
    size = (2.6 + 0.52 * len(names), 1.9 + 0.34 * len(found.rows))
    header = ("text label", found.kind, "items", "expected")
    with drawing(Path(stem), size, header=header, rows=rows) as sheet:
        axes, legend = sheet.figure.subplots(1, 2, width_ratios=(len(names), 0.5))
        _heat(axes, counts[:, order].tolist(), steps[:, order].tolist())
        shown = [sheet.shown(short(name, 18)) for name in names]
        axes.set_xticks(range(len(shown)), shown, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(found.rows)), [sheet.shown(short(n)) for n in found.rows])
        axes.set_title(sheet.shown(title))
        _legend(legend)
    return sheet.drawn()


def _by_row(steps: Any, columns: Sequence[str]) -> list[int]:
    """Return the columns by the row that they stand out in; what sums up the others stays last."""
    import numpy as np

    outstanding = np.nan_to_num(steps, nan=-np.inf).argmax(0).tolist()
    last = len(columns) - 1 if _is_rest(columns[-1]) else -1
    return sorted(range(len(columns)), key=lambda at: (at == last, outstanding[at], at))


def _heat(axes: Axes, counts: Sequence[Sequence[int]], steps: Sequence[Sequence[float]]) -> None:
    for row, column in ((r, c) for r in range(len(counts)) for c in range(len(counts[r]))):
        count, colour = counts[row][column], _step_colour(steps[row][column])
        axes.barh(row, 1, left=column - 0.5, height=1, color=colour, edgecolor="white")
        text = f"{count:,}" if count < 10_000 else f"{count / 1000:.0f}k"
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=ink_on(colour))
    axes.set(xlim=(-0.5, len(counts[0]) - 0.5), ylim=(len(counts) - 0.5, -0.5))
    _bare(axes)


_STEPS = 3  # doublings, up and down, that the colour tells apart


def _step_colour(step: float) -> str:
    """Return the colour of so many doublings of what is expected: orange, or blue for halvings."""
    if math.isnan(step):
        return "#EEEEEE"
    return tint(COLOURS[1] if step > 0 else COLOURS[0], 0.85 * min(1.0, abs(step) / _STEPS))


def _legend(axes: Axes) -> None:
    steps = range(-_STEPS, _STEPS + 1)
    for step in steps:
        axes.barh(step, 1, height=1, color=_step_colour(step), edgecolor="white")
    axes.set(xlim=(0, 1), ylim=(-_STEPS - 0.5, _STEPS + 0.5), xticks=[])
    axes.set_yticks(list(steps), ("≤ 1/8", "1/4", "1/2", "1", "2", "4", "≥ 8"))
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_ylabel("observed / expected")
    _bare(axes)


def _bare(axes: Axes) -> None:
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


# ---------------------------------------------------------------- several datasets


def label_shares(stats: Sequence[Stats], stem: str | Path, *, items: bool = False) -> Drawn:
    """Draw the shares of the text labels (or the `items`' labels) of datasets, a panel each."""
    kind = "item label" if items else "text label"
    tables = [found.total.item_labels if items else found.total.labels for found in stats]
    rows = [
        (found.task, name, count, count / max(1, sum(counts.values())))
        for found, counts in zip(stats, tables, strict=True)
        for name, count in counts.items()
    ]
    shown = [_first(counts, 5) for counts in tables]
    columns = min(3, len(stats))
    rooms = [
        max(map(len, shown[at : at + columns]), default=0) for at in range(0, len(stats), columns)
    ]
    size = (3.6 * columns, sum(0.55 + 0.22 * room for room in rooms))
    header = ("dataset", kind, "count", "share")
    with drawing(Path(stem), size, header=header, rows=rows) as sheet:
        panels = sheet.figure.subplots(
            len(rooms), columns, squeeze=False, height_ratios=[0.4 + 0.22 * room for room in rooms]
        ).ravel()
        for at, (axes, found) in enumerate(zip(panels, stats, strict=False)):
            room = rooms[at // columns]
            _bars(sheet, axes, shown[at], COLOURS[1 if items else 0], room=room)
            axes.set_title(sheet.shown(f"{found.task} ({len(tables[at]):,} {kind}s)"), fontsize=9)
        for axes in panels[len(stats) :]:
            axes.set_visible(False)
    return sheet.drawn()


def levels(stats: Sequence[Stats], stem: str | Path) -> Drawn:
    """Draw how much the two levels of datasets tell of each other, beyond chance.

    A dot is the share of the text label's entropy that the items tell, 0 by chance and 1 if they
    tell all; a ring is the share of the items' entropy that the label tells.
    """
    told = [(found.task, found.association) for found in stats if found.association]
    rows = [
        (task, m.name, m.observations, m.values, m.bits, m.null, m.low, m.high, m.p,
         m.label_known, m.value_known, m.permutations)
        for task, association in told
        for m in association.mutual
    ]  # fmt: skip
    header = (
        "dataset", "X", "observations", "values", "bits", "by chance", "low", "high", "p",
        "label from X", "X from label", "permutations",
    )  # fmt: skip
    size = (10.0, 1.5 + 0.24 * len(told))
    with drawing(Path(stem), size, header=header, rows=rows) as sheet:
        panels = sheet.figure.subplots(1, 3, sharey=True)
        for at, axes in enumerate(panels):
            _dots(axes, [association.mutual[at] for _, association in told])
            axes.set_title(f"X: {_TITLES[at]}")
        panels[0].set_yticks(range(len(told)), [sheet.shown(task) for task, _ in told])
        panels[0].invert_yaxis()
        panels[1].set_xlabel("share of the entropy that the other level tells, beyond chance")
        handles, names = panels[0].get_legend_handles_labels()
        sheet.figure.legend(handles, names, loc="outside upper right", ncols=2)
    return sheet.drawn()


_TITLES = ("label of an item", "labels of a record", "an entity")


def _dots(axes: Axes, found: Sequence[Mutual]) -> None:
    places = range(len(found))
    label, value = [m.label_known for m in found], [m.value_known for m in found]
    axes.hlines(places, value, label, color=GREY, linewidth=1.2, zorder=1)
    axes.scatter(label, places, s=34, color=COLOURS[0], label="of the text label, by X", zorder=3)
    axes.scatter(
        value, places, s=34, facecolor="white", edgecolor=COLOURS[1], linewidth=1.5,
        label="of X, by the text label", zorder=2,
    )  # fmt: skip
    axes.set(xlim=(-0.05, 1.05), xticks=(0, 0.25, 0.5, 0.75, 1))
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.grid(axis="x", color="#E5E5E5")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)


# ---------------------------------------------------------------- all figures of something


def of_dataset(stats: Stats, out: str | Path) -> list[Drawn]:
    """Draw all figures of one dataset into a folder."""
    drawn = [labels(stats, Path(out) / "labels")]
    for found in stats.association.grids if stats.association else ():
        title = f"{stats.task}: text label and {found.kind}"
        drawn.append(
            grid(found, title, Path(out) / f"text-label-and-{found.kind.replace(' ', '-')}")
        )
    return drawn


def of_datasets(sizes: Sequence[Size], stats: Sequence[Stats], out: str | Path) -> list[Drawn]:
    """Draw all figures of several datasets into a folder, in the order of the table of tasks."""
    out = Path(out)
    sizes = sorted(sizes, key=lambda size: _order(size.task.name))
    stats = sorted(stats, key=lambda found: _order(found.task))
    return [
        sunburst(sizes, out / "sizes"),
        label_shares(stats, out / "text-labels"),
        label_shares(stats, out / "item-labels", items=True),
        levels(stats, out / "levels"),
    ]


def _order(name: str) -> tuple[int, int, str]:
    """Return where a task stands: family by family, each in all its languages."""
    families = list(dict.fromkeys(task.family for task in TASKS.values()))
    task = TASKS.get(name)
    if task is None:
        return len(families), 0, name
    return families.index(task.family), list(LANGUAGES).index(task.lang), name

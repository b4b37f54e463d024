"""What the terminal shows: tables, coloured texts, progress bars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from pointline.format.record import Prediction, Record
from pointline.format.tasks import TASKS, Task

if TYPE_CHECKING:
    from pointline.model.chat.question import Usage

__all__ = [
    "Advance",
    "errors",
    "output",
    "progress",
    "put",
    "records_table",
    "say",
    "table",
    "usage",
]

_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "red", "bright_cyan", "bright_yellow")

# A record's control characters must not reach the terminal; these are as long as what they replace.
_VISIBLE = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"}
_VISIBLE |= dict.fromkeys((*range(0x7F, 0xA0), *range(0x202A, 0x202F)), "\ufffd")
_VISIBLE |= dict.fromkeys(range(0x2066, 0x206A), "\ufffd")

_SHORT = {"precision": "P", "recall": "R", "predicted": "pred."}
_FREE = 10_000  # wider than any table
_KEPT = 14  # columns of text do not get narrower than this, or than their longest word


class _Output(Console):
    """A console whose reader may leave (`pointline tasks | head`): that is no failure."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


#: Where results go, and where everything else goes.
output = _Output(highlight=False)
errors = Console(stderr=True, highlight=False)


def say(line: str, *, to: Console = output) -> None:
    """Print a line as it is: a path in it is neither wrapped nor read as markup."""
    to.print(_text(line), soft_wrap=True)


class Advance(Protocol):
    """Tells a progress bar how far the work is: done of total, and in which stage."""

    def __call__(self, done: int, total: int, stage: str = "") -> None:
        """Show that `done` of `total` are done."""


@contextmanager
def progress(what: str) -> Iterator[Advance]:
    """Show a progress bar on the error stream while the block runs; quiet if it is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, total: int, stage: str = "") -> None:
            bar.update(task, completed=done, total=total, description=stage or what)

        yield advance


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> Table:
    """Return a table of strings, all columns but the first aligned to the right if numeric."""
    shown = [list(row) for row in rows]
    first = (*headers[:1], *(row[0] for row in shown))
    made = Table(
        title=title or None,
        header_style="bold",
        title_justify="left",
        pad_edge=False,
        show_edge=False,
        box=SIMPLE_HEAD,
    )
    for at, header in enumerate(headers):
        short = all(len(row[at]) <= 2 * _KEPT for row in shown)
        numeric = at > 0 and short and all(_is_number(row[at]) for row in shown)
        words = (part for row in shown for part in ([row[at]] if numeric else row[at].split()))
        longest = max(map(len, words), default=0)
        made.add_column(
            _SHORT.get(header, header),
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=numeric or (at == 0 and all(len(cell) <= 2 * _KEPT for cell in first)),
            min_width=max(longest, len(header)) if numeric else min(longest, _KEPT),
        )
    for row in shown:
        made.add_row(*map(_text, row))
    return made


def put(made: Table, *, to: Console = output) -> None:
    """Print a table. Rich leaves columns out where they do not fit: here the lines run on."""
    free = to.options.update(max_width=_FREE)
    least = Measurement.get(to, free, made).minimum
    made.width = least if least > to.width else None
    to.print(made, crop=False)


def usage(used: Usage, cost: float) -> str:
    """Return in words what the answers of a chat model took, and what they cost if it is known."""
    money = f", {cost:.4f} at the prices given" if cost else ""
    return (
        f"{used.requests:,} requests, {used.tokens_in:,} tokens asked,"
        f" {used.tokens_out:,} answered{money}"
    )


def records_table(
    records: Iterable[Record], *, title: str = "", tasks: Mapping[str, Task] | None = None
) -> Table:
    """Return a table of records: the label, the text with coloured spans, the items."""
    known = {**TASKS, **(tasks or {})}
    made = Table(title=title or None, header_style="bold", title_justify="left", show_lines=True)
    for header in ("task", "label", "text and items"):
        made.add_column(header, overflow="fold")
    for record in records:
        colours = _colours(record, known.get(record.task))
        made.add_row(Text(record.task, "dim"), _label(record), _body(record, colours))
    return made


def _is_number(cell: str) -> bool:
    return not cell or cell[0].isdigit() or cell[0] in "-–+.["


def _text(value: str, style: str = "") -> Text:
    return Text(value.translate(_VISIBLE), style)


def _label(record: Record) -> Text:
    label = _text(record.label or "no label", "bold" if record.label else "dim")
    if isinstance(record, Prediction) and "label" in record.scores:
        label.append(f"\n{record.scores['label']:.0%}", "dim")
    return label


def _body(record: Record, colours: Mapping[str, str]) -> Group:
    text = _text(record.text)
    for pair in record.pairs:
        if pair.start is not None:
            text.stylize(f"bold {colours[pair.label]}", pair.start, pair.end)
    lines = [text, *_items(record, colours)]
    if isinstance(record, Prediction) and record.repairs:
        lines.append(Text(f"repaired: {', '.join(record.repairs)}", "dim"))
    return Group(*lines)


def _items(record: Record, colours: Mapping[str, str]) -> Iterator[Text]:
    sure = list(record.scores.get("items", ())) if isinstance(record, Prediction) else []
    sure += [None] * len(record.items)
    for pair, confidence in zip(record.pairs, sure, strict=False):
        place = "" if pair.start is None else f" [{pair.start}, {pair.end})"
        line = _text(f"  {pair.label} ", colours[pair.label])
        yield line.append(_text(pair.entity)).append(place + _percent(confidence), "dim")
    for fact, confidence in zip(record.facts, sure[len(record.pairs) :], strict=False):
        head, relation, *tail = fact.fields
        line = _text(f"  {head} ").append(_text(relation, colours[relation]))
        yield line.append(_text(f" {'; '.join(tail)}")).append(_percent(confidence), "dim")


def _percent(confidence: float | None) -> str:
    return "" if confidence is None else f" {confidence:.0%}"


def _colours(record: Record, task: Task | None) -> dict[str, str]:
    used = [pair.label for pair in record.pairs] + [fact.fields[1] for fact in record.facts]
    labels = dict.fromkeys([*((task and task.item_labels) or ()), *used])
    return {label: _COLOURS[at % len(_COLOURS)] for at, label in enumerate(labels)}

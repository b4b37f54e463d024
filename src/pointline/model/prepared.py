"""One text made ready for a model: its windows with their prompts and grammars; and the way back.

`Extractor.many` reads lists with this, `Extractor.stream` texts that come while others are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from pointline.errors import FormatError, TextTooLong
from pointline.format import codec
from pointline.format.record import Prediction, Record
from pointline.format.tasks import Task
from pointline.model import grammar, prompt
from pointline.model.backend import Backend, Completion, Request, completions
from pointline.model.interpret import interpret, loops
from pointline.model.lastlabel import labelled
from pointline.model.window import merge, split

if TYPE_CHECKING:
    from pointline.model.extract import Options

__all__ = ["Prepared", "predictions", "prepare", "prompt_of"]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a text: where it stands in it, and what is asked of the model at a time."""

    start: int
    end: int
    record: Record
    prompt: str
    grammar: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """One text made ready to be read, by `Extractor.prepare`.

    `stopped` is asked before each of its windows and wherever an item is closed; once it is true
    the text is given up: nobody waits for it any more.
    """

    record: Record
    task: Task
    options: Options
    windows: tuple[Window, ...]
    stopped: Callable[[], bool] | None = None

    @property
    def longest(self) -> int:
        """Return the characters of the longest prompt: texts of like length share a batch."""
        return max(len(window.prompt) for window in self.windows)

    @property
    def given_up(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.stopped is not None and self.stopped()

    def request(self, window: Window) -> Request:
        """Return what is asked of the model for a window."""
        round_in_circles = loops(window.record.text, self.task)
        return Request(
            window.prompt,
            window.grammar,
            lambda line: self.given_up or round_in_circles(line),
        )

    def read(self, backend: Backend, at: int, completion: Completion) -> Prediction:
        """Return what the completion of a window says."""
        window, form = self.windows[at], self.options.asked
        if self.options.constrained:
            asked = [(window.prompt, self.task)]
            (completion,) = labelled(backend, asked, [completion], form)
        found = interpret(completion, window.record, self.task, form)
        many = len(found.items) + found.repairs.count("repeat-dropped")
        if self.options.constrained and many >= self.options.max_items > 0:
            return replace(found, repairs=(*found.repairs, "items-full"))
        return found

    def whole(self, parts: Sequence[Prediction]) -> Prediction:
        """Return the prediction of the whole text from those of its windows.

        Where every window's completion is in the format, so is the whole one's, which is written
        anew; the windows' own are kept in `meta["window_completions"]`.
        """
        if len(parts) == 1:
            return parts[0]
        spans = [(window.start, window.end) for window in self.windows]
        merged = merge(self.record, spans, parts)
        if not all(_in_format(part, self.task) for part in parts):
            return merged
        kept = [part.completion for part in parts]
        line = codec.write(merged, self.task, places=False)
        return replace(merged, completion=line, meta={**merged.meta, "window_completions": kept})


def prepare(
    backend: Backend,
    record: Record,
    task: Task,
    options: Options,
    *,
    stopped: Callable[[], bool] | None = None,
) -> Prepared:
    """Return a text made ready to be read with one backend.

    Raises TextTooLong where `Options.long` is "refuse", or a level is shown beside the text;
    InputError for options that make no grammar.
    """
    windows = tuple(
        _window(record, task, options, start, end)
        for start, end in _spans(backend, record, task, options)
    )
    return Prepared(record, task, options, windows, stopped)


def prompt_of(options: Options, text: str, task: Task, record: Record) -> str:
    """Return the prompt for a text, or a part of it, that is asked for with these options."""
    listed = task.family == "adhoc"
    form, example = options.asked, options.example
    if example is None:
        return prompt.input_text(text, task, form, labels=listed, given=record)
    return prompt.one_shot(example, text, task, form, labels=listed, given=record)


def predictions(
    backend: Backend,
    texts: Iterable[Prepared | None],
    *,
    batch_size: int,
    max_new_tokens: int,
) -> Iterator[tuple[int, Prediction]]:
    """Yield the number and the prediction of each text, in the order in which they end.

    None among the texts is as in `backend.Streaming`. A text that is given up may never end.
    """
    begun = _Begun()
    made = completions(
        backend, begun.requests(texts), batch_size=batch_size, max_new_tokens=max_new_tokens
    )
    for request, completion in made:
        number, at = begun.places.pop(request)
        if number not in begun.texts:
            continue
        text = begun.texts[number]
        parts = begun.parts[number]
        parts[at] = text.read(backend, at, completion)
        if len(parts) == len(text.windows):
            begun.forget(number)
            yield number, text.whole([parts[at] for at in range(len(parts))])


@dataclass(slots=True)
class _Begun:
    """The texts that were begun, by number: what was read of them, which request is whose."""

    texts: dict[int, Prepared] = field(default_factory=dict)
    parts: dict[int, dict[int, Prediction]] = field(default_factory=dict)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)

    def requests(self, texts: Iterable[Prepared | None]) -> Iterator[Request | None]:
        numbers, asked = count(), count()
        for text in texts:
            if text is None:
                yield None
                continue
            number = next(numbers)
            self.texts[number], self.parts[number] = text, {}
            for at, window in enumerate(text.windows):
                if text.given_up:
                    self.forget(number)
                    break
                self.places[next(asked)] = number, at
                yield text.request(window)

    def forget(self, number: int) -> None:
        del self.texts[number], self.parts[number]


def _window(record: Record, task: Task, options: Options, start: int, end: int) -> Window:
    text = record.text[start:end]
    rules = None
    if options.constrained:
        rules = grammar.build(
            task,
            text,
            align=options.align,
            form=options.asked,
            max_items=options.max_items,
            fields=options.fields,
        )
    part = Record(record.id, record.task, text, meta=record.meta)
    return Window(start, end, part, prompt_of(options, text, task, record), rules)


def _spans(backend: Backend, record: Record, task: Task, options: Options) -> list[tuple[int, int]]:
    """Return the windows of a text, [(0, length)] if it is short enough."""

    def tokens(text: str) -> int:
        return backend.count(prompt_of(options, text, task, record))

    limit = min(options.window, backend.window - options.new_tokens(backend.window))
    beside = options.asked.given is not None  # and no window of it is known
    if (beside or options.long == "refuse") and (used := tokens(record.text)) > limit:
        remedy = "" if beside else "use long='split' or "
        raise TextTooLong(
            f"record {record.id!r}: {len(record.text):,} characters make a prompt of {used:,}"
            f" tokens, the window takes {limit:,}: {remedy}a larger window"
        )
    if beside:
        return [(0, len(record.text))]
    return split(record.text, limit=limit, overlap=options.overlap, count=tokens)


def _in_format(part: Prediction, task: Task) -> bool:
    try:
        codec.read(part.completion or "", task)
    except FormatError:
        return False
    return True

r"""Where a completion line stands in a completion that holds more: chatter, a prompt, other lines.

A header is the task word in its slashes, `/TASKWORD/` or `/TASKWORD:/`, with the label before it.
Where there is none, a task word counts that stands alone, has a slash on one side at least, and is
part of what looks like an answer: neither a prompt that a model repeats nor a refusal in which the
letters of a task word happen to stand is read as one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pointline.format.escape import split, unescape
from pointline.format.tasks import TASKS, Task
from pointline.format.text import chunks, find_folded, fold

__all__ = ["Header", "blocks", "find", "inside_word", "is_known", "label_before"]

_Span = tuple[int, int]
_CLOSED = re.compile(r"[^\S\r\n]*[:：]?[^\S\r\n]*[/／]([^\r\n]*)")
_SIGNS = "[:：;；/／。.！!？?>|]"  # what may part chatter from a label of a known set


@dataclass(frozen=True, slots=True)
class Header:
    """A header: its label is in [line, start), the task word ends at `end`.

    `exact` is False where the slash or the task word is not spelled as it should be.
    """

    line: int
    start: int
    end: int
    exact: bool


def find(source: str, task: Task) -> Header | None:
    """Return the header of the completion line, of several lines that have one the last.

    A line with a label of the task's set goes before any other; in one line, the first header is
    the header (an entity may look like one, and so does a model that goes round in circles).
    """
    words = (task.word, *task.aliases)
    for kind in _KINDS:
        spans = sorted(span for word in words for span in _spans(source, word, kind, words))
        first: dict[int, _Span] = {}
        for span in spans:
            first.setdefault(_line_start(source, span[0]), span)
        headers = [
            Header(_line(source, start, task), start, end, kind is not _respelled)
            for start, end in first.values()
        ]
        answers = [header for header in headers if _answers(source, header, task)]
        if answers:
            return max(answers, key=lambda h: (_rank(source, h, task), h.line))
    return None


def label_before(source: str, header: Header, task: Task) -> str:
    """Return the label before a header as it is written, without the chatter before it.

    "Answer: Nature" ends in a label of the set behind a sign; of any other label, what stands
    before a ":" or ";" is chatter, since a label would escape it.
    """
    raw = source[header.line : header.start]
    if is_known(raw, task):
        return raw
    words = "|".join(map(re.escape, (task.word, *task.aliases)))
    last = re.split(rf"[/／](?:{words})|{_SIGNS}", raw)[-1]
    if is_known(last, task):
        return last
    for delimiter in ":;":
        raw = split(raw, delimiter)[-1][1]
    return raw


def is_known(label: str, task: Task) -> bool:
    """Say whether a label, as it is written, is of the task's set, in any spelling."""
    wanted = fold(unescape(label.strip()).value).text
    return any(fold(known).text == wanted for known in task.labels or ())


def inside_word(text: str, at: int) -> bool:
    """Say whether `at` lies inside a Latin word or a number, of either width.

    >>> inside_word("the rest", 2), inside_word("ＩＢＭの", 3)
    (True, False)
    """
    around = unicodedata.normalize("NFKC", text[at - 1 : at + 1]) if at else ""
    return at < len(text) and bool(around) and len(chunks(around, words=True)) == 1


def blocks(completion: str, tasks: Sequence[Task]) -> list[str]:
    """Part the completion of several task words into a block for each, in their order.

    Lines part them if each has its own header, or else the place where the next block's label
    begins: the longest label of the next task's set that stands before its task word. A block that
    is not there is empty.
    """
    words = {task.word for task in tasks}
    spellings = [
        (task.word, *(alias for alias in task.aliases if alias not in words)) for task in tasks
    ]
    lines = [line for line in completion.split("\n") if line.strip()]
    if len(lines) == len(tasks) and all(
        _first(line, own, words) for line, own in zip(lines, spellings, strict=True)
    ):
        return lines
    starts: list[int | None] = []
    at = 0
    for task, own in zip(tasks, spellings, strict=True):
        header = _first(completion, own, words, after=at)
        if header is None:
            starts.append(None)
            continue
        starts.append(_label_start(completion[: header[0]], task, after=at))
        at = header[1]
    starts[:1] = [0]
    ends = [next((s for s in starts[i + 1 :] if s is not None), None) for i in range(len(tasks))]
    return ["" if s is None else completion[s:e] for s, e in zip(starts, ends, strict=True)]


# ---------------------------------------------------------------- where a task word stands


def _in_slashes(source: str, word: str) -> Iterator[_Span]:
    for found in re.finditer(rf"/{re.escape(word)}(?=:?/)", source):
        yield found.span()


def _bare(source: str, word: str) -> Iterator[_Span]:
    for found in re.finditer(f"/{re.escape(word)}", source):
        if not inside_word(source, found.end()):
            yield found.span()


def _respelled(source: str, word: str) -> Iterator[_Span]:
    for found in find_folded(source, word):
        if inside_word(source, found.start) or inside_word(source, found.end):
            continue
        before = source[: found.start].rstrip()
        opened = before.endswith(("/", "／"))
        closed = _CLOSED.match(source, found.end) is not None
        torn = len(source[found.start : found.end].split()) > len(word.split())
        if (opened and closed) if torn else (opened or closed):
            yield len(before) - 1 if opened else found.start, found.end


_Kind = Callable[[str, str], Iterator[_Span]]
_KINDS: tuple[_Kind, ...] = (_in_slashes, _bare, _respelled)


def _spans(source: str, word: str, kind: _Kind, words: Iterable[str]) -> list[_Span]:
    """Return where a word stands, but for where it is only the beginning of another one."""
    longer = [p for other in words if len(other) > len(word) for p in find_folded(source, other)]
    return [
        (start, end)
        for start, end in kind(source, word)
        if not any(place.start < end < place.end for place in longer)
    ]


def _first(
    source: str, spellings: Sequence[str], words: Iterable[str], *, after: int = 0
) -> _Span | None:
    """Return the first header behind `after`; a task's own word goes before its aliases."""
    for kind in _KINDS:
        for word in spellings:
            for start, end in _spans(source, word, kind, (*words, *spellings)):
                if start >= after:
                    return start, end
    return None


# ---------------------------------------------------------------- what stands around it


def _line(source: str, start: int, task: Task) -> int:
    """Return where the label's line begins: the header's own, or the one above if it is a label."""
    own = _line_start(source, start)
    if source[own:start].strip():
        return own
    above = source[:own].rstrip()
    before = _line_start(above, len(above))
    return before if is_known(above[before:], task) else own


def _line_start(source: str, at: int) -> int:
    return max(source.rfind("\n", 0, at), source.rfind("\r", 0, at)) + 1


def _rank(source: str, header: Header, task: Task) -> int:
    label = label_before(source, header, task)
    if is_known(label, task) or (task.labels is None and label.strip()):
        return 2
    return 1 if label.strip() else 0


def _answers(source: str, header: Header, task: Task) -> bool:
    """Say whether a header is part of an answer: a label of the set, items, or both slashes.

    Both slashes are also in a prompt that asks for several task words, `TEXT/NER/Sentiment Adj`.
    """
    rest = re.split(r"[\r\n]", source[header.end :], maxsplit=1)[0]
    if ";" in rest or "；" in rest or is_known(label_before(source, header, task), task):
        return True
    closed = _CLOSED.match(rest)
    if source[header.start] not in "/／" or closed is None:
        return False
    return closed[1].split("/")[0].strip() not in {known.word for known in TASKS.values()}


def _label_start(before: str, task: Task, *, after: int) -> int:
    """Return where the label begins that ends `before`, behind the header that ends at `after`."""
    ends = [label for label in task.labels or () if before[after:].endswith(label)]
    if ends:
        return len(before) - len(max(ends, key=len))
    opened = re.compile(":?/?").match(before, after)
    behind = opened.end() if after and opened else 0
    return max(behind, *(before.rfind(char) + 1 for char in "\n:;"))

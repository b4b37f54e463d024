"""CEC: Chinese news of emergencies with events, their triggers and their arguments.

`CEC/CATEGORY/*.xml` hold one article each; the folder's name is the category (地震, 火灾, 交通事故,
恐怖袭击, 食物中毒):

    <Body><Content><Paragraph><Sentence>
      <Event eid="e1"><Time>昨夜</Time>，<Location>码头</Location>发生
        <Denoter type="emergency">火灾</Denoter></Event>。
    </Sentence></Paragraph></Content></Body>

A fact is (trigger, role, argument) for every argument inside an event, the trigger being the
event's Denoter. White space of the mark-up is not part of the text, but for a blank between two
Latin words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from pointline.corpus.sources.source import Harvest, Source, Sourced, files_of, shaped, text_of
from pointline.errors import CorpusError
from pointline.format.record import Fact, Record

__all__ = ["ROLES", "SOURCE", "read"]

#: The element of an argument, and its role.
ROLES = {"Participant": "参与者", "Object": "对象", "Location": "地点", "Time": "时间"}

_FILES = "CEC/*/*.xml"
_TRIGGER = "Denoter"
_BLANK = re.compile(r"\s+")


def read(folder: Path, lang: str) -> Harvest:
    """Return the sentences as records: label the article's category, facts its events."""
    del lang
    files = files_of(folder, _FILES)
    counts: Counter[str] = Counter()
    records: list[Sourced] = []
    for path in files:
        with shaped(path):
            records += _article(path, counts)
    counts["records kept"] = len(records)
    return Harvest(tuple(records), counts)


def _article(path: Path, counts: Counter[str]) -> Iterator[Sourced]:
    document = f"{path.parent.name}/{path.stem}"
    for number, sentence in enumerate(_parsed(path).iter("Sentence"), start=1):
        counts["records read"] += 1
        found = _Walk()
        found.element(sentence)
        if not found.text:
            counts["records dropped: no text"] += 1
            continue
        id, facts = f"{document}-{number}", found.facts(counts)
        record = Record(id, "cec", found.text, path.parent.name, facts=facts)
        yield Sourced(record, document)


def _parsed(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(text_of(path))
    except ElementTree.ParseError as error:
        raise CorpusError(f"{path}: not XML: {error}") from None


@dataclass(slots=True)
class _Event:
    """The mentions inside one event: (start, end), by element."""

    triggers: list[tuple[int, int]] = field(default_factory=list)
    arguments: list[tuple[int, int, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Walk:
    """The text of a sentence as it is put together, and the events met on the way."""

    text: str = ""
    blank: bool = False
    events: list[_Event] = field(default_factory=list)
    within: list[_Event] = field(default_factory=list)

    def element(self, element: ElementTree.Element) -> None:
        """Take in an element: its own text, its children, and the text behind each of them."""
        if element.tag == "Event":
            self.within.append(_Event())
            self.events.append(self.within[-1])
        start = len(self.text)
        self._add(element.text)
        for child in element:
            self.element(child)
            self._add(child.tail)
        if element.tag == "Event":
            self.within.pop()
        elif self.within and len(self.text) > start:
            self._mention(element.tag, start)

    def _mention(self, tag: str, start: int) -> None:
        start += len(self.text[start:]) - len(self.text[start:].lstrip())
        place = (start, len(self.text))
        if tag == _TRIGGER:
            self.within[-1].triggers.append(place)
        elif tag.capitalize() in ROLES:
            self.within[-1].arguments.append((*place, ROLES[tag.capitalize()]))

    def _add(self, raw: str | None) -> None:
        raw = raw or ""
        text = raw.strip()
        self.blank = self.blank or raw[:1].isspace()
        if not text:
            return
        if self.blank and _is_latin(self.text[-1:]) and _is_latin(text[0]):
            self.text += " "
        self.text += _BLANK.sub(_kept_blank, text)
        self.blank = raw[-1].isspace()

    def facts(self, counts: Counter[str]) -> tuple[Fact, ...]:
        """Return the facts in the order of trigger, then argument, each once."""
        found: dict[tuple[str, str, str], None] = {}
        for event in sorted(self.events, key=lambda event: event.triggers or [(0, 0)]):
            counts["events read"] += 1
            if not event.triggers:
                counts["events dropped: no trigger"] += 1
            else:
                counts["events kept"] += 1
            for start, end in event.triggers:
                for first, last, role in sorted(event.arguments):
                    counts["facts read"] += 1
                    fields = (self.text[start:end], role, self.text[first:last])
                    if fields in found:
                        counts["facts dropped: the same three strings twice"] += 1
                    found[fields] = None
        counts["facts kept"] += len(found)
        return tuple(Fact(fields) for fields in found)


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _kept_blank(match: re.Match[str]) -> str:
    before, after = match.string[match.start() - 1], match.string[match.end()]
    return " " if _is_latin(before) and _is_latin(after) else ""


SOURCE = Source(
    name="cec",
    folder="cec",
    files=(_FILES,),
    licence="none stated; research use with citation (Shanghai University)",
    origins={"zh": ("human", "human", "human")},
    read=read,
)

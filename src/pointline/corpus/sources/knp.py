"""KNP's format: sentences as morphemes, basic phrases with relations, and bunsetsu.

    # S-ID:a-1
    * -1D
    + 1D
    船 ふね 船 名詞 6 普通名詞 1 * 0 * 0 NIL
    + -1D <rel type="ガ" target="船" sid="a-1" id="0"/>
    酔い よい 酔い 名詞 6 普通名詞 1 * 0 * 0 NIL
    が が が 助詞 9 格助詞 1 * 0 * 0 NIL
    EOS

`*` starts a bunsetsu, `+` a basic phrase in it; the other lines are morphemes. `id` of a relation
counts the basic phrases of sentence `sid`; a target that the document does not name has neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pointline.corpus.sources.source import shaped, text_of
from pointline.errors import CorpusError

__all__ = ["Morpheme", "Phrase", "Sentence", "sentences"]

_HEAD = re.compile(r"# S-ID:(\S+)")
_REL = re.compile(r"<rel ([^>]*)/>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Morpheme:
    """A morpheme: its spelling, its lemma, part of speech, subclass and inflected form.

    `sub` and `form` are `*` where there is none.
    """

    surface: str
    lemma: str
    pos: str
    sub: str
    form: str


@dataclass(slots=True)
class Phrase:
    """A basic phrase: the number of its bunsetsu, its morphemes [start, end), its relations."""

    bunsetsu: int
    start: int
    end: int
    relations: Sequence[Mapping[str, str]]


@dataclass(slots=True)
class Sentence:
    """A sentence and its parts."""

    id: str
    morphemes: list[Morpheme] = field(default_factory=list)
    phrases: list[Phrase] = field(default_factory=list)

    def string(self, start: int, end: int) -> str:
        """Return the text of the morphemes [start, end)."""
        return "".join(morpheme.surface for morpheme in self.morphemes[start:end])

    @property
    def text(self) -> str:
        """The sentence as it is written."""
        return self.string(0, len(self.morphemes))


def sentences(path: Path) -> Iterator[tuple[str, Sentence]]:
    """Yield the sentences of a file, each with its place: file and line.

    Raises CorpusError with the line that is not of the format.
    """
    place, reader = f"{path}:1", None
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        with shaped(f"{path}:{number}"):
            if line.startswith("# "):
                place, reader = f"{path}:{number}", _Reader(line)
            elif line == "EOS" and reader:
                yield place, reader.sentence
                reader = None
            elif line and reader is None:
                raise ValueError("a line outside a sentence")
            elif line and reader:
                reader.add(line)
    if reader:
        raise CorpusError(f"{place}: the sentence has no EOS")


class _Reader:
    """Puts a sentence together, line by line."""

    def __init__(self, head: str) -> None:
        found = _HEAD.match(head)
        if not found:
            raise ValueError("a sentence without S-ID")
        self.sentence = Sentence(found[1])
        self.bunsetsu = -1

    def add(self, line: str) -> None:
        sentence, at = self.sentence, len(self.sentence.morphemes)
        if line.startswith("* "):
            self.bunsetsu += 1
        elif line.startswith("+ "):
            relations = [dict(_ATTRIBUTE.findall(rel)) for rel in _REL.findall(line)]
            sentence.phrases.append(Phrase(self.bunsetsu, at, at, relations))
        else:
            surface, _, lemma, pos, _, sub, _, _, _, form, *_ = line.split(" ")
            sentence.morphemes.append(Morpheme(surface, lemma, pos, sub, form))
            sentence.phrases[-1].end = at + 1

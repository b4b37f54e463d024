r"""brat standoff: a folder with a text and an annotation file for each record.

    diary-1.txt      Ada wrote to Bo.
    diary-1.ann      T1	Text 0 3	Ada
                     A1	Label T1 Literature
                     T2	people 0 3	Ada
                     T3	people 13 15	Bo
                     R1	wrote_x20_to Arg1:T2 Arg2:T3

The file's name is the record's id. brat has no label for a whole document: the text label is the
attribute `Label` of a mention `Text`, which lies on the first word. Facts of three fields are
relations; their ends lie on a pair's mention, else on one of type `Fact_field`. brat's types are of
ASCII letters, digits, `_` and `-`; other characters are spelled `_x20_`, in ids too, and
`visual.conf` shows the label as it is. `annotation.conf` declares the types of the task and of the
records, so that brat opens the folder for annotation. A mention that runs over a line break is
written in parts, as brat does it.

A folder from brat: documents in folders below it are read too, with their path as id. An event is
its trigger as a pair, and a fact (trigger, role, argument) for each argument. A mention of several
parts is kept without a place. What a record has no place for (other attributes, notes,
normalisations, equivalences) is told as a loss. Line ends of Windows count as brat counted them:
the annotated strings tell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from pointline.corpus.exchange.fields import well_formed
from pointline.corpus.exchange.form import LOST, Form, Losses, carried
from pointline.corpus.exchange.lines import lines
from pointline.corpus.exchange.names import label_of, name_of
from pointline.corpus.exchange.relations import FIELD, web
from pointline.corpus.folder import new_folder
from pointline.errors import CorpusError, RecordError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import Task
from pointline.format.text import chunks

__all__ = ["FORM", "FORMS", "read", "write"]

_TEXT = "Text"
_LABEL = "Label"
_RESERVED = (_TEXT, FIELD)
_RETURN = "text with carriage returns, which brat does not count: a blank instead of each"
_INVISIBLE = "label of a text without a visible character: left out"
_IN_PARTS = "mention of several parts: kept without a place"
_SECOND_LABEL = "second text label: left out"
_ATTRIBUTE = "attribute {}: left out"
_LEFT_OUT = {
    "M": _ATTRIBUTE,
    "N": "normalisation: left out",
    "*": "equivalence: left out",
    "#": "note: left out",
}

_NO_STEM = re.compile(r"^\.|[^0-9A-Za-z_.-]")
_NO_TYPE = re.compile(r"[^0-9A-Za-z_-]")
_NO_VALUE = re.compile(r"[\s|,:;<>&\"'\\?*+]")
_LINE_BREAKS = frozenset("\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
_LONGEST_STEM = 200


def _type_of(label: str) -> str:
    name = name_of(label, _NO_TYPE, reserved=_RESERVED)
    return name.replace("-", "_x2D_") if not name.strip("-") else name


# ---------------------------------------------------------------- writing


def write(path: Path, records: Iterable[Record], task: Task, losses: Losses) -> None:
    """Write a folder of records, with the configuration that brat reads beside them.

    Raises CorpusError where the folder is there, RecordError where an id comes twice.
    """
    types: dict[str, Counter[str]] = {"pairs": Counter(), "facts": Counter(), "labels": Counter()}
    types["facts" if task.shape == "facts" else "pairs"].update(task.item_labels or ())
    types["labels"].update(task.labels or ())
    with new_folder(path, replace=False) as folder:
        for number, record in enumerate(records, start=1):
            kept = carried(_without_returns(record, losses), task, FORM.carries, losses)
            stem = _stem(kept, number, losses)
            _write_new(folder / f"{stem}.txt", kept.text, record.id)
            _write_new(folder / f"{stem}.ann", "".join(_annotations(kept, losses)), record.id)
            types["pairs"].update(pair.label for pair in kept.pairs)
            types["facts"].update(fact.fields[1] for fact in kept.facts)
            types["labels"].update([kept.label] if kept.label else [])
        (folder / "annotation.conf").write_bytes(_annotation_conf(types).encode())
        (folder / "visual.conf").write_bytes(_visual_conf(types).encode())


def _write_new(path: Path, content: str, record: str) -> None:
    try:
        with path.open("xb") as out:
            out.write(content.encode())
    except FileExistsError:
        raise RecordError(f"two records have the id {record!r}: give another to one") from None


def _without_returns(record: Record, losses: Losses) -> Record:
    if "\r" not in record.text:
        return record
    losses.note(_RETURN, record.id)
    return replace(
        record,
        text=record.text.replace("\r", " "),
        pairs=tuple(replace(p, entity=p.entity.replace("\r", " ")) for p in record.pairs),
        facts=tuple(Fact(tuple(f.replace("\r", " ") for f in x.fields)) for x in record.facts),
    )


def _stem(record: Record, number: int, losses: Losses) -> str:
    stem = name_of(record.id, _NO_STEM)
    if not 0 < len(stem) <= _LONGEST_STEM:
        losses.note(LOST["id"], record.id)
        return f"record-{number:06d}"
    return stem


def _annotations(record: Record, losses: Losses) -> Iterator[str]:
    first = 1
    if record.label:
        span = _first_word(record.text)
        if span:
            yield f"T1\t{_TEXT} {span[0]} {span[1]}\t{record.text[slice(*span)]}\n"
            yield f"A1\t{_LABEL} T1 {name_of(record.label, _NO_VALUE)}\n"
            first = 2
        else:
            losses.note(_INVISIBLE, record.id)
    found = web(record)
    for number, mention in enumerate(found.mentions):
        name = _type_of(mention.label) if found.is_pair(number) else FIELD
        parts = _parts(record.text, mention)
        spans = ";".join(f"{start} {end}" for start, end in parts)
        shown = " ".join(record.text[start:end] for start, end in parts)
        yield f"T{first + number}\t{name} {spans}\t{shown}\n"
    for number, arc in enumerate(found.arcs, start=1):
        ends = f"Arg1:T{first + arc.head} Arg2:T{first + arc.tail}"
        yield f"R{number}\t{_type_of(arc.relation)} {ends}\n"


def _first_word(text: str) -> tuple[int, int] | None:
    start = len(text) - len(text.lstrip())
    rest = text[start : start + 40].rstrip()
    return (start, start + len(chunks(rest, words=True)[0])) if rest else None


def _parts(text: str, mention: Pair) -> list[tuple[int, int]]:
    """Return the spans of a mention between its line breaks."""
    parts = []
    start = at = mention.start or 0
    for at in range(start, mention.end or 0):
        if text[at] in _LINE_BREAKS:
            if at > start:
                parts.append((start, at))
            start = at + 1
    return [*parts, (start, at + 1)]


def _annotation_conf(types: dict[str, Counter[str]]) -> str:
    values = "|".join(name_of(label, _NO_VALUE) for label in types["labels"])
    relations = [f"{_type_of(label)}\tArg1:<ENTITY>, Arg2:<ENTITY>" for label in types["facts"]]
    sections = {
        "entities": [*(_type_of(label) for label in types["pairs"]), FIELD, _TEXT],
        "relations": [
            *relations,
            "<OVERLAP>\tArg1:<ENTITY>, Arg2:<ENTITY>, <OVL-TYPE>:<ANY>",
        ],
        "events": [],
        "attributes": [f"{_LABEL}\tArg:{_TEXT}" + (f", Value:{values}" if values else "")],
    }
    return "\n".join("\n".join([f"[{name}]", *rows, ""]) for name, rows in sections.items())


def _visual_conf(types: dict[str, Counter[str]]) -> str:
    labels = dict.fromkeys([*types["pairs"], *types["facts"]])
    rows = [f"{_type_of(label)} | {' '.join(label.replace('|', ' ').split())}" for label in labels]
    return "\n".join(["[labels]", *rows, "", "[drawing]", "SPAN_DEFAULT\tfgColor:black", ""])


# ---------------------------------------------------------------- reading

_Spans = Sequence[tuple[int, int]]


@dataclass(slots=True)
class _Mention:
    name: str
    spans: _Spans
    shown: str
    place: str
    pair: Pair | None = None


@dataclass(slots=True)
class _Document:
    """The lines of one document's annotation files, by what they are."""

    mentions: dict[str, _Mention] = field(default_factory=dict)
    triggers: dict[str, str] = field(default_factory=dict)
    arcs: list[tuple[str, str, str, str]] = field(default_factory=list)
    attributes: list[tuple[str, str, str, str]] = field(default_factory=list)


def read(path: Path, task: Task, losses: Losses) -> Iterator[Record]:
    """Yield the records of a folder, by the names of its files.

    Raises CorpusError for a folder without texts, or with file and line where a line is not of the
    format or its offsets do not hold its string.
    """
    texts = sorted(path.rglob("[!.]*.txt"))
    if not texts:
        raise CorpusError(f"{path}: no folder with .txt files: name the folder that brat opens")
    alone = sorted(ann for ann in path.rglob("[!.]*.ann") if not ann.with_suffix(".txt").exists())
    if alone:
        raise CorpusError(f"{alone[0]}: its text, {alone[0].stem}.txt, is missing: put it beside")
    for text in texts:
        yield _record(text, label_of(text.relative_to(path).as_posix()[:-4]), task, losses)


def _record(path: Path, name: str, task: Task, losses: Losses) -> Record:
    document = _Document()
    joint = [path.with_suffix(".ann")]
    parts = [path.with_suffix(suffix) for suffix in (".a1", ".a2", ".rel")]
    for file in joint if joint[0].exists() else parts:
        for number, line in lines(file) if file.exists() else ():
            if line.strip():
                _take(line, document, f"{file}:{number}", losses)
    text = _text_that_fits(path, document)
    for mention in document.mentions.values():
        mention.pair = _pair(mention, text, losses)
    label, bearer = _label(document, losses)
    with well_formed(str(path)):
        facts = tuple(_fact(arc, document) for arc in document.arcs)
        mentions = [m for key, m in document.mentions.items() if key != bearer and m.name != FIELD]
        pairs = tuple(m.pair for m in mentions if m.pair)
        return Record(name, task.name, text, label, pairs, facts)


def _text_that_fits(path: Path, document: _Document) -> str:
    """Return the text, with the line ends that its annotation was made on."""
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: not UTF-8 at byte {error.start}: save it as UTF-8") from None
    faults = []
    for candidate in dict.fromkeys((text, text.replace("\r\n", "\n"))):
        wrong = [m for m in document.mentions.values() if not _fits(m, candidate)]
        if not wrong:
            return candidate
        faults.append(wrong[0].place)
    raise CorpusError(
        f"{faults[0]}: the text at these offsets is not the string of the line: restore the"
        f" {path.name} that was annotated"
    )


def _fits(mention: _Mention, text: str) -> bool:
    """Say whether the text has the mention's string there; its blanks may have been changed."""
    if not all(start < end <= len(text) for start, end in mention.spans):
        return False
    found = "".join(text[start:end] for start, end in mention.spans)
    return not mention.shown or "".join(found.split()) == "".join(mention.shown.split())


def _pair(mention: _Mention, text: str, losses: Losses) -> Pair:
    spans = sorted(mention.spans)
    start, end = spans[0][0], spans[-1][1]
    gaps = (text[a:b] for (_, a), (b, _) in pairwise(spans))
    label = label_of(mention.name)
    if all(_LINE_BREAKS.issuperset(gap) for gap in gaps):
        return Pair(label, text[start:end], start, end)
    losses.note(_IN_PARTS, mention.place)
    return Pair(label, " ".join(text[a:b] for a, b in spans))


def _label(document: _Document, losses: Losses) -> tuple[str, str]:
    """Return the text label, and the id of the mention that bears it."""
    label, bearer = "", ""
    for name, on, value, place in document.attributes:
        mention = document.mentions.get(on)
        if name != _LABEL or not value or mention is None or mention.name != _TEXT:
            losses.note(_ATTRIBUTE.format(name), place)
        elif bearer:
            losses.note(_SECOND_LABEL, place)
        else:
            label, bearer = label_of(value), on
    return label, bearer


def _fact(arc: tuple[str, str, str, str], document: _Document) -> Fact:
    head, relation, tail, place = arc
    return Fact(
        (_entity(head, document, place), label_of(relation), _entity(tail, document, place))
    )


def _entity(key: str, document: _Document, place: str) -> str:
    mention = document.mentions.get(document.triggers.get(key, key))
    if mention is None or mention.pair is None:
        raise CorpusError(f"{place}: there is no {key}: add its line or remove this one")
    return mention.pair.entity


# ---------------------------------------------------------------- lines


def _take(line: str, document: _Document, place: str, losses: Losses) -> None:
    key, _, rest = line.partition("\t")
    if take := _LINES.get(key[:1]):
        take(key, rest, document, place)
    elif reason := _LEFT_OUT.get(key[:1]):
        losses.note(reason.format(rest.split(" ")[0]), place)
    else:
        raise CorpusError(f"{place}: {key!r} is no id: a line begins with T1, R1, E1, A1 and a tab")


def _mention(key: str, rest: str, document: _Document, place: str) -> None:
    found = re.fullmatch(r"(\S+) (\d+ \d+(?:;\d+ \d+)*)\s*?(?:\t(.*))?", rest, re.DOTALL)
    if not found:
        raise CorpusError(f"{place}: not 'T1<tab>TYPE START END<tab>string': mend the line")
    if key in document.mentions:
        raise CorpusError(f"{place}: the id {key} came before: give it another")
    spans = [span.split(" ") for span in found[2].split(";")]
    places = [(int(start), int(end)) for start, end in spans]
    document.mentions[key] = _Mention(found[1], places, found[3] or "", place)


def _relation(_: str, rest: str, document: _Document, place: str) -> None:
    found = re.fullmatch(r"(\S+) [^\s:]+:(\S+) [^\s:]+:(\S+)\s*", rest)
    if not found:
        raise CorpusError(f"{place}: not 'R1<tab>TYPE Arg1:T1 Arg2:T2': mend the line")
    document.arcs.append((found[2], found[1], found[3], place))


def _event(key: str, rest: str, document: _Document, place: str) -> None:
    parts = [part.partition(":") for part in rest.split()]
    if not parts or not all(name and colon and on for name, colon, on in parts):
        raise CorpusError(f"{place}: not 'E1<tab>TYPE:T1 ROLE:T2 ...': mend the line")
    document.triggers[key] = parts[0][2]
    for role, _, on in parts[1:]:
        document.arcs.append((key, role.rstrip("0123456789") or role, on, place))


def _attribute(_: str, rest: str, document: _Document, place: str) -> None:
    name, _, more = rest.rstrip().partition(" ")
    on, _, value = more.partition(" ")
    document.attributes.append((name, on, value, place))


_LINES: dict[str, Callable[[str, str, _Document, str], None]] = {
    "T": _mention,
    "R": _relation,
    "E": _event,
    "A": _attribute,
}

FORM = Form(
    name="brat",
    title="brat standoff, a folder",
    suffix="",
    carries=frozenset({"id", "text", "label", "pairs", "places", "overlaps", "order", "relations"}),
    read=read,
    write=write,
)
FORMS = (FORM,)

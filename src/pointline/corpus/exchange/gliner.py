"""What GLiNER and GLiNER2 train on: tokens with spans, and texts with strings.

    GLiNER   {"id": ..., "text": ..., "tokenized_text": ["Ada", "left"], "ner": [[0, 0, "people"]]}
    GLiNER2  {"id": ..., "input": "Ada left.", "output": {"entities": {"people": ["Ada"]},
              "classifications": [{"task": "label", "labels": [...], "true_label": ["Society"]}],
              "relations": [{"wrote to": {"head": "Ada", "tail": "Bo"}}]}}

Token indices are inclusive. `id` and `text` are ours (their loaders pass over them): tokens alone
do not say which blanks stood between them. Chinese and Japanese are cut into single characters,
and words at the edges of a mention, so that every mention is a span of tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard

import orjson

from pointline.corpus import recordfile
from pointline.corpus.exchange.docbin import tokens
from pointline.corpus.exchange.form import Form, Losses, carried
from pointline.corpus.exchange.rows import faultless
from pointline.errors import CorpusError, RecordError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import Task
from pointline.format.text import place

__all__ = ["ABSENT", "FORMS", "GROUPED"]

#: GLiNER2 drops a whole entity type, for the example, of which one mention is not in the text.
ABSENT = "pair whose entity is not in the text: left out"
GROUPED = "order of pairs: by label instead"

_TASK = "label"  # the name of the classification

# ---------------------------------------------------------------- GLiNER


def _write(path: Path, records: Iterable[Record], task: Task, losses: Losses) -> None:
    kept = (carried(record, task, GLINER.carries, losses) for record in records)
    with recordfile.atomic(path) as out:
        before = b"[\n"
        for record in kept:
            out.write(before + orjson.dumps(_tokenized(record)))
            before = b",\n"
        out.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def _tokenized(record: Record) -> dict[str, Any]:
    words: list[str] = []
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    at = 0
    for word, blank in zip(*tokens(record), strict=True):
        if not word.isspace():
            first[at] = last[at + len(word)] = len(words)
            words.append(word)
        at += len(word) + blank
    ner = [
        [first[pair.start], last[pair.end], pair.label]
        for pair in record.pairs
        if pair.start is not None and pair.end is not None
    ]
    return {"id": record.id, "text": record.text, "tokenized_text": words, "ner": ner}


def _places(words: Sequence[str], text: str) -> list[tuple[int, int]]:
    """Return where each word stands in the text; -1 from the first that is not the next one."""
    places = []
    at = 0
    for word in words:
        while at < len(text) and text[at].isspace():
            at += 1
        if not text.startswith(word, at):
            return []
        places.append((at, at + len(word)))
        at += len(word)
    return places


def _read(path: Path, task: Task, losses: Losses) -> Iterator[Record]:
    for number, row in faultless(path):
        at = f"{path}:{number}"
        words, spans = row.get("tokenized_text"), row.get("ner")
        if not _strings(words) or not isinstance(spans, list):
            raise CorpusError(f"{at}: no list of strings 'tokenized_text' and list 'ner'")
        _tell_of_keys(row, {"id", "text", "tokenized_text", "ner"}, at, losses)
        text = row.get("text")
        if not isinstance(text, str):
            losses.note("text: put together from its tokens, blanks by rule", at)
            text = _joined(words)
        places = _places(words, text)
        if len(places) < len(words):
            raise CorpusError(f"{at}: the tokens are not those of 'text'")
        pairs = [_span(span, places, text, at) for span in spans]
        yield _record(row, number, path, task, text, pairs=pairs)


def _strings(values: object) -> TypeGuard[list[str]]:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _joined(words: Sequence[str]) -> str:
    text = ""
    for word in words:
        tight = not text or text[-1] >= "\u2e80" or word[:1] >= "\u2e80"
        text += word if tight else f" {word}"
    return text


def _span(span: object, places: Sequence[tuple[int, int]], text: str, at: str) -> Pair:
    match span:
        case [int(first), int(last), str(label)] if 0 <= first <= last < len(places) and label:
            start, end = places[first][0], places[last][1]
            return Pair(label, text[start:end], start, end)
    raise CorpusError(f"{at}: {span!r} in 'ner' is no [first token, last token, label]")


def _tell_of_keys(row: Mapping[str, Any], known: set[str], at: str, losses: Losses) -> None:
    for key in row.keys() - known:
        losses.note(f"key {key!r}: left out", at)


def _record(
    row: Mapping[str, Any],
    number: int,
    path: Path,
    task: Task,
    text: str,
    *,
    label: str = "",
    pairs: Sequence[Pair] = (),
    facts: Sequence[Fact] = (),
) -> Record:
    given = row.get("id")
    id = f"{path.stem}-{number:06d}" if given in (None, "") else str(given)
    try:
        return Record(id, task.name, text, label, tuple(pairs), tuple(facts))
    except RecordError as error:
        raise CorpusError(f"{path}:{number}: {error.reason}") from None


# ---------------------------------------------------------------- GLiNER2


def _write2(path: Path, records: Iterable[Record], task: Task, losses: Losses) -> None:
    with recordfile.atomic(path) as out:
        for record in records:
            kept = carried(_grouped(record, losses), task, GLINER2.carries, losses)
            line = {"id": kept.id, "input": kept.text, "output": _schema(kept, task)}
            out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def _grouped(record: Record, losses: Losses) -> Record:
    """Return the record as a dictionary of labels gives it back."""
    pairs = [pair for pair in record.pairs if pair.entity in record.text]
    for _ in range(len(record.pairs) - len(pairs)):
        losses.note(ABSENT, record.id)
    first = {label: at for at, label in enumerate(dict.fromkeys(pair.label for pair in pairs))}
    grouped = sorted(pairs, key=lambda pair: first[pair.label])
    if grouped != pairs:
        losses.note(GROUPED, record.id)
    return replace(record, pairs=tuple(grouped))


def _schema(record: Record, task: Task) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    entities: dict[str, list[str]] = {}
    for pair in record.pairs:
        entities.setdefault(pair.label, []).append(pair.entity)
    if task.shape == "pairs":
        entities |= {label: [] for label in task.item_labels or () if label not in entities}
        schema["entities"] = entities
    if record.label:
        labels = list(dict.fromkeys((*(task.labels or ()), record.label)))
        told = {"task": _TASK, "labels": labels, "true_label": [record.label]}
        schema["classifications"] = [told]
    if record.facts:
        schema["relations"] = [
            {relation: {"head": head, "tail": tail}}
            for head, relation, tail in (fact.fields for fact in record.facts)
        ]
    return schema


def _read2(path: Path, task: Task, losses: Losses) -> Iterator[Record]:
    for number, row in faultless(path):
        at = f"{path}:{number}"
        text, schema = row.get("input", row.get("text")), row.get("output", row.get("schema"))
        if not isinstance(text, str) or not isinstance(schema, Mapping):
            raise CorpusError(f"{at}: no string 'input' and object 'output'")
        _tell_of_keys(row, {"id", "input", "text", "output", "schema"}, at, losses)
        _tell_of_keys(schema, {"entities", "classifications", "relations"}, at, losses)
        pairs = _mentions(schema.get("entities") or {}, text, at)
        label = _true_label(schema.get("classifications") or [], at, losses)
        facts = [_relation(found, at) for found in schema.get("relations") or []]
        yield _record(row, number, path, task, text, label=label, pairs=pairs, facts=facts)


def _mentions(entities: object, text: str, at: str) -> list[Pair]:
    if not isinstance(entities, Mapping) or not all(map(_strings, entities.values())):
        raise CorpusError(f"{at}: 'entities' is no object of lists of strings")
    named = [(str(label), str(entity)) for label in entities for entity in entities[label]]
    named = [(label, entity) for label, entity in named if label and entity]
    pairs = []
    for (label, entity), found in zip(named, place(text, [e for _, e in named]), strict=True):
        start, end = (found.start, found.end) if found else (None, None)
        pairs.append(Pair(label, entity, start, end, bool(found and found.ambiguous)))
    return pairs


def _true_label(told: object, at: str, losses: Losses) -> str:
    """Return the label of our classification, or of the only one there is."""
    if not isinstance(told, list) or not all(isinstance(each, Mapping) for each in told):
        raise CorpusError(f"{at}: 'classifications' is no list of objects")
    ours = [each for each in told if each.get("task") == _TASK] or told
    for _ in range(len(told) - min(len(ours), 1)):
        losses.note("further classification: left out", at)
    true = ours[0].get("true_label") if ours else []
    labels = [true] if isinstance(true, str) else true
    if not isinstance(labels, list) or not _strings(labels):
        raise CorpusError(f"{at}: 'true_label' is no string and no list of strings")
    for _ in labels[1:]:
        losses.note("further label of a classification: left out", at)
    return labels[0] if labels else ""


def _relation(told: object, at: str) -> Fact:
    match told:
        case {**one} if len(one) == 1:
            relation, ends = next(iter(one.items()))
            match ends:
                case {"head": str(head), "tail": str(tail), **more} if head and tail and relation:
                    rest = [value for value in more.values() if isinstance(value, str) and value]
                    if len(rest) == len(more):
                        return Fact((head, str(relation), tail, *rest))
    raise CorpusError(f"{at}: {told!r} is no {{relation: {{head, tail}}}}")


# ---------------------------------------------------------------- the forms

GLINER = Form(
    "gliner",
    "GLiNER JSON",
    ".json",
    frozenset({"id", "text", "pairs", "places", "overlaps", "order"}),
    _read,
    _write,
)
GLINER2 = Form(
    "gliner2",
    "GLiNER2 JSONL",
    ".jsonl",
    frozenset({"id", "text", "label", "pairs", "overlaps", "blank edges", "relations"}),
    _read2,
    _write2,
)

#: GLiNER's tokens with spans, GLiNER2's texts with strings.
FORMS = (GLINER, GLINER2)

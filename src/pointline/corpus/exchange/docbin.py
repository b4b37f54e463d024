"""spaCy's DocBin: what `spacy train` reads, with everything else of a record in `user_data`.

    doc.text                  the text, always the record's own
    doc.cats                  1.0 for the label, 0.0 for the others of a closed set
    doc.spans["pointline"]    the placed pairs, in their order, overlapping ones too
    doc.ents                  of these, what spaCy's entity recogniser can learn: the longest
                              where some overlap, none with a blank at an edge
    doc.user_data             "pointline": the rest as a JSON string, facts among it

A text is cut at both edges of every pair, so that each is a span of tokens. A DocBin is one object
in memory, in spaCy as here: a path without a suffix is a folder of files of 5,000 documents each,
which `spacy train` takes as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from pointline.corpus import recordfile
from pointline.corpus.exchange.form import PARTS, Form, Losses, carried
from pointline.corpus.folder import new_folder
from pointline.errors import CorpusError, MissingExtra, RecordError
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.format.text import chunks

__all__ = ["FORM", "GROUP", "tokens"]

#: The name of the span group, and the key in `user_data`.
GROUP = "pointline"

_SUFFIX = ".spacy"
_DOCS_A_FILE = 5000


def tokens(record: Record) -> tuple[list[str], list[bool]]:
    """Return the words of a text and whether a blank follows each; joined they are the text.

    >>> tokens(Record("1", "", "Ada moved."))
    (['Ada', 'moved', '.'], [True, False, False])
    """
    starts = {pair.start for pair in record.pairs if pair.start is not None}
    ends = {pair.end for pair in record.pairs if pair.end is not None}
    words: list[str] = []
    spaces: list[bool] = []
    at = 0
    for piece in _pieces(record.text, sorted(starts | ends)):
        if piece != " ":
            words.append(piece)
            spaces.append(False)
        elif words and not (spaces[-1] or words[-1].isspace() or at in starts or at + 1 in ends):
            spaces[-1] = True
        else:
            words.append(piece)
            spaces.append(False)
        at += len(piece)
    return words, spaces


def _pieces(text: str, edges: Sequence[int]) -> Iterator[str]:
    """Yield the chunks of a text, cut where an edge lies inside of one."""
    at = passed = 0
    for chunk in chunks(text, words=True):
        end = at + len(chunk)
        while passed < len(edges) and edges[passed] < end:
            if edges[passed] > at:
                yield text[at : edges[passed]]
                at = edges[passed]
            passed += 1
        yield text[at:end]
        at = end


# ---------------------------------------------------------------- writing


def _write(path: Path, records: Iterable[Record], task: Task, losses: Losses) -> None:
    spacy = _spacy()
    kept = (carried(record, task, FORM.carries, losses) for record in records)
    if path.suffix:
        _write_file(path, kept, task, spacy)
        return
    with new_folder(path, replace=False) as part:
        number = 0
        while group := list(islice(kept, _DOCS_A_FILE)):
            _write_file(part / f"{number:05d}{_SUFFIX}", group, task, spacy)
            number += 1


def _write_file(path: Path, records: Iterable[Record], task: Task, spacy: Any) -> None:
    docs = spacy.tokens.DocBin(store_user_data=True)
    vocab = spacy.vocab.Vocab()
    for record in records:
        docs.add(_doc(record, task, vocab, spacy))
    with recordfile.atomic(path) as out:
        out.write(docs.to_bytes())


def _doc(record: Record, task: Task, vocab: Any, spacy: Any) -> Any:
    words, spaces = tokens(record)
    doc = spacy.tokens.Doc(vocab, words=words, spaces=spaces)
    placed = [pair for pair in record.pairs if pair.start is not None]
    spans = [doc.char_span(pair.start, pair.end, label=pair.label) for pair in placed]
    doc.spans[GROUP] = spans
    learnable = [span for span in spans if span.text == span.text.strip()]
    doc.ents = spacy.util.filter_spans(learnable)
    if record.label:
        doc.cats = dict.fromkeys(task.labels or (), 0.0) | {record.label: 1.0}
    doc.user_data[GROUP] = _rest(record)
    return doc


def _rest(record: Record) -> str:
    """Return what spaCy has no place for: msgpack alone would give lists back as tuples."""
    values = recordfile.to_json(record)
    del values["text"], values["label"]
    values["pairs"] = {
        str(at): pair
        for at, pair in enumerate(values["pairs"])
        if pair["start"] is None or pair.get("ambiguous")
    }
    return orjson.dumps(values).decode()


# ---------------------------------------------------------------- reading


def _read(path: Path, task: Task, losses: Losses) -> Iterator[Record]:
    spacy = _spacy()
    files = sorted(path.rglob(f"*{_SUFFIX}")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise CorpusError(f"{path}: no {_SUFFIX} file here")
    number = 0
    for file in files:
        vocab = spacy.vocab.Vocab()
        for doc in _docs(file, vocab, spacy):
            number += 1
            place = f"{file}: document {number}"
            rest = _told(doc, place)
            values = {"id": f"{path.stem}-{number:06d}", "task": task.name, **rest}
            values["text"] = doc.text
            values["label"] = _label(doc, place, losses)
            values["pairs"] = _pairs(doc, rest.get("pairs", {}), place, losses)
            yield _record(values, place)


def _docs(file: Path, vocab: Any, spacy: Any) -> Iterator[Any]:
    try:
        found = spacy.tokens.DocBin().from_bytes(file.read_bytes())
    except (ValueError, KeyError, TypeError, AssertionError):
        raise CorpusError(f"{file}: not a DocBin of spaCy") from None
    yield from found.get_docs(vocab)


def _told(doc: Any, place: str) -> dict[str, Any]:
    told = doc.user_data.get(GROUP)
    if told is None:
        return {}
    try:
        rest = orjson.loads(told)
    except orjson.JSONDecodeError:
        rest = None
    if not isinstance(rest, dict) or not isinstance(rest.get("pairs"), dict):
        raise CorpusError(f"{place}: user_data[{GROUP!r}] is not what pointline writes")
    return rest


def _label(doc: Any, place: str, losses: Losses) -> str:
    if sum(score >= 0.5 for score in doc.cats.values()) > 1:
        losses.note("cats: more than one of 0.5 or more, the highest taken", place)
    best = max(doc.cats, key=doc.cats.__getitem__, default="")
    return str(best) if best and doc.cats[best] > 0 else ""


def _pairs(
    doc: Any, told: Mapping[str, Any], place: str, losses: Losses
) -> list[Mapping[str, Any]]:
    """Return the spans as pairs, and those that are told of at the places they had."""
    for name in sorted(doc.spans.keys() - {GROUP}):
        losses.note(f"span group {name!r}: left out", place)
    pairs: list[Mapping[str, Any]] = [
        {
            "label": span.label_,
            "entity": doc.text[span.start_char : span.end_char],
            "start": span.start_char,
            "end": span.end_char,
        }
        for span in doc.spans.get(GROUP, doc.ents)
    ]
    for at, pair in sorted((int(key), pair) for key, pair in told.items()):
        if pair["start"] is None:
            pairs.insert(at, pair)
        elif at < len(pairs) and {**pairs[at], "ambiguous": True} == pair:
            pairs[at] = pair
    return pairs


def _record(values: Mapping[str, Any], place: str) -> Record:
    try:
        return recordfile.from_json(values)
    except RecordError as error:
        raise CorpusError(f"{place}: {error.reason}") from None


def _spacy() -> Any:
    try:
        import spacy.tokens
        import spacy.util
        import spacy.vocab
    except ImportError:
        raise MissingExtra("spacy", extra="exchange") from None
    return spacy


#: spaCy DocBin, `.spacy`.
FORM = Form("docbin", "spaCy DocBin", _SUFFIX, frozenset(PARTS), _read, _write)

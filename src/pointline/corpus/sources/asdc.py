"""ASDC: what people say to a Japanese travel agent; 9 dialogue acts, 12 types of requested things.

`data/main/request_span/*.tsv` hold one dialogue each, a row for every span of an utterance (one
without spans where it has none); these are some of the columns:

    utterance_id  src_file_id  speaker  utterance          speech_act  span_id  …  span_type
    41            3            user     港の近くがいいです  要求        90       …  立地

A record is an utterance of the user, its label the act; a dialogue is a document. A pair's label is
`TYPE.CODE`, the code being the four letters of `span_flag`: `旅行.RYAR` is where one travels,
`旅行.RYSC` with whom. What the user rejects (`negation`) is a request too.

A span may lie in the agent's words before (`span_utterance_id`), with the user's words for it in
`demon_span_*`. Where one of the two holds the other (お車, 車), the pair is the user's; where the
user only points (それ), or says it in other words, it is left out and counted in
`meta["elsewhere"]`.

Spans are marked in utterances of three acts alone (`MARKED`). One of another act that holds a word
which is a span elsewhere (はい、旅館で) has no pairs, though it names something:
`meta["unmarked"]`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from pointline.corpus.sources.source import (
    Harvest,
    Source,
    Sourced,
    csv_rows,
    files_of,
    shaped,
)
from pointline.format.record import Pair, Record

__all__ = ["MARKED", "SOURCE", "read"]

#: The acts whose utterances were read for spans.
MARKED = ("要求", "照応要求", "感想")

_FILES = "data/main/request_span/*.tsv"

_Row = Mapping[str, str]


def read(folder: Path, lang: str) -> Harvest:
    """Return the users' utterances as records."""
    del lang
    files = files_of(folder, _FILES)
    counts: Counter[str] = Counter()
    records: list[Sourced] = []
    for path in files:
        for _, rows in groupby(_rows(path), key=lambda placed: placed[1]["utterance_id"]):
            records += _utterance(list(rows), counts)
    counts["records kept"] = len(records)
    return Harvest(tuple(_told(records)), counts)


def _told(records: Iterable[Sourced]) -> Iterator[Sourced]:
    """Tell of each record whether it names what is marked elsewhere, and was not read for it."""
    records = tuple(records)
    spans = {pair.entity for sourced in records for pair in sourced.record.pairs}
    for sourced in records:
        record = sourced.record
        unmarked = record.label not in MARKED and any(span in record.text for span in spans)
        yield replace(sourced, record=replace(record, meta={**record.meta, "unmarked": unmarked}))


def _rows(path: Path) -> Iterator[tuple[str, _Row]]:
    """Yield the rows of a dialogue, each with its place: file and line."""
    for place, row in csv_rows(path, delimiter="\t", quoted=False):
        with shaped(place):
            row["utterance_id"]
        yield place, row


def _utterance(rows: Sequence[tuple[str, _Row]], counts: Counter[str]) -> Iterator[Sourced]:
    """Yield the record of an utterance, unless it is the agent's."""
    counts["records read"] += 1
    place, first = rows[0]
    with shaped(place):
        if first["speaker"] != "user":
            counts["records dropped: said by the agent"] += 1
            return
        id, document = first["utterance_id"], first["src_file_id"]
        text, act = first["utterance"], first["speech_act"]
    pairs: dict[Pair, None] = {}
    elsewhere = 0
    for place, row in rows:
        with shaped(place):
            if not row["span_id"]:
                continue
            counts["mentions read"] += 1
            pair = _pair(row, text)
        if pair is None:
            elsewhere += 1
            counts["mentions dropped: in the agent's words only"] += 1
        elif pair in pairs:
            counts["mentions dropped: the same span and type twice"] += 1
        elif row["span_utterance_id"] != row["utterance_id"]:
            counts["mentions changed: the user's words in place of the agent's"] += 1
        if pair:
            pairs[pair] = None
    counts["mentions kept"] += len(pairs)
    ordered = tuple(sorted(pairs, key=lambda pair: (pair.start, pair.end)))
    yield Sourced(Record(id, "asdc", text, act, ordered, meta={"elsewhere": elsewhere}), document)


def _pair(row: _Row, text: str) -> Pair | None:
    which = "span"
    if row["span_utterance_id"] != row["utterance_id"]:
        which = "demon_span"
        if row["demon_span_utterance_id"] != row["utterance_id"]:
            return None
        theirs, own = row["span_text"], row["demon_span_text"]
        if theirs not in own and own not in theirs:
            return None
    start = int(row[f"{which}_start"])
    end = start + int(row[f"{which}_length"])
    if text[start:end] != row[f"{which}_text"]:
        raise ValueError(f"text[{start}:{end}] is not {row[f'{which}_text']!r}")
    return Pair(f"{row['span_type']}.{row['span_flag'][:4]}", text[start:end], start, end)


SOURCE = Source(
    name="asdc",
    folder="asdc",
    files=(_FILES,),
    licence="CC BY 4.0",
    origins={"ja": ("human", "human", "human")},
    read=read,
)

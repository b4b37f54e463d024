r"""CoNLL: a token a line with its tag in the last column, a blank line after each record.

    # id = diary-1
    # label = Literature
    # text = Ada read Byron's letters.
    Ada     B-people
    read    O
    Byron   B-people
    '       O
    s       O
    letters O
    .       O

Comment lines as in CoNLL-U carry what columns cannot: `id`, `label`, `meta` (JSON) and `text`, by
which every blank and offset comes back; `# text.json = "..."` is the same as a JSON string, for
what one line cannot hold. Other comments are passed over. Tokens are Latin words and single other
characters (`format.text.chunks`), or all characters; they are cut where a mention begins or ends,
so no mention crosses a token. Blanks are no tokens. A label's blanks are spelled in its tag
(`B-political_x20_organizations`).

A foreign file has two to four columns, separated by tabs or by blanks (a line that begins with the
separator has a blank as its token); `-DOCSTART-` lines are read over. BIO1 (IOB1), BIO2 and
BIOES/BILOU/BMEWO are told apart by their tags; tags that break the scheme are repaired and counted.
Without a `text` comment, or with one that does not hold the tokens, the text is joined: English by
`detokenise`, Japanese and Chinese without blanks but between two Latin words or numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pointline.corpus.detokenise import Joined, detokenise
from pointline.corpus.exchange.fields import well_formed
from pointline.corpus.exchange.form import LOST, Form, Losses, carried
from pointline.corpus.exchange.lines import as_json, lines, meta_as_json
from pointline.corpus.exchange.names import label_of, name_of
from pointline.corpus.recordfile import atomic
from pointline.errors import CorpusError
from pointline.format.record import Pair, Record
from pointline.format.tasks import Task
from pointline.format.text import chunks

__all__ = ["FORMS", "read", "write"]

Level = Literal["tokens", "characters"]
Scheme = Literal["BIO", "BIOES"]

_REPAIRED = "tag that breaks the scheme {}: repaired"
_MISMATCH = "comment text that does not hold the tokens: text joined from the tokens"
_NO_TOKEN = "record without a token: left out"

_COMMENT = re.compile(r"# (id|sent_id|label|text|meta)(\.json)? ?= ?(.*)", re.DOTALL)
_ANY_COMMENT = re.compile(r"# ?[A-Za-z_.]+ = ")
_TAG = re.compile(r"O|([BIESLUMW])-(.+)", re.DOTALL)
_BLANK = re.compile(r"\s")
_LATIN = re.compile(r"[0-9A-Za-zÀ-ÖØ-öø-ɏ̀-ͯḀ-ỿ]")
_ONE_LINE = re.compile(r"(?!\s)[^\x00-\x1f\x7f\x85\u2028\u2029\ufeff]*(?<!\s)")


# ---------------------------------------------------------------- writing


def write(
    path: Path,
    records: Iterable[Record],
    task: Task,
    losses: Losses,
    *,
    level: Level = "tokens",
    scheme: Scheme = "BIO",
    comments: bool = True,
) -> None:
    """Write records; without comments, tokens and tags only, which every reader of CoNLL knows.

    Raises RecordError for a meta that JSON cannot carry.
    """
    carries = CONLL.carries if comments else PLAIN.carries
    with atomic(path) as out:
        for record in records:
            kept = carried(record, task, carries, losses)
            rows = _rows(kept, level, scheme)
            if comments:
                rows = [*_comments(kept), *rows]
            elif not rows:
                losses.note(_NO_TOKEN, record.id)
                continue
            elif _by_rule([token for _, token in _tokens(kept, level)], task).text != kept.text:
                losses.note(LOST["text"], record.id)
            out.write(("\n".join(rows) + "\n\n").encode())


def _comments(record: Record) -> Iterator[str]:
    yield _comment("id", record.id)
    if record.label:
        yield _comment("label", record.label)
    if record.meta:
        yield f"# meta = {meta_as_json(record)}"
    yield _comment("text", record.text)


def _comment(key: str, value: str) -> str:
    if _ONE_LINE.fullmatch(value):
        return f"# {key} = {value}"
    return f"# {key}.json = {as_json(value, value)}"


def _rows(record: Record, level: Level, scheme: Scheme) -> list[str]:
    pairs = {at: p for p in record.pairs for at in range(p.start or 0, p.end or 0)}
    return [
        f"{token}\t{_tag(pairs.get(start), start, start + len(token), scheme)}"
        for start, token in _tokens(record, level)
    ]


def _tokens(record: Record, level: Level) -> Iterator[tuple[int, str]]:
    """Yield the start and the string of each token."""
    edges = {edge for pair in record.pairs for edge in (pair.start, pair.end)}
    start = 0
    for chunk in chunks(record.text, words=level == "tokens"):
        end = start + len(chunk)
        cuts = [start, *(at for at in range(start + 1, end) if at in edges), end]
        for first, last in pairwise(cuts):
            token = record.text[first:last]
            if not token.isspace():
                yield first, token
        start = end


def _tag(pair: Pair | None, start: int, end: int, scheme: Scheme) -> str:
    if pair is None:
        return "O"
    begins, ends = start == pair.start, end == pair.end
    prefix = "B" if begins else "I"
    if scheme == "BIOES" and ends:
        prefix = "S" if begins else "E"
    return f"{prefix}-{_name(pair.label)}"


@lru_cache(maxsize=4096)
def _name(label: str) -> str:
    return name_of(label, _BLANK)


# ---------------------------------------------------------------- reading


@dataclass(slots=True)
class _Block:
    """The lines of one record: its comments, tokens and tags, and the line of each tag."""

    comments: dict[str, str] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    tags: list[tuple[str, str]] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    first: int = 0


def read(path: Path, task: Task, losses: Losses) -> Iterator[Record]:
    """Yield the records of a file, which is read twice: first for the scheme of its tags.

    Records without an `id` comment are numbered after the file's name.

    Raises CorpusError with file and line where a line is no row, comment or blank line.
    """
    scheme = _scheme_of(block.tags for block in _blocks(path))
    for number, block in enumerate(_blocks(path), start=1):
        place = f"{path}:{block.first}"
        joined = _joined(block, task, place, losses)
        spans = _spans(block, scheme, path, losses)
        with well_formed(place):
            yield Record(
                block.comments.get("id", f"{path.stem}-{number}"),
                task.name,
                joined.text,
                block.comments.get("label", ""),
                tuple(_pair(label, joined, first, last) for label, first, last in spans),
                meta=_meta(block, place),
            )


def _pair(label: str, joined: Joined, first: int, last: int) -> Pair:
    start, end = joined.spans[first][0], joined.spans[last][1]
    return Pair(label, joined.text[start:end], start, end)


def _meta(block: _Block, place: str) -> dict[str, object]:
    meta = _from_json(block.comments.get("meta", "{}"), place)
    if not isinstance(meta, dict):
        raise CorpusError(f"{place}: the comment 'meta' is no JSON object: mend or remove it")
    return meta


def _from_json(value: str, place: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{place}: a comment is not JSON: {error}: mend or remove it") from None


def _blocks(path: Path) -> Iterator[_Block]:
    block = _Block()
    for number, line in lines(path):
        if not line.strip(" \t\r") or line.startswith("-DOCSTART-"):
            if block.tokens or "text" in block.comments:
                yield block
            block = _Block()
            continue
        block.first = block.first or number
        if not _is_comment(line):
            token, tag = _row(line, path, number)
            block.tokens.append(token)
            block.tags.append(tag)
            block.at.append(number)
        elif found := _COMMENT.match(line):
            key, is_json, value = found.groups()
            block.comments["id" if key == "sent_id" else key] = (
                str(_from_json(value, f"{path}:{number}")) if is_json else value
            )
    if block.tokens or "text" in block.comments:
        yield block


def _is_comment(line: str) -> bool:
    """Say whether it is a comment; the row of a token `#` ends in a tag."""
    if not line.startswith("#"):
        return False
    if _COMMENT.match(line) or _ANY_COMMENT.match(line):
        return True
    return line.startswith("# ") and not _TAG.fullmatch(line.split()[-1])


def _row(line: str, path: Path, number: int) -> tuple[str, tuple[str, str]]:
    """Return the token, and the prefix and the label of its tag."""
    columns = line.split("\t") if "\t" in line else re.split(" +", line.rstrip(" "))
    while len(columns) > 2 and not columns[-1]:
        columns.pop()
    if not 2 <= len(columns) <= 4:
        raise CorpusError(
            f"{path}:{number}: {len(columns)} columns: a row is a token, up to two more columns and"
            " a tag, separated by tabs or blanks"
        )
    tag = _parted(columns[-1].strip())
    if not tag:
        raise CorpusError(
            f"{path}:{number}: {columns[-1]!r} is no tag: the last column is O, or B-TYPE, I-TYPE"
        )
    return columns[0] or " ", tag


@lru_cache(maxsize=4096)
def _parted(tag: str) -> tuple[str, str] | None:
    found = _TAG.fullmatch(tag)
    return (found[1] or "O", found[2] or "") if found else None


# ---------------------------------------------------------------- the text


def _joined(block: _Block, task: Task, place: str, losses: Losses) -> Joined:
    if "text" in block.comments:
        text = block.comments["text"]
        spans = _aligned(text, block.tokens)
        if spans is not None:
            return Joined(text, spans)
        losses.note(_MISMATCH, place)
    return _by_rule(block.tokens, task)


def _by_rule(tokens: Sequence[str], task: Task) -> Joined:
    return _side_by_side(tokens) if task.lang in ("ja", "zh") else detokenise(tokens)


def _aligned(text: str, tokens: Sequence[str]) -> tuple[tuple[int, int], ...] | None:
    """Return the span of each token in the text; None if they are not all of it but blanks."""
    spans = []
    at = 0
    for token in tokens:
        while not text.startswith(token, at) and text[at : at + 1].isspace():
            at += 1
        if not text.startswith(token, at):
            return None
        spans.append((at, at + len(token)))
        at += len(token)
    return None if text[at:].strip() else tuple(spans)


def _side_by_side(tokens: Sequence[str]) -> Joined:
    text = ""
    spans = []
    for at, token in enumerate(tokens):
        if at and _are_words(tokens[at - 1], token):
            text += " "
        spans.append((len(text), len(text) + len(token)))
        text += token
    return Joined(text, tuple(spans))


def _are_words(left: str, right: str) -> bool:
    """Say whether two Latin words or numbers meet, at least one of more than one character."""
    meet = _LATIN.match(left[-1]) and _LATIN.match(right[0])
    return bool(meet) and len(left) + len(right) > 2


# ---------------------------------------------------------------- tags

_Tags = Sequence[tuple[str, str]]
_SAME = {"L": "E", "U": "S", "W": "S", "M": "I"}


def _scheme_of(blocks: Iterable[_Tags]) -> Literal["BIO1", "BIO2", "BIOES"]:
    """Tell the scheme: BIO1 writes B only where a mention follows another of its label."""
    starts_with_i = starts_with_b = False
    for tags in blocks:
        before = ("O", "")
        for prefix, label in tags:
            if prefix in "ESLUWM":
                return "BIOES"
            is_start = prefix != "O" and before[1] != label
            starts_with_i |= is_start and prefix == "I"
            starts_with_b |= is_start and prefix == "B"
            before = (prefix, label)
    return "BIO1" if starts_with_i and not starts_with_b else "BIO2"


def _spans(
    block: _Block, scheme: str, path: Path, losses: Losses
) -> Iterator[tuple[str, int, int]]:
    """Yield the label, the first and the last token of each mention."""
    start, inside = 0, ""
    for at, (raw, label) in enumerate([*block.tags, ("O", "")]):
        prefix = _SAME.get(raw, raw)
        goes_on = prefix in "IE" and label == inside
        fault = scheme == "BIOES" and bool(inside) and not goes_on
        if inside and not goes_on:
            yield label_of(inside), start, at - 1
        if prefix != "O" and not goes_on:
            start = at
            fault |= prefix in "IE" and scheme != "BIO1"
        inside = label
        if prefix in "ES":
            yield label_of(label), start, at
            inside = ""
        if fault:
            losses.note(_REPAIRED.format(scheme), f"{path}:{block.at[min(at, len(block.at) - 1)]}")


# ---------------------------------------------------------------- the formats

CONLL = Form(
    name="conll",
    title="CoNLL, BIO tags, Latin words and single other characters",
    suffix=".conll",
    carries=frozenset({"id", "text", "label", "meta", "pairs", "places"}),
    read=read,
    write=write,
)
PLAIN = Form(
    name="conll-plain",
    title="CoNLL, BIO tags, without comment lines",
    suffix=".conll",
    carries=frozenset({"pairs", "places"}),
    read=read,
    write=partial(write, comments=False),
)
FORMS = (
    CONLL,
    Form(
        name="conll-bioes",
        title="CoNLL, BIOES tags, Latin words and single other characters",
        suffix=".conll",
        carries=CONLL.carries,
        read=read,
        write=partial(write, scheme="BIOES"),
    ),
    Form(
        name="conll-chars",
        title="CoNLL, BIO tags, a character a line",
        suffix=".conll",
        carries=CONLL.carries,
        read=read,
        write=partial(write, level="characters"),
    ),
    PLAIN,
)

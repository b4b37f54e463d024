r"""The grammar of legal completions as GBNF, which llama.cpp's server takes: from our Lark text.

GBNF has no word for "a substring of the text". It is spelled as rules: the states of the suffix
automaton of the text's pieces, at most two a piece, of which only those stay that can still end.

    PIECES: %regex {"substring_chunks": ["A", "t", " ", "1"]}    entity ::= "A" e1 | "t" e2 | "1"
    ENTITY: PIECES & /.../                                       e1 ::= ("t" e2)?
                                                                 e2 ::= (" " e3)? ...

The language is that of the Lark text, whose field rule says that no blank stands at the edge of an
entity: no run of pieces begins with one, and none may end at one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pointline.errors import InputError
from pointline.model.grammar import LABEL_CHARS, open_label

__all__ = ["from_lark"]

_SYMBOL = re.compile(r'("(?:[^"\\]|\\.)*")|([A-Za-z_]+)|(\{\d+,\d+\}|[()|])|\s+')
_PIECES = '%regex {"substring_chunks": '
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

# The delimiters that a label escapes: "/" too where it is that of the text.
_OPEN = {open_label(text_level=level): ":;/" if level else ":;" for level in (True, False)}
_CONTROLS = r"\u0000-\u001f\u007f-\u009f"
_BLANKS = r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # those that are no controls


def from_lark(lark: str) -> str:
    r"""Return the GBNF of a grammar that `grammar.build` wrote.

    Raises InputError for Lark text of another shape.

    >>> print(from_lark('start: LABEL "/NER/"\nLABEL: "a" | "b"\n'), end="")
    root ::= label "/NER/"
    label ::= "a" | "b"
    """
    lines = lark.removesuffix("\n").split("\n")  # a text may hold what Python calls a line break
    return "".join(f"{rule}\n" for line in lines for rule in _rules(line))


def _rules(line: str) -> Iterator[str]:
    name, colon, body = line.partition(": ")
    if not colon:
        raise InputError(f"no rule of grammar.build: {line[:40]!r}")
    if body.startswith(_PIECES):
        yield from _entity(json.loads(body.removeprefix(_PIECES).removesuffix("}")))
    elif name == "ENTITY":
        return  # what it says of the pieces is in their rules
    elif body in _OPEN:
        yield from _open_label(_named(name), _OPEN[body])
    else:
        yield f"{_named(name)} ::= {''.join(_symbols(body))}"


def _named(name: str) -> str:
    return "root" if name == "start" else name.lower().replace("_", "-")


def _symbols(body: str) -> Iterator[str]:
    at = 0
    while at < len(body):
        found = _SYMBOL.match(body, at)
        if found is None:
            raise InputError(f"no rule of grammar.build: {body[at : at + 40]!r}")
        literal, name, _ = found.groups()
        yield _quote(json.loads(literal)) if literal else _named(name) if name else found[0]
        at = found.end()


def _open_label(name: str, escaped: str) -> Iterator[str]:
    """Yield the rules of a short label of any characters, no blank at its edges."""
    escape = rf'"\\" [\\{escaped}]'
    yield f"{name} ::= {name}-edge ({name}-unit{{0,{LABEL_CHARS - 2}}} {name}-edge)?"
    yield rf"{name}-edge ::= [^{_CONTROLS}{_BLANKS}\\{escaped}] | {escape}"
    yield rf"{name}-unit ::= [^{_CONTROLS}\\{escaped}] | {escape}"


def _quote(value: str) -> str:
    return '"' + "".join(_char(char) for char in value) + '"'


def _char(char: str) -> str:
    if char < " " or "\x7f" <= char <= "\x9f":
        return _ESCAPED.get(char) or f"\\u{ord(char):04x}"
    return _ESCAPED.get(char, char)


# ---------------------------------------------------------------- substrings


@dataclass(slots=True)
class _State:
    """The runs of pieces that end at the same places of the text."""

    length: int
    link: int = -1
    blank: bool = False
    edges: dict[str, int] = field(default_factory=dict)


def _entity(pieces: Sequence[str]) -> Iterator[str]:
    """Yield the rules of the runs of pieces that neither begin nor end with a blank."""
    states = _automaton(pieces)
    by_length = sorted(range(len(states)), key=lambda at: states[at].length, reverse=True)
    bodies: dict[int, list[str]] = {}
    alive: set[int] = set()
    for at in by_length:  # longer runs first: what follows a state is known before it is
        state = states[at]
        edges = [(piece, to) for piece, to in state.edges.items() if to in alive]
        if at == 0:
            edges = [(piece, to) for piece, to in edges if not _is_blank(piece)]
        bodies[at] = [
            _quote(piece) + (f" e{to}" if bodies[to] else "") for piece, to in sorted(edges)
        ]
        if edges or not state.blank:
            alive.add(at)
    yield "entity ::= " + " | ".join(bodies[0])
    for at in sorted(_reached(states, bodies, alive)):
        body = " | ".join(bodies[at])
        yield f"e{at} ::= " + (body if states[at].blank else f"({body})?")


def _reached(states: Sequence[_State], bodies: dict[int, list[str]], alive: set[int]) -> set[int]:
    """Return the states that a rule is needed for: a root's blank edges may lead to others."""
    found: set[int] = set()
    waiting = [to for piece, to in states[0].edges.items() if to in alive and not _is_blank(piece)]
    while waiting:
        at = waiting.pop()
        if at not in found and bodies[at]:
            found.add(at)
            waiting += [to for to in states[at].edges.values() if to in alive]
    return found


def _is_blank(piece: str) -> bool:
    return piece in ("\\n", "\\r") or piece.isspace()


def _automaton(pieces: Sequence[str]) -> list[_State]:
    """Return the suffix automaton of the pieces; state 0 is where every run begins."""
    states = [_State(0)]
    last = 0
    for piece in pieces:
        last = _extended(states, last, piece)
    return states


def _extended(states: list[_State], last: int, piece: str) -> int:
    new = len(states)
    states.append(_State(states[last].length + 1, blank=_is_blank(piece)))
    at = last
    while at >= 0 and piece not in states[at].edges:
        states[at].edges[piece] = new
        at = states[at].link
    if at < 0:
        states[new].link = 0
        return new
    old = states[at].edges[piece]
    if states[old].length == states[at].length + 1:
        states[new].link = old
        return new
    twin = len(states)
    states.append(
        _State(states[at].length + 1, states[old].link, states[old].blank, {**states[old].edges})
    )
    while at >= 0 and states[at].edges.get(piece) == old:
        states[at].edges[piece] = twin
        at = states[at].link
    states[old].link = states[new].link = twin
    return new

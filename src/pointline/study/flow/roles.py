"""Tokens and their roles: a prompt is tokenized once, and each token goes to a piece of it.

Tokenizing piece by piece would be wrong: tokens merge across borders, and there are other tokens
then. So the whole string is tokenized, and a token belongs to the piece that holds most of its
characters, blanks aside. One that holds characters of two pieces *straddles* and is counted: it is
text and information in one, and the flow into it is neither's alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from pointline.errors import InputError, ModelError
from pointline.model.backbone import Backbone
from pointline.study.flow.prompt import Asked, Piece, Role

__all__ = ["Straddle", "Tokens", "assign", "tokens_of"]


@dataclass(frozen=True, slots=True)
class Straddle:
    """A token with characters (not only blanks) of more than one piece."""

    token: int
    text: str
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Tokens:
    """A prompt as a model is given it, and what is asked.

    `ids` are the tokens, the last of which predicts; `roles` and `spans` (half-open code points of
    the prompt, empty for what the tokenizer added) are one for each. `target` is the first token
    of the answer, `choices` those of all answers that the label set allows, `gold` the right one's
    place among them.
    """

    ids: tuple[int, ...]
    roles: tuple[Role, ...]
    spans: tuple[tuple[int, int], ...]
    text: str
    target: int
    choices: tuple[int, ...] = ()
    gold: int = 0
    straddles: tuple[Straddle, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, role: Role) -> tuple[int, ...]:
        """Return the positions of a role's tokens."""
        return tuple(place for place, found in enumerate(self.roles) if found is role)

    @property
    def shown(self) -> tuple[str, ...]:
        """The characters of each token; tokens that share a character share it here."""
        return tuple(self.text[start:end] for start, end in self.spans)

    @property
    def distinct(self) -> bool:
        """Whether the choices differ in their first token."""
        return len(set(self.choices)) == len(self.choices)


def tokens_of(asked: Asked, backbone: Backbone) -> Tokens:
    """Return the tokens of a prompt with their roles, and those of its answers.

    The last token has the role TARGET, whatever piece it is of.

    Raises InputError where an answer would merge into the prompt's last token, so that there is no
    target; ModelError for a tokenizer that does not tell where its tokens stand.
    """
    text = asked.text
    ids, spans = _encoded(text, backbone)
    roles, straddles = assign(asked.pieces, spans)
    added = len(backbone.bos)
    all_ids = (*backbone.bos, *ids)
    if not ids:
        raise InputError(f"the prompt {text[:40]!r} has no token")
    # choices that never merge are not tokenized with their long prompt more than once
    answers = dict.fromkeys((asked.answer, *asked.choices))
    first = {answer: _first(text, answer, ids, backbone) for answer in answers}
    return Tokens(
        ids=all_ids,
        roles=(*[Role.SPECIAL] * added, *roles[:-1], Role.TARGET),
        spans=(*[(0, 0)] * added, *spans),
        text=text,
        target=first[asked.answer],
        choices=tuple(first[choice] for choice in asked.choices),
        gold=asked.gold,
        straddles=tuple(Straddle(s.token + added, s.text, s.roles) for s in straddles),
    )


def assign(
    pieces: Sequence[Piece], spans: Sequence[tuple[int, int]]
) -> tuple[list[Role], list[Straddle]]:
    """Return the role of each span of characters, and the spans that straddle.

    A span goes to the piece with most of its characters that are no blanks, then with most of its
    characters, then to the first.

    >>> pieces = [Piece(Role.TEXT, "京都"), Piece(Role.INFO, "で開催")]
    >>> roles, straddles = assign(pieces, [(0, 1), (1, 4), (4, 5)])
    >>> [role.name for role in roles], [s.text for s in straddles]
    (['TEXT', 'INFO', 'INFO'], ['都で開'])
    """
    text = "".join(piece.text for piece in pieces)
    edges = [0, *accumulate(len(piece.text) for piece in pieces)]
    bounds = [(*edge, piece.role) for edge, piece in zip(pairwise(edges), pieces, strict=True)]
    roles, straddles = [], []
    for number, (start, end) in enumerate(spans):
        end = max(end, start + 1)  # a token of no width stands where it begins
        held = list(_held(text, start, end, bounds))
        roles.append(max(held, key=lambda part: part[:2])[2] if held else Role.SPECIAL)
        real = tuple(dict.fromkeys(role for solid, _, role in held if solid))
        if len(real) > 1:
            straddles.append(Straddle(number, text[start:end], real))
    return roles, straddles


def _held(
    text: str, start: int, end: int, bounds: Sequence[tuple[int, int, Role]]
) -> Iterator[tuple[int, int, Role]]:
    """Yield for each piece in reach: its characters of the span, blanks aside and all, its role."""
    for low, high, role in bounds:
        inside = text[max(start, low) : min(end, high)] if low < end and start < high else ""
        if inside:
            yield len("".join(inside.split())), len(inside), role


def _encoded(text: str, backbone: Backbone) -> tuple[list[int], list[tuple[int, int]]]:
    try:
        found = backbone.tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=True,
            return_offsets_mapping=True,
            verbose=False,
        )
    except NotImplementedError:
        raise ModelError(
            f"the tokenizer of {backbone.name!r} does not tell where its tokens stand in the text:"
            " flow needs a fast tokenizer"
        ) from None
    return list(found["input_ids"]), [(int(a), int(b)) for a, b in found["offset_mapping"]]


def _first(text: str, answer: str, ids: Sequence[int], backbone: Backbone) -> int:
    """Return the first token of an answer behind the prompt."""
    whole = backbone.encode(text + answer, bos=False)
    if whole[: len(ids)] != list(ids) or len(whole) == len(ids):
        raise InputError(
            f"the answer {answer[:20]!r} merges into the end of the prompt {text[-12:]!r}"
        )
    return whole[len(ids)]

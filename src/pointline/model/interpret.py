r"""From a completion to a prediction: a cut is finished, repeats are dropped, confidence is kept.

Confidence. The probability of a completion is a product over its tokens, each renormalised over
the tokens that were allowed. The product is parted at the items' borders: the label has the
factors of its tokens and of the slash behind it; an item has the factors of its fields, and that
of being closed where it was closed (any way of closing: a further item, or the end); the choice
of a further item, given that the one before is closed, belongs to the further item. So the
product of all confidences is the probability of the completion but for the choice to stop, and a
factor is in [0, 1]. A token that lies across a border belongs where it begins. Where the label
comes last, the choice to write it, given that the item before is closed, is the label's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import exp, isfinite
from typing import Any, Literal

from pointline.format import codec
from pointline.format.codec import Reading
from pointline.format.escape import split, unescape
from pointline.format.record import Pair, Prediction, Record
from pointline.format.tasks import Task
from pointline.format.text import occurrences, place
from pointline.model.backend import Completion, Halt, Token
from pointline.model.form import Parts
from pointline.model.prompt import Form

__all__ = ["REPAIRS", "Repair", "finish", "interpret", "loops"]

Repair = Literal["cut-dropped", "repeat-dropped", "items-full"]

#: The corrections made here, beside those of lenient reading (`format.lenient.REPAIRS`).
REPAIRS: dict[Repair, str] = {
    "cut-dropped": "the completion was cut, by the limit of new tokens or because it repeated"
    " itself; its last item, which may be unfinished, was dropped",
    "repeat-dropped": "an item was repeated more often than the text holds it and was dropped",
    "items-full": "the completion has as many items as `max_items` allows: there may be more",
}

_LOOP = 3
_Span = tuple[int, int]


def interpret(
    completion: Completion, record: Record, task: Task, form: Form | None = None
) -> Prediction:
    """Return what a completion says of the record's text, with places and confidences.

    A completion of another `form` than the mix format is kept in `meta["raw_completion"]`, and
    `completion` is the same in the mix format.

    `scores` is `{"label": p, "items": [p, ...]}`; without the probabilities of tokens it is
    empty. A label or an item that lenient reading had to rebuild gets the confidence of the whole
    completion, which is a lower bound. Never raises for what a model wrote.
    """
    repairs: list[str] = []
    form = form or Form()
    line = completion.text
    if completion.cut:
        has_label = form.fields[-1:] == ("label",) and form.parts(line, task.word) is not None
        line = line if has_label else finish(line)
        repairs.append("cut-dropped")
    parts = _parts(line, task, form)
    mix = line if form.is_mix else _as_mix(line, parts, task)
    reading = codec.read(mix, task, record.text, "lenient")
    repairs += reading.repairs
    scores = _scores(completion.tokens, line, parts, reading)
    kept = _without_repeats(reading.items, task, record.text)
    if len(kept) < len(reading.items):
        repairs += ["repeat-dropped"] * (len(reading.items) - len(kept))
        reading = _only(reading, kept, record.text)
        scores = {k: [v[i] for i in kept] if k == "items" else v for k, v in scores.items()}
    return Prediction(
        id=record.id,
        task=task.name,
        text=record.text,
        label=reading.label,
        pairs=reading.pairs,
        facts=reading.facts,
        meta=record.meta if form.is_mix else {**record.meta, "raw_completion": completion.text},
        scores=scores,
        completion=completion.text if form.is_mix else mix,
        repairs=tuple(repairs),
        ok=reading.ok,
    )


def finish(line: str) -> str:
    r"""Return a line that was cut without its last item, which may be unfinished.

    >>> finish("Nature/NER/:places;Turin:places;10\\:3")
    'Nature/NER/:places;Turin'
    """
    pieces = split(line, ":")
    return line[: pieces[-1][0] - 1] if len(pieces) > 1 else line


# ---------------------------------------------------------------- repeats


def loops(text: str, task: Task) -> Halt:
    """Return the test that cuts a completion which has begun to go round in circles.

    It is true of a line with `_LOOP` items that `interpret` would drop as repeats: a model that
    was not trained on the task would go on to the limit.
    """

    def halt(line: str) -> bool:
        items = [
            tuple(unescape(raw).value for _, raw in split(piece, ";"))
            for _, piece in split(line, ":")[1:]
        ]
        whole = [item for item in items if len(item) > 1]
        return len(whole) - len(_without_repeats(whole, task, text)) >= _LOOP

    return halt


def _without_repeats(items: Sequence[tuple[str, ...]], task: Task, text: str) -> list[int]:
    """Return which items stay: a pair as often as its entity occurs, a fact once."""
    seen: Counter[tuple[str, ...]] = Counter()
    kept = []
    for at, item in enumerate(items):
        seen[item] += 1
        repeated = seen[item] > 1
        if not repeated or (
            task.shape == "pairs" and seen[item] <= len(occurrences(text, item[1]))
        ):
            kept.append(at)
    return kept


def _only(reading: Reading, kept: Sequence[int], text: str) -> Reading:
    """Return the reading with these items only, placed anew."""
    items = tuple(reading.items[at] for at in kept)
    if reading.facts:
        return replace(reading, items=items, facts=tuple(reading.facts[at] for at in kept))
    pairs = [
        Pair(label, entity)
        if found is None
        else Pair(label, entity, found.start, found.end, found.ambiguous)
        for (label, entity), found in zip(items, place(text, [i[1] for i in items]), strict=True)
    ]
    return replace(reading, items=items, pairs=tuple(pairs))


# ---------------------------------------------------------------- confidence


def _parts(line: str, task: Task, form: Form) -> Parts | None:
    """Return where label and items stand; a line of the mix format need not be well formed."""
    if not form.is_mix:
        return form.parts(line, task.word)
    end = len(split(line, "/")[0][1])
    return Parts((0, end), (end + 1, len(line)))


def _as_mix(line: str, parts: Parts | None, task: Task) -> str:
    """Return a line of another form in the mix format; as it is where it is not of that form."""
    if parts is None:
        return line
    label, items = (line[slice(*span)] if span else "" for span in parts)
    return f"{label}/{task.word}/{items}"


def _scores(
    tokens: Sequence[Token], line: str, parts: Parts | None, reading: Reading
) -> dict[str, Any]:
    if not tokens:
        return {}
    whole = _product(token.logprob for token in tokens)
    spans = _spans(line, parts, reading.items)
    items = [whole if span is None else _item(tokens, span) for span in spans]
    if not reading.label:
        return {"items": items}
    span = parts and parts.label
    if not span or unescape(line[slice(*span)]).value != reading.label:  # it had to be mended
        return {"label": whole, "items": items}
    return {"label": _label(tokens, span, parts and parts.items), "items": items}


def _label(tokens: Sequence[Token], span: _Span, items: _Span | None) -> float:
    start, end = span
    if items and items[1] <= start:
        return _item(tokens, (items[1], end + 1))
    inside = [token.logprob for token in tokens if start <= token.start < end]
    at_items = items is not None and items[0] == end  # no character of its own closes the label
    closing = [token.close if at_items else token.logprob for token in tokens if token.start == end]
    return _product([*inside, *closing[:1]])


def _spans(line: str, parts: Parts | None, items: Sequence[tuple[str, ...]]) -> list[_Span | None]:
    """Return where each item stands in the line, its ":" included, if it stands there as read."""
    start, end = (parts and parts.items) or (0, 0)
    pieces = split(line[start:end], ":", offset=start)[1:]
    written = [
        (tuple(unescape(raw).value for _, raw in split(piece, ";")), (at - 1, at + len(piece)))
        for at, piece in pieces
    ]
    spans: list[_Span | None] = []
    following = 0
    for item in items:
        found = next((i for i in range(following, len(written)) if written[i][0] == item), None)
        spans.append(None if found is None else written[found][1])
        following = following if found is None else found + 1
    return spans


def _item(tokens: Sequence[Token], span: _Span) -> float:
    """Return the confidence of the item at `span`, which begins with its ":"."""
    start, end = span
    inside = [
        t.logprob - t.close if t.start == start else t.logprob
        for t in tokens
        if start <= t.start < end
    ]
    closing = next((t.close for t in tokens if t.start == end), 0.0)
    return _product([*inside, closing])


def _product(logprobs: Any) -> float:
    """Return the product of probabilities given by their logarithms, in [0, 1]."""
    total = sum(logprobs)
    return min(1.0, exp(total)) if isfinite(total) else 0.0

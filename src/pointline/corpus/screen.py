"""No near-duplicate of a text to test on is trained on: what of the corpora goes for that.

Of two near-duplicates on two sides of the split, in one corpus or in two of a language, the one on
the side that weighs less is dropped, with its translations: training before development before
test. So the test sides stay whole. Near-duplicates on one side stay and are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pointline.corpus.near import Near
from pointline.corpus.shelf import Shelved, Stock
from pointline.corpus.split import Side, side

__all__ = ["NEAR", "TRANSLATED", "Place", "screened", "texts"]

#: A corpus and a language.
Place = tuple[str, str]

#: The rules by the side of the text that is nearly the same, and that of its translations.
NEAR: Mapping[Side, str] = {
    "test": "near-duplicate of a text on the test side",
    "dev": "near-duplicate of a text on the development side",
}
TRANSLATED = "translation of a near-duplicate"

_WEIGHT: Mapping[Side, int] = {"train": 0, "dev": 1, "test": 2}

Row = tuple[Place, int]


def texts(stocks: Mapping[Place, Stock], lang: str) -> tuple[str, ...]:
    """Return the keys of all texts of a language, in the order that `screened` counts them in."""
    return tuple(stocks[place].rows[at].key for place, at in _rows(stocks, lang))


def screened(
    stocks: Mapping[Place, Stock],
    near: Mapping[str, Sequence[Near]],
    sides: Mapping[str, tuple[float, float]],
) -> dict[Place, Stock]:
    """Return the stocks without what must not be trained on; `near` by language."""
    rules: dict[Row, str] = {}
    alike: set[Row] = set()
    for lang, pairs in near.items():
        rows = list(_rows(stocks, lang))
        for pair in pairs:
            one, other = sorted(
                (rows[pair.first], rows[pair.second]),
                key=lambda row: _WEIGHT[_side(stocks, row, sides)],
            )
            there = _side(stocks, other, sides)
            if _side(stocks, one, sides) == there:
                alike |= {one, other}
            elif rules.get(one) != NEAR["test"]:
                rules[one] = NEAR[there]
    units = {(place[0], _row(stocks, (place, at)).unit) for place, at in rules}
    return {place: _kept(place, stock, rules, units, alike) for place, stock in stocks.items()}


def _rows(stocks: Mapping[Place, Stock], lang: str) -> Iterator[Row]:
    for place in sorted(stocks):
        if place[1] == lang:
            yield from ((place, at) for at in range(len(stocks[place].rows)))


def _row(stocks: Mapping[Place, Stock], row: Row) -> Shelved:
    return stocks[row[0]].rows[row[1]]


def _side(
    stocks: Mapping[Place, Stock], row: Row, sides: Mapping[str, tuple[float, float]]
) -> Side:
    return side(_row(stocks, row).position, sides[row[0][0]])


def _kept(
    place: Place,
    stock: Stock,
    rules: Mapping[Row, str],
    units: set[tuple[str, str]],
    alike: set[Row],
) -> Stock:
    why = [
        rules.get((place, at)) or (TRANSLATED if (place[0], row.unit) in units else None)
        for at, row in enumerate(stock.rows)
    ]
    left = stock.without(why)
    stayed = sum((place, at) in alike for at, rule in enumerate(why) if rule is None)
    told = Counter({"records kept beside a near-duplicate on their side": stayed} if stayed else {})
    return replace(left, counts=left.counts + told)

"""What records share that they should not: ids, texts and documents, in a dataset and between two.

Everything is found in the census; files are read again only for texts that come twice with
different annotations. Places are indices into the census, in pairs: the place, and the place that
came before it or stands in the other census.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pointline.corpus import recordfile
from pointline.corpus.census import Census, annotation, first_of
from pointline.corpus.manifest import SPLITS
from pointline.corpus.near import neighbours
from pointline.corpus.twins import key
from pointline.format.record import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Shared", "between", "conflicts", "near", "records_at", "sides_differ", "within"]


class Shared(NamedTuple):
    """Places, and for each the place that it shares something with."""

    places: NDArray[np.int64]
    others: NDArray[np.int64]


def within(census: Census) -> Mapping[str, Shared]:
    """Return by rule what the records of one dataset share; each file of it is a split.

    A place is named with the first that has the same.
    """
    import numpy as np

    source = census.column("source")
    ids, texts = (first_of(census.column(name)) for name in ("id", "text"))
    documents = first_of(census.column("document"))
    named = census.column("document") != 0
    here = np.arange(len(census))
    again, elsewhere = texts != here, source != source[texts]
    parted = named & (source != source[documents])
    rules = {
        "repeated id": (ids != here, ids),
        "text in two splits": (elsewhere, texts),
        "document in two splits": (parted & ~elsewhere, documents),
        "repeated text": (again & ~elsewhere, texts),
    }
    return {rule: Shared(here[mask], first[mask]) for rule, (mask, first) in rules.items()}


def conflicts(census: Census, files: Sequence[Path]) -> Shared:
    """Return the records whose text came before with another label or other items.

    Width, case, blanks and punctuation make no item another one. The files are read again where
    the annotations of twins are not the same to the letter.
    """
    import numpy as np

    first, told = first_of(census.column("text")), census.column("annotation")
    unlike = told != told[first]
    if unlike.any():
        told = told.copy()
        members = np.flatnonzero(np.isin(first, first[unlike]))
        for place, record in zip(members, records_at(census, files, members), strict=True):
            told[place] = annotation(record, folded=True)
    places = np.flatnonzero(told != told[first])
    return Shared(places, first[places])


def records_at(
    census: Census, files: Sequence[Path], places: NDArray[np.int64]
) -> Iterator[Record]:
    """Yield the records at some places, which ascend."""
    source, line = census.column("source"), census.column("line")
    for number, path in enumerate(files):
        lines = line[places[source[places] == number]]
        if len(lines):
            yield from (record for _, record in recordfile.pick(path, lines.tolist()))


def sides_differ(one: Path, other: Path) -> bool:
    """Say whether two files may not share a text: they are not the same split.

    >>> sides_differ(Path("a/train.jsonl"), Path("b/train.jsonl"))
    False
    >>> sides_differ(Path("a/train.jsonl"), Path("b/all.jsonl"))
    True
    """
    return one.stem != other.stem or one.stem not in SPLITS


def between(
    census: Census, files: Sequence[Path], other: Census, others: Sequence[Path]
) -> Mapping[str, Shared]:
    """Return by rule what two datasets share across sides: `sides_differ` says which are meant."""
    import numpy as np

    found: dict[str, list[Shared]] = {"leakage": [], "document leakage": []}
    for mine, path in enumerate(files):
        for theirs, another in enumerate(others):
            if not sides_differ(path, another):
                continue
            here = np.flatnonzero(census.column("source") == mine)
            there = np.flatnonzero(other.column("source") == theirs)
            for rule, name in (("leakage", "text"), ("document leakage", "document")):
                found[rule].append(_met(census, here, other, there, name))
    texts = _joined(found["leakage"])
    documents = _joined(found["document leakage"])
    new = ~np.isin(documents.places, texts.places)
    return {"leakage": texts, "document leakage": Shared(*(side[new] for side in documents))}


def _met(
    census: Census, here: NDArray[Any], other: Census, there: NDArray[Any], name: str
) -> Shared:
    """Return which of `here` have a digest of `there`, and the first that has it."""
    import numpy as np

    mine = census.column(name)[here]
    theirs, at = np.unique(other.column(name)[there], return_index=True)
    if not len(theirs):
        return Shared(here[:0], here[:0])
    found = np.minimum(np.searchsorted(theirs, mine), len(theirs) - 1)
    same = (theirs[found] == mine) & (mine != 0)
    return Shared(here[same], there[at[found[same]]])


def _joined(parts: Sequence[Shared]) -> Shared:
    """Return each place once, with the first that it shares something with."""
    import numpy as np

    if not parts:
        return Shared(np.empty(0, np.int64), np.empty(0, np.int64))
    places = np.concatenate([part.places for part in parts])
    others = np.concatenate([part.others for part in parts])
    once, at = np.unique(places, return_index=True)
    return Shared(once, others[at])


def near(
    census: Census, files: Sequence[Path], other: Census | None, others: Sequence[Path]
) -> Shared:
    """Return the near-duplicates (`near.neighbours`) across sides that are no twins.

    Without another dataset the sides are the files of this one. All texts are held in memory.

    Raises MissingExtra where datasketch is not installed.
    """
    import numpy as np

    mine = _by_key(census, files)
    theirs = mine if other is None else _by_key(other, others)
    texts = list(mine | theirs)
    pairs: dict[int, int] = {}
    for pair in neighbours(texts):
        for text, like_it in permutations((texts[pair.first], texts[pair.second])):
            for file, places in mine.get(text, {}).items():
                # of twins in a file the first stands for all, so that many take no more time
                across = [
                    there[0]
                    for name, there in theirs.get(like_it, {}).items()
                    if sides_differ(file, name) and (theirs is not mine or file != name)
                ]
                for place in places if across else ():
                    pairs[place] = min(pairs.get(place, across[0]), *across)
    if other is None:  # of two that meet in one dataset the later is named
        pairs = {place: its for place, its in pairs.items() if its < place}
    here = sorted(pairs)
    there = [pairs[place] for place in here]
    return Shared(np.array(here, dtype=np.int64), np.array(there, dtype=np.int64))


def _by_key(census: Census, files: Sequence[Path]) -> dict[str, dict[Path, list[int]]]:
    """Return the places of each text by file: twins have one key."""
    found: dict[str, dict[Path, list[int]]] = {}
    for place, text in enumerate(_keys(census, files)):
        file = files[census.source[place]]
        found.setdefault(text, {}).setdefault(file, []).append(place)
    return found


def _keys(census: Census, files: Sequence[Path]) -> list[str]:
    import numpy as np

    found = records_at(census, files, np.arange(len(census)))
    return [key(record.text) or record.text for record in found]

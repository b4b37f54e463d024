"""Which texts of datasets leak: an exact search, without MinHash, for what the builder must avoid."""

from collections import Counter, defaultdict
from math import ceil

from pointline.corpus.near import THRESHOLD, grams, similarity
from pointline.corpus.twins import key


def joined(ones, others):
    """All pairs of keys, one of each side, that are near-duplicates.

    Two sets with a Jaccard similarity t share t of the larger, so they share one of the first
    n - ceil(t * n) + 1 of their n members, in any one order of all; the rarest first is quickest.
    """
    sets = {text: grams(text) for text in {*ones, *others}}
    count = Counter(gram for found in sets.values() for gram in found)
    rank = {gram: at for at, (gram, _) in enumerate(sorted(count.items(), key=lambda e: e[::-1]))}

    def first(text):
        size = len(sets[text])
        return sorted(map(rank.get, sets[text]))[: size - ceil(THRESHOLD * size - 1e-9) + 1]

    holders = defaultdict(list)
    for text in sets.keys() & set(ones):
        for gram in first(text):
            holders[gram].append(text)
    for other in sets.keys() & set(others):
        for one in set().union(*(holders.get(gram, ()) for gram in first(other))):
            if similarity(sets[one], sets[other]) >= THRESHOLD:
                yield one, other


def texts(datasets, lang, *splits):
    return {
        key(record.text): f"{record.id} ({split})"
        for dataset in datasets.values()
        if dataset.task.lang == lang
        for split in splits
        for record in dataset.splits[split]
    }


def documents(datasets, *splits):
    return {
        (record.meta["corpus"], record.meta["document"])
        for dataset in datasets.values()
        for split in splits
        for record in dataset.splits[split]
    }


def leaks(datasets, translations=()):
    """Texts of a side, or nearly theirs, that a side before it holds in any dataset.

    `translations` are rows (language, corpus, document, text) that count as tested on where their
    document is.
    """
    found = []
    tested = documents(datasets, "test")
    for lang in ("en", "ja", "zh"):
        by_side = {split: texts(datasets, lang, split) for split in ("train", "dev", "test")}
        for at, corpus, document, text in translations:
            if at == lang and (corpus, document) in tested:
                by_side["test"].setdefault(key(text), f"{corpus} {document}")
        for before, after in (("train", "dev test"), ("dev", "test")):
            later = {text: id for split in after.split() for text, id in by_side[split].items()}
            pairs = joined(by_side[before], later)
            found += [(by_side[before][one], later[other]) for one, other in pairs]
    for before, after in (("train", "dev"), ("train", "test"), ("dev", "test")):
        found += sorted(documents(datasets, before) & documents(datasets, after))
    return found

"""Write the counts of the 21 built datasets into the tables of docs/data.md.

    pointline data build --all --raw CORPORA --out DATA
    python benchmarks/data_counts.py --data DATA

A table of counts stands behind a comment that names it, `<!-- table: NAME -->`, and is made anew
from the manifests and records; the rest of the page stays as it is.

Needs all 21 built datasets; takes a minute.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pointline.corpus.build import all_names
from pointline.corpus.describe import stats
from pointline.corpus.recipes import SIDES
from pointline.corpus.screen import NEAR, TRANSLATED
from pointline.corpus.sources import SOURCES
from pointline.corpus.store import Dataset, read_dataset
from pointline.format.tasks import LANGUAGES

PAGE = Path(__file__).parents[1] / "docs" / "data.md"

Datasets = Mapping[str, Dataset]
Row = Sequence[str]
Rules = Mapping[str, int]

_MOST_LABELS = 6
_NO_LABEL = "items dropped: no word label for "
_ITEMS = ("mentions", "relations", "facts")
_SHELF = ("the same text twice", "left untranslated", "nothing but punctuation")


def tables(datasets: Datasets) -> dict[str, tuple[Row, list[Row]]]:
    """The header and the rows of each table of counts, by its name."""
    made: dict[str, Callable[[Datasets], Iterator[Row]]] = {
        "sizes": sizes,
        "origins": origins,
        "sources": sources,
        "sides": sides,
        "accounts": accounts,
        "near": near,
        "scnm-rules": scnm_rules,
        "types-lost": types_lost,
        "crossre-rules": crossre_rules,
        "reading-rules": reading_rules,
        "converting-rules": converting_rules,
    }
    rows = {name: list(make(datasets)) for name, make in made.items()}
    return {name: (head, body) for name, (head, *body) in rows.items()}


def rewritten(page: str, datasets: Datasets) -> str:
    """The page with its tables of counts made anew; each of them is there."""
    for name, (head, rows) in tables(datasets).items():
        lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
        lines.insert(1, f"|{'---|' * len(head)}")
        mark = f"<!-- table: {name} -->\n"
        before, found, after = page.partition(mark)
        if not found:
            raise SystemExit(f"{PAGE}: no {mark}")
        page = before + mark + "\n".join(lines) + re.sub(r"\A(\|.*\n)*", "\n", after)
    return page


# ---------------------------------------------------------------- datasets


def sizes(datasets: Datasets) -> Iterator[Row]:
    yield (
        "dataset", "train", "dev", "test", "items a record", "characters", "ambiguous",
        "text labels",
    )  # fmt: skip
    for name, dataset in datasets.items():
        told, total = stats(dataset), stats(dataset).total
        labels = [(label, _percent(n / total.records)) for label, n in total.labels.items()]
        shown = ", ".join(f"{label} {share}" for label, share in labels[:_MOST_LABELS])
        more = len(labels) - _MOST_LABELS
        yield (
            f"`{name}`",
            *(f"{split.records:,}" for split in told.splits),
            f"{total.items_per_record:.2f}",
            f"{total.lengths.mean:.0f}",
            f"{100 * total.ambiguous:.1f}%",
            shown + (f", {more} more" if more > 0 else ""),
        )


def origins(datasets: Datasets) -> Iterator[Row]:
    yield "dataset", "corpora", "text", "text labels", "items", "item labels"
    for name, dataset in datasets.items():
        told = dataset.manifest
        yield (
            f"`{name}`",
            " ".join(f"`{source['corpus']}`" for source in told["sources"]),
            *(
                " + ".join(dict.fromkeys(_origin(source, level) for source in told["sources"]))
                for level in ("text", "labels", "items")
            ),
            f"{len(told['item_labels']):,}",
        )


def _origin(source: Mapping[str, Any], level: str) -> str:
    chosen = " (chosen by a tagger)" if level == "items" and "tagger" in source else ""
    return str(source[level]) + chosen


# ---------------------------------------------------------------- corpora


def sources(_: Datasets) -> Iterator[Row]:
    yield "corpus", "language", "text", "text labels", "items", "licence"
    for source in SOURCES.values():
        for lang, levels in source.origins.items():
            yield f"`{source.name}`", lang, *levels, source.licence


def sides(_: Datasets) -> Iterator[Row]:
    yield "corpus", "training side", "development side"
    for name, shares in sorted(SIDES.items()):
        yield f"`{name}`", *map(str, shares)


def _corpora(datasets: Datasets) -> dict[tuple[str, str], Rules]:
    """What was counted where a corpus was read, by its name and the language."""
    found = {
        (source["corpus"], dataset.task.lang): source["rules"]
        for dataset in datasets.values()
        for source in dataset.manifest["sources"]
    }
    return {key: found[key] for key in sorted(found)}


def accounts(datasets: Datasets) -> Iterator[Row]:
    yield (
        "corpus", "language", "rows read", "dropped by rule", "twins and near-duplicates", "kept",
        "items read", "dropped by rule", "with their record", "kept",
    )  # fmt: skip
    for (corpus, lang), rules in _corpora(datasets).items():
        dropped = {
            rule.removeprefix("records dropped: "): count
            for rule, count in rules.items()
            if rule.startswith("records dropped: ")
        }
        twins = sum(dropped.get(rule, 0) for rule in (*_SHELF, *NEAR.values(), TRANSLATED))
        read = sum(rules.get(f"{unit} read", 0) for unit in _ITEMS)
        yield (
            f"`{corpus}`",
            lang,
            *_counts(rules["records read"], sum(dropped.values()) - twins, twins),
            *_counts(rules["records kept"], read, read - rules["items read"]),
            *_counts(rules.get("items dropped: with their record", 0), rules["items kept"]),
        )


def near(datasets: Datasets) -> Iterator[Row]:
    yield (
        "corpus", "language", "dropped: near one of the test side",
        "dropped: near one of the development side", "dropped: a translation is",
        "kept: near one of their side",
    )  # fmt: skip
    for (corpus, lang), rules in _corpora(datasets).items():
        dropped = [rules.get(f"records dropped: {r}", 0) for r in (*NEAR.values(), TRANSLATED)]
        beside = rules.get("records kept beside a near-duplicate on their side", 0)
        yield f"`{corpus}`", lang, *_counts(*dropped, beside)


def crossre_rules(datasets: Datasets) -> Iterator[Row]:
    found = [_corpora(datasets)["crossre", lang] for lang in LANGUAGES]
    yield "CrossRE: rule", *LANGUAGES
    for rule in sorted({rule for rules in found for rule in rules}):
        yield rule, *_counts(*(rules.get(rule, 0) for rules in found))


def reading_rules(datasets: Datasets) -> Iterator[Row]:
    yield "corpus", "rule", "count"
    for (corpus, _), rules in _corpora(datasets).items():
        for rule, count in rules.items():
            if ": " in rule and corpus != "crossre" and not rule.startswith("items"):
                yield f"`{corpus}`", rule, *_counts(count)


# ---------------------------------------------------------------- converting


def _scnm(datasets: Datasets) -> list[Rules]:
    return [datasets[f"scnm-{lang}"].manifest["rules"] for lang in LANGUAGES]


def scnm_rules(datasets: Datasets) -> Iterator[Row]:
    found = _scnm(datasets)
    yield "SCNM: rule", *LANGUAGES
    for rule in sorted({rule for rules in found for rule in rules}):
        if not rule.startswith(_NO_LABEL):
            yield rule, *_counts(*(rules.get(rule, 0) for rules in found))


def types_lost(datasets: Datasets) -> Iterator[Row]:
    found = _scnm(datasets)
    yield "type without a word label", *LANGUAGES
    for rule in sorted({rule for rules in found for rule in rules}):
        if rule.startswith(_NO_LABEL) and "slot" not in rule:
            kind = rule.removeprefix(_NO_LABEL)
            yield kind, *_counts(*(rules.get(rule, 0) for rules in found))


def converting_rules(datasets: Datasets) -> Iterator[Row]:
    yield "dataset", "rule", "count"
    for name, dataset in datasets.items():
        for rule, count in dataset.manifest["rules"].items():
            told = ": " in rule or "with more than" in rule
            if told and not name.startswith("scnm") and "with their record" not in rule:
                yield f"`{name}`", rule, *_counts(count)


def _counts(*counts: int) -> list[str]:
    return [f"{count:,}" for count in counts]


def _percent(share: float) -> str:
    return f"{round(100 * share, 1):g}%"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    folder = parser.parse_args().data
    datasets = {name: read_dataset(folder / name) for name in all_names()}
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), datasets), encoding="utf-8")


if __name__ == "__main__":
    main()

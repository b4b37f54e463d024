"""Every raw row and item is accounted for: kept, dropped by a named rule, or left over.

The counts of a manifest have the names `UNIT read`, `UNIT added: RULE`, `UNIT dropped: RULE` and
`UNIT kept`; what is read and added is what is dropped and kept. A unit is records, items, or what a
corpus calls its items (mentions, relations, ...).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["imbalances"]

_COUNT = re.compile(r"(\w+) (read|added|dropped|kept)(?:: .+)?")
_LEFT_OVER = re.compile(r"(\w+) left over on the \w+ side")


def imbalances(manifest: Mapping[str, Any]) -> list[str]:
    """Return what does not add up in the manifest of a built dataset, a line each.

    Of each corpus, and of the dataset, every unit read is kept or dropped; the dataset reads what
    its corpora kept, and what it kept is in its splits or left over. A manifest that tells of no
    rules, because the dataset was not built from a corpus, has nothing to add up.
    """
    rules = manifest.get("rules")
    if not isinstance(rules, Mapping):
        return []
    sources = [source for source in manifest.get("sources", ()) if isinstance(source, Mapping)]
    found = [
        f"{source.get('corpus')}: {reason}"
        for source in sources
        for reason in _unbalanced(source.get("rules") or {})
    ]
    found += _unbalanced(rules)
    left = Counter[str]()
    for rule, count in rules.items():
        if match := _LEFT_OVER.fullmatch(rule):
            left[match[1]] += count
    written = {
        "records": sum((manifest.get("counts") or {}).values()),
        "items": sum((manifest.get("item_labels") or {}).values()),
    }
    for unit, count in written.items():
        gave = sum((source.get("rules") or {}).get(f"{unit} kept", 0) for source in sources)
        read, kept = (rules.get(f"{unit} {step}", 0) for step in ("read", "kept"))
        if gave != read:
            found.append(f"the corpora kept {gave} {unit}, but {read} were read of them")
        if kept != count + left[unit]:
            found.append(
                f"{kept} {unit} kept, but {count} in the splits and {left[unit]} left over"
            )
    return found


def _unbalanced(rules: Mapping[str, int]) -> Iterator[str]:
    units: dict[str, Counter[str]] = {}
    for rule, count in rules.items():
        if match := _COUNT.fullmatch(rule):
            units.setdefault(match[1], Counter())[match[2]] += count
    for unit, steps in units.items():
        if steps["read"] + steps["added"] != steps["dropped"] + steps["kept"]:
            told = " and ".join(f"{steps[step]} {step}" for step in ("read", "added"))
            left = " and ".join(f"{steps[step]} {step}" for step in ("dropped", "kept"))
            yield f"{unit}: {told}, but {left}"

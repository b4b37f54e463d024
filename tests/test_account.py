"""Accounts of rows and items."""

import pytest

from pointline.corpus.account import imbalances

MANIFEST = {
    "counts": {"train": 3, "dev": 0, "test": 2},
    "item_labels": {"people": 4, "places": 2},
    "sources": [
        {
            "corpus": "diary",
            "rules": {
                "records read": 10,
                "records dropped: no text": 2,
                "records kept": 8,
                "records kept beside a near-duplicate on their side": 5,
                "mentions read": 12,
                "mentions changed: a comma cut off": 3,
                "mentions dropped: half a name": 1,
                "mentions kept": 11,
                "items read": 11,
                "items dropped: with their record": 2,
                "items kept": 9,
            },
        }
    ],
    "rules": {
        "records read": 8,
        "records dropped: no item": 1,
        "records kept": 7,
        "records left over on the train side": 2,
        "items read": 9,
        "items added: from a dictionary": 1,
        "items dropped: no label": 2,
        "items kept": 8,
        "items left over on the train side": 2,
    },
}


def changed(place, rule, by):
    """The manifest with one count changed."""
    told = {**MANIFEST, "rules": dict(MANIFEST["rules"])}
    told["sources"] = [{**MANIFEST["sources"][0], "rules": dict(MANIFEST["sources"][0]["rules"])}]
    rules = told["rules"] if place == "rules" else told["sources"][0]["rules"]
    rules[rule] = rules.get(rule, 0) + by
    return told


def test_what_adds_up_is_said_to_and_what_has_no_rules_too():
    assert imbalances(MANIFEST) == []
    assert imbalances({"counts": {"train": 3}}) == []
    assert imbalances(changed("sources", "mentions changed: a comma cut off", 4)) == []
    assert (
        imbalances(changed("sources", "records kept beside a near-duplicate on their side", 4))
        == []
    )


@pytest.mark.parametrize(
    ("place", "rule", "reason"),
    [
        ("sources", "records dropped: other", "diary: records: 10 read and 0 added, but 3 dropped"),
        ("sources", "mentions read", "diary: mentions: 13 read and 0 added, but 1 dropped and 11 kept"),
        ("sources", "items kept", "the corpora kept 10 items, but 9 were read of them"),
        ("rules", "records kept", "8 records kept, but 5 in the splits and 2 left over"),
        ("rules", "records left over on the dev side", "7 records kept, but 5 in the splits and 3"),
        ("rules", "items added: by hand", "items: 9 read and 2 added, but 2 dropped and 8 kept"),
        ("rules", "records read", "the corpora kept 8 records, but 9 were read of them"),
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_named(place, rule, reason):
    assert any(found.startswith(reason) for found in imbalances(changed(place, rule, 1)))


def test_what_is_in_the_splits_is_held_to_what_was_kept():
    fewer = {**MANIFEST, "counts": {"train": 2, "test": 2}, "item_labels": {"people": 1}}
    assert imbalances(fewer) == [
        "7 records kept, but 4 in the splits and 2 left over",
        "8 items kept, but 1 in the splits and 2 left over",
    ]

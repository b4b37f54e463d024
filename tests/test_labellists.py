"""Label lists: what is drawn for a record, and what it leaves of the record."""

import random

from hypothesis import given
from hypothesis import strategies as st

from pointline.format import codec
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import adhoc, task
from pointline.model.labellists import Inventory, drawn, inventory, item_label, labels_of
from pointline.model.prompt import input_text, target

TEXT = "Ada met 林静 at the ガラス橋 in Turin 🌧."
RECORD = Record(
    "r",
    "tconer-en",
    TEXT,
    "news",
    (
        Pair("person", "Ada", 0, 3),
        Pair("person", "林静", 8, 10),
        Pair("place", "Turin", 26, 31),
        Pair("bridge", "ガラス橋", 18, 22),
    ),
)
KNOWN = Inventory(
    ("news", "music", "science"),
    ("person", "place", "bridge", "band", "album", "song", "award", "tool", "king", "river"),
)
OPEN = task("tconer-en")
SEEDS = st.integers(0, 10_000)


@given(SEEDS)
def test_the_list_names_the_label_and_what_stays_is_listed(seed):
    record, asked = drawn(RECORD, OPEN, KNOWN, random.Random(seed))
    assert asked.labels is None or "news" in asked.labels
    if asked.item_labels is None:
        assert record.items == RECORD.items
    else:
        kept = tuple(i for i in RECORD.items if item_label(i) in asked.item_labels)
        assert record.items == kept and kept
    assert asked.labels or asked.item_labels
    assert set(asked.labels or ()) <= set(KNOWN.labels)
    assert set(asked.item_labels or ()) <= set(KNOWN.item_labels)
    reading = codec.read(target(record, asked), asked, record.text)
    assert reading.items == record.items and reading.label == "news"


def test_draws_differ_in_order_size_and_what_is_left_open():
    draws = [drawn(RECORD, OPEN, KNOWN, random.Random(seed)) for seed in range(400)]
    lists = [asked.item_labels for _, asked in draws if asked.item_labels]
    assert len({frozenset(x) for x in lists}) < len(set(lists))
    assert {len(x) for x in lists} >= {3, 5, 8, 10}
    shortened = sum(record.items != RECORD.items for record, _ in draws)
    assert 60 < shortened < 160  # three in ten of those with an item list
    still_open = sum(asked.labels is None or asked.item_labels is None for _, asked in draws)
    assert 30 < still_open < 100


def test_a_draw_follows_from_its_seed():
    assert drawn(RECORD, OPEN, KNOWN, random.Random("a")) == drawn(
        RECORD, OPEN, KNOWN, random.Random("a")
    )


@given(SEEDS)
def test_a_record_without_items_is_asked_for_labels_that_it_does_not_have(seed):
    bare = Record("r", "tconer-en", TEXT, "news")
    record, asked = drawn(bare, OPEN, KNOWN, random.Random(seed))
    assert record == bare and (asked.item_labels is None or asked.item_labels)


def test_relations_are_the_second_field():
    fact = Fact(("Ada", "physical", "Turin"))
    record = Record("r", "open-tcree-en", "Ada in Turin.", "news", (), (fact,))
    asked = task("open-tcree-en")
    assert inventory([], asked) == Inventory(asked.labels, asked.item_labels)
    assert labels_of(record) == {"news", "physical"}
    kept, listed = drawn(record, asked, inventory([], asked), random.Random(1))
    assert "physical" in listed.item_labels and kept.facts == (fact,)


def test_open_levels_are_known_by_their_records():
    assert inventory([RECORD], OPEN) == Inventory(("news",), ("bridge", "person", "place"))
    half = adhoc(labels=["a", "b"])
    assert inventory([RECORD], half).labels == ("a", "b")


def test_a_binary_label_is_listed_with_its_opposite_at_times():
    known = Inventory(("a", "b"), ("x",))
    record = Record("r", "adhoc", "Hi.", "a", (Pair("x", "Hi", 0, 2),))
    sizes = [
        len(asked.labels)
        for seed in range(60)
        if (asked := drawn(record, adhoc(), known, random.Random(seed))[1]).labels
    ]
    assert set(sizes) == {1, 2}


def test_the_prompt_shows_the_lists():
    record, asked = drawn(RECORD, OPEN, KNOWN, random.Random(3))
    prompt = input_text(record.text, asked, labels=True)
    head = prompt[: prompt.index(TEXT)].splitlines()
    expected = [
        mark + ";".join(labels)
        for mark, labels in (("/", asked.labels), (":", asked.item_labels))
        if labels
    ]
    assert head == expected

"""Batches: records as tokens, the preflight, the order in which examples are seen."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import tiny_records, tiny_samples

from pointline.errors import PreflightError
from pointline.format import codec
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import adhoc, task
from pointline.model import batches
from pointline.model.batches import Example, Sample, encode, plan, seen
from pointline.model.extract import Options
from pointline.model.labellists import Inventory
from pointline.model.prepared import prompt_of
from pointline.model.prompt import Level, input_text, target

# ---------------------------------------------------------------- records to tokens


def test_an_example_is_prompt_completion_and_end(tiny):
    record = tiny_records(1)[0]
    example = encode(tiny_samples([record]), tiny, max_length=256)[0]
    asked = task(record.task)
    assert tiny.decode(example.tokens[: example.prompt]) == input_text(record.text, asked)
    assert tiny.decode(example.tokens[example.prompt :]) == target(record, asked)
    assert example.tokens[0] == tiny.bos[0] and example.tokens[-1] == tiny.eos[0]
    assert example.completion == len(example.tokens) - example.prompt
    assert seen([example, example]) == tuple(sorted(set(example.tokens)))


def test_one_level_alone(tiny):
    record = replace(tiny_records(1)[0], label="")
    word = encode(tiny_samples([record]), tiny, max_length=256, form=Level.WORD)[0]
    assert tiny.decode(word.tokens[word.prompt :]) == target(record, task(record.task), Level.WORD)


def test_drawn_lists_are_the_same_again_and_keep_to_their_labels(tiny):
    known = Inventory(("Society", "Nature", "Technology"), ("people", "places", "events"))
    samples = [replace(sample, known=known) for sample in tiny_samples(tiny_records(30))]
    made, again = (
        encode(some, tiny, max_length=256, show_labels_share=1.0, seed=5)
        for some in (samples, samples[::-1])
    )
    assert made == again[::-1]
    whole = encode(tiny_samples(tiny_records(30)), tiny, max_length=256, show_labels_share=1.0)
    assert len({tiny.decode(e.tokens[: e.prompt]).split("\n")[0] for e in made}) > 3
    shorter = [e.completion < w.completion for e, w in zip(made, whole, strict=True)]
    assert not all(shorter)
    for sample, example in zip(samples, made, strict=True):
        head, _, _ = tiny.decode(example.tokens[: example.prompt]).partition(sample.record.text)
        lines = {line[:1]: line[1:].split(";") for line in head.removeprefix("<bos>").splitlines()}
        asked = replace(sample.task, item_labels=lines.get(":"))
        completion = tiny.decode(example.tokens[example.prompt : -1])
        items = codec.read(completion, asked).items
        assert items == tuple(
            item for item in sample.record.items if ":" not in lines or item[0] in lines[":"]
        )


def test_a_share_of_the_prompts_lists_the_labels_by_record(tiny):
    records = tiny_records(144)
    chosen = encode(tiny_samples(records), tiny, max_length=256, show_labels_share=0.5, seed=3)
    again = encode(tiny_samples(records[::-1]), tiny, max_length=256, show_labels_share=0.5, seed=3)
    listed = {e.id for e in chosen if tiny.decode(e.tokens).startswith("/")}
    assert listed == {e.id for e in again if tiny.decode(e.tokens).startswith("/")}
    assert 45 < len(listed) < 99
    whole = encode(tiny_samples(records), tiny, max_length=256, show_labels_share=1.0)
    assert all(tiny.decode(e.tokens).startswith("/") for e in whole)


SCNM = "scnm-en"
GOOD = Record("ok", SCNM, "Ada left Turin.", "Society", (Pair("people", "Ada", 0, 3),))
BAD = {
    "the text is empty": replace(GOOD, text="", pairs=()),
    "there is no label": replace(GOOD, label=""),
    "the label 'Sport' is none of task": replace(GOOD, label="Sport"),
    "the item label 'person' is none of task": replace(GOOD, pairs=(Pair("person", "Ada"),)),
    "the entity 'Bob' is not in the text": replace(GOOD, pairs=(Pair("people", "Bob"),)),
    "1 facts, where task 'scnm-en' takes pairs": replace(
        GOOD, pairs=(), facts=(Fact(("Ada", "places", "Turin")),)
    ),
    "tokens, ": replace(GOOD, text="Ada left Turin. " * 40),
}


@pytest.mark.parametrize("reason", BAD)
def test_the_preflight_refuses(tiny, reason):
    bad = replace(BAD[reason], id="bad")
    with pytest.raises(PreflightError) as caught:
        encode(tiny_samples([*tiny_records(3), bad]), tiny, max_length=128)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith("scnm-en/train.jsonl: record 'bad': ")
    assert reason in caught.value.problems[0] and "\n" not in str(caught.value)


def test_the_preflight_lists_every_record_that_it_refuses(tiny):
    bad = [replace(r, id=str(i), text=r.text + "!" * i) for i, r in enumerate(BAD.values())]
    twice = replace(GOOD, id="twice")
    with pytest.raises(PreflightError, match=r"\(and 7 more\)") as caught:
        encode(tiny_samples([GOOD, *bad, twice]), tiny, max_length=128)
    assert len(caught.value.problems) == 8
    assert "record 'twice': the text is that of record 'ok' of " in caught.value.problems[-1]
    with pytest.raises(PreflightError, match="the text is that of record 'ok'"):
        encode(tiny_samples([GOOD, GOOD]), tiny, max_length=128)


def test_a_row_without_anything_to_learn_is_refused(tiny):
    mute = replace(tiny, bos=(), eos=(1,))
    assert list(batches._misfit(Example("x", (5, 6), 2), 9))
    assert list(batches._misfit(Example("x", (5, 6), 0), 9))
    assert encode(tiny_samples([GOOD]), mute, max_length=128)[0].prompt > 0


def test_an_adhoc_task_is_learned_with_the_prompts_that_it_is_asked_with(tiny):
    own = adhoc(labels=["dry", "wet"], entities=["who"])
    record = Record("1", own.name, "Ada was soaked.", "wet", (Pair("who", "Ada", 0, 3),))
    (example,) = encode([Sample(record, own, "f")], tiny, max_length=128)
    prompt = prompt_of(Options(), record.text, own, record)
    assert list(example.tokens[: example.prompt]) == tiny.encode(prompt)


# ---------------------------------------------------------------- the order


@given(
    lengths=st.lists(st.integers(1, 60), max_size=300),
    max_tokens=st.integers(1, 200),
    accumulation=st.integers(1, 3),
    seed=st.integers(0, 5),
)
def test_an_epoch_holds_each_example_once_within_the_budget(
    lengths, max_tokens, accumulation, seed
):
    options = {"max_tokens": max_tokens, "accumulation": accumulation, "seed": seed}
    steps = plan(lengths, epochs=2, **options)
    assert steps == plan(lengths, epochs=2, **options)
    for epoch in range(2):
        mine = [step for step in steps if step.epoch == epoch]
        numbers = [i for step in mine for batch in step.batches for i in batch]
        assert sorted(numbers) == list(range(len(lengths)))
        assert all(1 <= len(step.batches) <= accumulation for step in mine)
    for step in steps:
        for batch in step.batches:
            assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= max_tokens


def test_batches_waste_little_and_differ_by_epoch_and_seed():
    lengths = [20 + (i * 37) % 100 for i in range(2000)]
    steps = plan(lengths, max_tokens=2048, epochs=2)
    padded = sum(len(b) * max(lengths[i] for i in b) for s in steps for b in s.batches)
    assert padded < 1.06 * 2 * sum(lengths)
    first, second = ([s.batches for s in steps if s.epoch == e] for e in (0, 1))
    assert first != second
    assert plan(lengths, max_tokens=2048, epochs=1, seed=1)[0] != steps[0]


@pytest.mark.parametrize(
    ("sampling", "shares"),
    [("proportional", (400, 100, 25)), ("root", (300, 150, 75)), ("equal", (175, 175, 175))],
)
def test_datasets_have_their_share_of_an_epoch(sampling, shares):
    sets = ["en"] * 400 + ["ja"] * 100 + ["zh"] * 25
    steps = plan([5] * 525, max_tokens=20, epochs=2, sets=sets, sampling=sampling)
    for epoch in (0, 1):
        seen_in_it = Counter(i for s in steps if s.epoch == epoch for b in s.batches for i in b)
        assert tuple(
            sum(count for i, count in seen_in_it.items() if sets[i] == name)
            for name in ("en", "ja", "zh")
        ) == pytest.approx(shares, abs=1)
        for name in ("en", "ja", "zh"):  # none is seen twice more often than another
            times = [seen_in_it[i] for i in range(525) if sets[i] == name]
            assert max(times) - min(times) <= 1


def test_what_an_epoch_leaves_out_another_has():
    sets = ["en"] * 90 + ["ja"] * 10
    steps = plan([5] * 100, max_tokens=20, epochs=2, sets=sets, sampling="equal")
    first, second = (
        {i for s in steps if s.epoch == epoch for b in s.batches for i in b if i < 90}
        for epoch in (0, 1)
    )
    assert len(first) == len(second) == 50 and first != second
    assert steps == plan([5] * 100, max_tokens=20, epochs=2, sets=sets, sampling="equal")

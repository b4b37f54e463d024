"""Records for the tests of exchange formats, and what a round trip has to keep."""

from dataclasses import replace

from hypothesis import strategies as st
from strategies import names, pairs_in, texts

from pointline.corpus.exchange.form import Form, Losses, carried
from pointline.format.record import Fact, Prediction, Record
from pointline.format.tasks import Task, task

JA = task("scnm-ja")
EN = task("scnm-en")
FACTS = task("tcree-ja")

_scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), texts)
metas = st.dictionaries(st.text(max_size=4), st.one_of(_scalars, st.lists(_scalars)), max_size=2)
ids = st.one_of(
    st.sampled_from(["diary-1", "a/b", "..", "日記 1", "a%2Fb", " ", "x.txt", "", "A", "a"]),
    st.text(max_size=8),
)
scores = st.floats(0, 1)


@st.composite
def facts_in(draw, text):
    """A fact whose ends are pieces of the text, or any strings."""
    several = draw(st.lists(st.one_of(pieces(text), names), min_size=3, max_size=4))
    return Fact(tuple(several))


@st.composite
def pieces(draw, text):
    if not text:
        return draw(names)
    start = draw(st.integers(0, len(text) - 1))
    return text[start : draw(st.integers(start + 1, min(len(text), start + 8)))]


@st.composite
def full_records(draw, of: Task = JA):
    """Any record: labels, placed and unplaced pairs, facts, a meta; some are predictions."""
    text = draw(texts)
    record = Record(
        draw(ids),
        draw(st.sampled_from([of.name, "", "another"])),
        text,
        draw(st.one_of(names, st.just(""))),
        tuple(draw(st.lists(pairs_in(text), max_size=4))),
        tuple(draw(st.lists(facts_in(text), max_size=3))),
        draw(metas),
    )
    if draw(st.booleans()):
        return record
    fields = {name: getattr(record, name) for name in Record.__slots__}
    items = draw(st.lists(scores, min_size=len(record.items), max_size=len(record.items)))
    told = draw(st.sampled_from([{}, {"label": 0.5}, {"label": 0.5, "items": items}]))
    completion, repairs = draw(st.sampled_from([(None, ()), ("x", ("y",))]))
    return Prediction(**fields, scores=told, completion=completion, repairs=repairs)


def trip(form: Form, path, records, of: Task = JA):
    """Return what is read of what was written, and the losses of writing and of reading."""
    written, read = Losses(), Losses()
    form.write(path, iter(records), of, written)
    return list(form.read(path, of, read)), written, read


def kept_by(form: Form, record: Record, of: Task = JA) -> tuple[Record, Losses]:
    losses = Losses()
    return carried(record, of, form.carries, losses), losses


def holds_no_more(record: Record, kept: Record, of: Task = JA) -> bool:
    """Say whether `kept` has all that the record told; a task of no name tells nothing."""
    empty = Prediction(**{name: getattr(record, name) for name in Record.__slots__})
    if isinstance(record, Prediction) and record == empty and not isinstance(kept, Prediction):
        record = Record(**{name: getattr(record, name) for name in Record.__slots__})
    return kept == replace(record, task=record.task or of.name)

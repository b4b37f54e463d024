"""Strategies: texts of three languages with everything that hurts, and records on them."""

from hypothesis import strategies as st

from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import TASKS, Task

_SPICE = ":;/\\\n\r\t @23nr　：；／ ﾊﾞガが👩‍🚀é😀‮"
_ALPHABETS = ("AdaLovelace trn'-", "あいう人名カナ漢字、。ー", "北京上海大学。，的", _SPICE)

texts = st.one_of(
    st.text(st.sampled_from("".join(_ALPHABETS)), max_size=60),
    st.text(max_size=40),
    st.lists(
        st.sampled_from(["Ada", "東京", "北京", "10:30", "; ", "/", "\\", "😀", "e\u0301"])
    ).map("".join),
)
names = st.one_of(
    st.text(st.sampled_from("".join(_ALPHABETS)), min_size=1, max_size=8),
    st.text(min_size=1, max_size=8),
)
# what the papers' plain form can carry anywhere, in a label and in a field
plain_names = st.text(
    st.sampled_from("Adan NERあ人名ー上海。：；😀e\u0301"), min_size=1, max_size=8
).filter(lambda name: name == name.strip())
tasks = st.sampled_from(list(TASKS.values()))


@st.composite
def pairs_in(draw, text, labels=names):
    """A pair whose entity is a piece of the text, placed, or any string, unplaced."""
    label = draw(labels)
    if text and draw(st.booleans()):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, min(len(text), start + 12)))
        return Pair(label, text[start:end], start, end)
    return Pair(label, draw(names.filter(lambda name: name not in text)))


@st.composite
def records(draw, task: Task | None = None):
    """Any record that its task can take: any label, any items, in any order."""
    task = task or draw(tasks)
    text = draw(texts)
    label = draw(st.one_of(names, st.just("")))
    if task.shape == "facts":
        fields = st.lists(names, min_size=3, max_size=5).map(tuple)
        facts = draw(st.lists(st.builds(Fact, fields), max_size=4))
        return Record("r", task.name, text, label, facts=tuple(facts))
    found = draw(st.lists(pairs_in(text), max_size=6))
    return Record("r", task.name, text, label, pairs=tuple(found))


@st.composite
def plain_blocks(draw):
    """Records for several task words after one text, without a delimiter in a field."""
    closed = st.sampled_from([task for task in TASKS.values() if task.labels])
    several = []
    for task in draw(st.lists(closed, min_size=1, max_size=4, unique_by=lambda task: task.word)):
        label = draw(st.sampled_from(task.labels))
        if task.shape == "facts":
            fields = st.lists(plain_names, min_size=3, max_size=4).map(tuple)
            facts = tuple(draw(st.lists(st.builds(Fact, fields), max_size=2)))
            several.append(Record("r", task.name, "", label, facts=facts))
        else:
            pairs = tuple(draw(st.lists(st.builds(Pair, plain_names, plain_names), max_size=3)))
            several.append(Record("r", task.name, "", label, pairs=pairs))
    return several

from itertools import pairwise

import pytest

from pointline.errors import TextTooLong
from pointline.format.record import Record
from pointline.format.tasks import adhoc, task
from pointline.model.backend import Scripted
from pointline.model.extract import Extractor, Options
from pointline.model.form import Form, Level

ASKED = []


def answer(prompt):
    """Name the first word of the text; the form tells which levels are asked for."""
    ASKED.append(prompt)
    *_, line = prompt.strip().split("\n")
    text, _, word = line.rpartition("/")
    return f"Nature/{word}/:people;{text.split()[0]}"


@pytest.fixture
def extractor():
    ASKED.clear()
    return Extractor(Scripted(answer, window=4096))


def prepared(extractor, text, name="scnm-en", **options):
    return extractor.prepare(Record(text, name, text), task(name), Options(**options))


def test_texts_with_tasks_and_options_of_their_own_are_read_as_they_come(extractor):
    own = adhoc(labels=["news", "tale"], entities=["hero"])
    shown = Record("c", "scnm-en", "Ada swam.", "Nature")
    texts = [
        prepared(extractor, "Rain fell."),
        None,
        extractor.prepare(Record("b", "adhoc", "Bo ran."), own),
        None,
        None,
        extractor.prepare(shown, task("scnm-en"), Options(form=Form(Level.WORD, given=Level.TEXT))),
    ]
    found = dict(extractor.stream(iter(texts), batch_size=2))
    assert sorted(found) == [0, 1, 2]
    assert [found[n].id for n in range(3)] == ["Rain fell.", "b", "c"]
    assert [found[n].task for n in range(3)] == ["scnm-en", "adhoc", "scnm-en"]
    assert ASKED[1].startswith("/news;tale\n:hero\nBo ran.")
    assert ASKED[2] == "Ada swam./NER\nNature/NER/\n"


def test_nothing_is_asked_for_while_something_is_on_its_way(extractor):
    """Who can wait for a text can tell from the answers when to wait."""
    waits, ended = [], []
    texts = [prepared(extractor, f"Ada {n}.") for n in range(5)]

    def coming():
        for taken, text in enumerate(texts):
            waits.append(taken - len(ended))
            yield text
            yield None

    for number, _ in extractor.stream(coming(), batch_size=4):
        ended.append(number)
    assert ended == list(range(5)) and waits == [0] * 5


def test_a_long_text_is_whole_again(extractor):
    long = " ".join(f"Ada saw river {n}." for n in range(40))
    one = prepared(extractor, long, window=200, overlap=20)
    assert len(one.windows) > 3 and one.longest <= 200
    assert all(left.end > right.start for left, right in pairwise(one.windows))
    assert (one.windows[0].start, one.windows[-1].end) == (0, len(long))
    ((_, found),) = extractor.stream([one])
    assert found.text == long and found.label == "Nature"
    assert len(found.meta["window_completions"]) == len(one.windows)
    (same,) = Extractor(extractor.backend, Options(window=200, overlap=20)).many([long], "scnm-en")
    assert (same.pairs, same.completion) == (found.pairs, found.completion)


def test_a_text_that_is_given_up_takes_no_more_work(extractor):
    long = " ".join(f"Ada saw river {n}." for n in range(40))
    stop = []
    options = Options(window=200, overlap=20)
    one = extractor.prepare(
        Record("long", "scnm-en", long), task("scnm-en"), options, stopped=lambda: bool(stop)
    )

    def coming():
        yield one
        yield prepared(extractor, "Bo ran.")

    def leaving(prompt):  # who asked leaves while the first window is read
        stop.append(True)
        return answer(prompt)

    leaver = Extractor(Scripted(leaving, window=4096))
    found = list(leaver.stream(coming(), batch_size=1))
    assert [(number, one.text) for number, one in found] == [(1, "Bo ran.")]
    assert len(ASKED) == 2
    halt = one.request(one.windows[0]).halt
    assert halt("Nature/NER/:people;Ada")
    stop.clear()
    assert not halt("Nature/NER/:people;Ada")


def test_a_text_that_does_not_fit_is_refused_when_it_is_made_ready(extractor):
    with pytest.raises(TextTooLong):
        prepared(extractor, "Ada swam. " * 50, window=100, long="refuse")


def test_the_limit_of_new_tokens_is_the_extractors_own():
    extractor = Extractor(Scripted(answer), Options(max_new_tokens=9, constrained=False))
    one = prepared(extractor, "Ada swam.", max_new_tokens=900)
    assert one.options.max_new_tokens == 9
    assert one.windows[0].grammar is None

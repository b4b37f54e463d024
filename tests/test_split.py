"""Sides of the split, and few-shot samples."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.corpus.split import few_shot, position, side
from pointline.corpus.store import Dataset
from pointline.errors import CorpusError
from pointline.format.record import Record
from pointline.format.tasks import task

TASK = task("scpos-rw-zh")
RECORDS = tuple(
    Record(str(n), TASK.name, f"第{n}句", "消极" if n % 10 == 0 else "积极") for n in range(60)
)
DATASET = Dataset(TASK, {"train": RECORDS, "test": RECORDS[:3]}, {"seed": 0, "notes": []})


@given(st.integers(), st.text(), st.text())
def test_a_position_depends_on_seed_corpus_and_document_alone(seed, corpus, document):
    at = position(seed, corpus, document)
    assert 0 <= at < 1
    assert at == position(seed, corpus, document)
    assert at != position(seed + 1, corpus, document)


def test_positions_do_not_change_between_versions():
    assert position(0, "crossre", "music-dev-1") == pytest.approx(0.4787, abs=1e-4)


def test_sides_take_their_shares():
    sides = Counter(side(position(3, "c", str(n)), (0.4, 0.1)) for n in range(4000))
    assert sides["train"] == pytest.approx(1600, abs=120)
    assert sides["dev"] == pytest.approx(400, abs=80)


def test_few_shot_draws_a_number_a_label():
    few = few_shot(DATASET, 4, seed=1)
    assert Counter(record.label for record in few.train) == {"积极": 4, "消极": 4}
    assert few.test == DATASET.test
    assert few.manifest["counts"] == {"train": 8, "test": 3}
    assert few.manifest["few_shot"] == {"shots": 4, "seed": 1, "labels": {"消极": 4, "积极": 4}}
    assert few.manifest["notes"] == []
    assert few_shot(DATASET, 4, seed=1).train == few.train
    assert few_shot(DATASET, 4, seed=2).train != few.train


def test_few_shot_tells_where_a_label_has_fewer():
    few = few_shot(DATASET, 20, seed=0)
    assert few.manifest["few_shot"]["labels"] == {"消极": 6, "积极": 20}


def test_few_shot_of_nothing_is_refused():
    for dataset, shots in ((DATASET, 0), (Dataset(TASK, {"test": RECORDS}), 4)):
        with pytest.raises(CorpusError, match="scpos-rw-zh: cannot draw"):
            few_shot(dataset, shots, seed=0)

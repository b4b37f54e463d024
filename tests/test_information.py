"""Entropy, mutual information and likelihood ratios, against tables worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.corpus.information import entropy, fourfold, mutual_information, shuffled


def pairs(*table):
    """Labels and values of a table of counts, a row a label."""
    found = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return (np.array(column) for column in zip(*found, strict=True))


def test_information_of_small_tables():
    assert entropy(np.array([3, 3, 3])) == 0
    assert entropy(np.array([0, 0, 0, 1])) == pytest.approx(2 - 0.75 * math.log2(3))
    # label 0 has values a, a, b; label 1 has b: H(L) = H(3/4), H(X) = 1, H(L, X) = 1.5
    assert mutual_information(*pairs((2, 1), (0, 1))) == pytest.approx(
        entropy(np.array([0, 0, 0, 1])) + 1 - 1.5
    )
    assert mutual_information(*pairs((2, 2), (2, 2))) == 0
    assert mutual_information(*pairs((3, 0, 0), (0, 3, 0), (0, 0, 3))) == pytest.approx(
        math.log2(3)
    )
    assert mutual_information(np.array([], dtype=int), np.array([], dtype=int)) == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=40))
def test_information_is_symmetric_and_no_more_than_either_entropy(found):
    labels, values = (np.array(column) for column in zip(*found, strict=True))
    bits = mutual_information(labels, values)
    assert bits == pytest.approx(mutual_information(values, labels), abs=1e-9)
    assert -1e-9 <= bits <= min(entropy(labels), entropy(values)) + 1e-9
    far = np.where(values > 2, values + 1_000_000, values)  # other numbers, the same values
    assert mutual_information(labels, far) == pytest.approx(bits, abs=1e-9)


def test_dealing_the_labels_anew_leaves_chance_and_depends_on_the_seed_alone():
    label_of = np.repeat([0, 1], 50)
    records = np.repeat(np.arange(100), 2)
    values = np.repeat(label_of, 2)  # the label tells all
    deals = [
        shuffled(label_of, records, values, times=100, rng=np.random.default_rng(s))
        for s in (1, 1, 2)
    ]
    assert deals[0].tolist() == deals[1].tolist() != deals[2].tolist()
    assert mutual_information(label_of[records], values) == pytest.approx(1)
    assert deals[0].max() < 0.2
    # what is left: about (labels - 1) (values - 1) / (2 n ln 2), n being records, not observations
    assert deals[0].mean() == pytest.approx(1 / (2 * 100 * math.log(2)), rel=0.5)
    assert shuffled(
        label_of, records[:0], values[:0], times=3, rng=np.random.default_rng(0)
    ).tolist() == [0, 0, 0]


def test_a_fourfold_table():
    # 10 records; label 0 has 4, of which 3 have the value; of the other 6 one has it (twice)
    label_of = np.array([0] * 4 + [1] * 6)
    records, values = np.array([0, 1, 2, 4, 4]), np.zeros(5, dtype=int)
    found = fourfold(label_of, records, values)
    assert found.labels.tolist() == [0, 1] and found.both.tolist() == [3, 1]
    assert found.expected.tolist() == [1.6, 2.4]
    assert found.pmi[0] == pytest.approx(math.log2(3 / 1.6))
    by_hand = 2 * (
        3 * math.log(3 / 1.6)
        + 1 * math.log(1 / 2.4)
        + 1 * math.log(1 / 2.4)
        + 5 * math.log(5 / 3.6)
    )
    assert found.g2.tolist() == pytest.approx([by_hand, by_hand])

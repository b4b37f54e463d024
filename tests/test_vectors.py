"""The vectors of a text's tokens, by the tiny model."""

import numpy as np
import pytest

from pointline.model.vectors import token_vectors

TEXTS = ["Ada wrote 🌳 in  Turin.", "紫式部は京都で ｱﾀﾞ を見た🌳。", "", " \n "]


@pytest.mark.parametrize("text", TEXTS)
def test_every_token_has_a_place_without_blanks_and_a_vector(tiny, text):
    places, vectors = token_vectors(tiny, text)
    assert len(places) == len(vectors)
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in places)
    covered = {at for start, end in places for at in range(start, end)}
    assert {at for at, char in enumerate(text) if not char.isspace()} <= covered


def test_the_same_word_is_nearer_to_itself_than_to_another(tiny):
    places, vectors = token_vectors(tiny, "紫式部は京都")
    again, others = token_vectors(tiny, "紫式部は京都")
    assert places == again
    assert np.array_equal(vectors, others)
    assert not np.allclose(vectors, token_vectors(tiny, "紫式部は京都", layer=0)[1])


def test_a_text_beyond_the_window_has_none(tiny):
    places, vectors = token_vectors(tiny, "京都" * tiny.window)
    assert (places, len(vectors)) == ([], 0)

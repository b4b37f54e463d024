"""Words as tokens, their tree, and templates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.errors import InputError
from pointline.format.tasks import TASKS, adhoc, task
from pointline.study.verbalizer.spelling import Tree, continuation, spelled
from pointline.study.verbalizer.template import TEMPLATES, Template, template_for

sequences = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5).map(tuple), min_size=1)


def pieces(text: str) -> list[int]:
    """Like sentencepiece: a blank before the text, code points, and "：社" is one piece."""
    marked = "▁" + text.replace(" ", "▁")
    return [ord(char) for char in marked.replace("：社", "\ue000")]


def test_a_word_within_a_text_has_no_blank_before_it():
    assert pieces("法") == [ord("▁"), ord("法")]
    assert continuation(pieces, "主题：", "法") == (ord("法"),)
    assert continuation(pieces, "\n話題：", "文芸") == (ord("文"), ord("芸"))


def test_a_word_with_its_blank_keeps_it():
    assert continuation(pieces, "Topic:", " art") == tuple(map(ord, "▁art"))


def test_a_word_that_melts_into_what_is_before_stands_behind_a_stop():
    assert continuation(pieces, "主题：", "社会") == (ord("社"), ord("会"))
    assert continuation(pieces, "", "社会") == (ord("社"), ord("会"))


def test_words_that_cannot_be_written_are_left_out_by_reason():
    tokens = {"法": (7,), "税金": (7, 8), "裁判所": (7, 8, 9), "🌳": (7, 0), "": ()}
    found = spelled(list(tokens), tokens.__getitem__, unknown=0, longest=2, always=["裁判所"])
    assert dict(found.tokens) == {"法": (7,), "税金": (7, 8), "裁判所": (7, 8, 9)}
    assert dict(found.left_out) == {"🌳": "not in the vocabulary", "": "not in the vocabulary"}
    assert found.longest == 3
    short = spelled(list(tokens), tokens.__getitem__, unknown=0, longest=1)
    assert short.words == ("法",) and short.left_out["税金"] == "more than 1 tokens"
    first = spelled(["税金", "裁判所"], tokens.__getitem__, unknown=0, how="first", longest=1)
    assert dict(first.tokens) == {"税金": (7,), "裁判所": (7,)}


def test_words_of_different_classes_with_the_same_tokens_are_told():
    tokens = {"文芸": (7, 1), "文学": (7, 2), "技術": (7, 3), "森": (8,), "川": (9,)}
    classes = {"文芸": ["文芸", "文学"], "技術": ["技術"], "自然": ["森", "川"]}
    joint = spelled(list(tokens), tokens.__getitem__, unknown=0)
    assert joint.alike(classes) == {"文芸": [], "技術": [], "自然": []}
    assert joint.merged(classes) is None
    first = spelled(list(tokens), tokens.__getitem__, unknown=0, how="first")
    assert first.alike(classes) == {"文芸": ["文芸", "文学"], "技術": ["技術"], "自然": []}
    assert first.merged(classes) == ("文芸", "技術")
    assert first.merged(classes | {"技術": ["技術", "森"]}) is None
    one = joint.alike({"a": ["森", "川"], "b": ["森"]})  # the same word of two classes
    assert one == {"a": ["森"], "b": ["森"]}


@given(sequences)
def test_a_tree_spells_its_words(words):
    tree = Tree.of(words)
    spelled_again = [[first] for first in tree.firsts]
    for word, node, token in tree.steps:
        row, depth = tree.nodes[node]
        assert list(tree.rows[row][: depth + 1]) == spelled_again[word]
        spelled_again[word].append(token)
    assert [tuple(tokens) for tokens in spelled_again] == words


@given(sequences)
def test_a_tree_feeds_every_beginning_once(words):
    tree = Tree.of(words)
    beginnings = {tree.rows[row][: depth + 1] for row, depth in tree.nodes}
    assert len(beginnings) == len(tree.nodes)
    assert beginnings == {word[:cut] for word in words for cut in range(1, len(word))}
    assert not any(a != b and a == b[: len(a)] for a in tree.rows for b in tree.rows)


# ---------------------------------------------------------------- templates


@pytest.mark.parametrize(
    "pattern",
    ["", "{text}", "{mask}", "{mask} {text}", "{text}{text}{mask}", "{text} {mask} {mask}"],
)
def test_a_template_has_both_places_in_order(pattern):
    with pytest.raises(InputError, match="once"):
        Template(pattern)


@given(st.text(max_size=30))
def test_a_text_is_taken_as_it_is(text):
    template = Template("《{text}》\n話題：{mask}。")
    assert template.around(text) == (f"《{text}》\n話題：", "。")
    assert template.lead == "》\n話題：" and template.blank == "" and template.tail == "。"


def test_a_blank_before_the_place_goes_to_the_word():
    template = Template("{text}\nTopic: {mask}")
    assert template.lead == "\nTopic:" and template.blank == " "


def test_every_task_has_a_template_of_its_language_and_question():
    for asked in TASKS.values():
        opinion = asked.family.startswith("scpos")
        assert (
            template_for(asked).pattern == TEMPLATES["opinion" if opinion else "topic"][asked.lang]
        )
    mine = template_for(task("scnm-ja"), {"ja": "{text} {mask}", "en": "{text}: {mask}"})
    assert mine.pattern == "{text} {mask}"
    assert template_for(adhoc(labels=["calm", "angry"])).pattern == TEMPLATES["topic"]["en"]

"""The file of answers: nothing that was kept is lost, nothing foreign is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.errors import InputError
from pointline.model.chat.answerfile import AnswerFile
from pointline.model.chat.question import Answer, Usage

CAT = Answer("猫🐈は\n眠る", "length", "", (("猫", -0.5),), Usage(1, 7, 3, 1))


def test_what_is_kept_is_there_when_the_file_is_opened_again(tmp_path):
    with AnswerFile(tmp_path / "a.jsonl") as memory:
        memory.keep("k1", CAT)
        memory.keep("k2", Answer("b", usage=Usage(1, 2, 3)))
        assert memory.recall("k1") == CAT
    with AnswerFile(tmp_path / "a.jsonl") as memory:
        assert (memory.recall("k1"), memory.recall("k3"), len(memory)) == (CAT, None, 2)
        assert memory.spent() == Usage(2, 9, 6, 1)
        memory.keep("k3", Answer("c"))
        assert memory.recall("k2").text == "b"
        assert memory.recall("k3").text == "c"


def test_an_answer_is_on_its_way_to_the_disk_when_keep_returns(tmp_path):
    with AnswerFile(tmp_path / "a.jsonl") as memory:
        memory.keep("k", CAT)
        assert (tmp_path / "a.jsonl").read_text("utf-8").endswith("}\n")


@given(st.integers(min_value=1))
def test_a_line_that_a_kill_cut_is_cut_off(tmp_path_factory, cut):
    file = tmp_path_factory.mktemp("answers") / "a.jsonl"
    with AnswerFile(file) as memory:
        memory.keep("k1", CAT)
        first = file.stat().st_size
        memory.keep("k2", CAT)
    whole = file.read_bytes()
    file.write_bytes(whole[: first + cut % (len(whole) - first)])
    with AnswerFile(file) as memory:
        assert (memory.recall("k1"), memory.recall("k2")) == (CAT, None)
        memory.keep("k2", CAT)
    assert file.read_bytes() == whole


@pytest.mark.parametrize("line", ["{}\n", "no JSON\n", '{"key":"k"}\n', "[1]\n", "a poem", "{"])
def test_another_line_is_told_and_left_as_it_is(tmp_path, line):
    file = tmp_path / "a.jsonl"
    with AnswerFile(file) as memory:
        memory.keep("k1", CAT)
    before = file.read_text("utf-8") + line
    file.write_text(before, "utf-8")
    if line == "{":  # it may be the beginning of an answer
        AnswerFile(file).close()
        assert file.read_text("utf-8") == before.removesuffix("{")
        return
    with pytest.raises(InputError, match=r"a\.jsonl:2: no answer of a chat model"):
        AnswerFile(file)
    assert file.read_text("utf-8") == before

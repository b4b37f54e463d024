from hypothesis import given
from hypothesis import strategies as st

from pointline.format.escape import Field, escape, is_plain, split, unescape


@given(st.text(), st.booleans())
def test_unescape_undoes_escape(value, label):
    assert unescape(escape(value, label=label)) == Field(value)


@given(st.lists(st.text(), min_size=1), st.sampled_from(":;"))
def test_split_finds_only_the_delimiters_that_are_not_escaped(values, delimiter):
    line = delimiter.join(map(escape, values))
    pieces = split(line, delimiter)
    assert [unescape(raw).value for _, raw in pieces] == values
    assert all(line.startswith(raw, offset) for offset, raw in pieces)


@given(st.text())
def test_plain_means_that_nothing_is_escaped(value):
    assert is_plain(value) == ("\\" not in escape(value))


def test_blanks_inside_stay_and_blanks_at_the_edge_are_kept():
    assert escape("a b") == "a b"
    assert escape("　東 京 ") == "\\　東 京\\ "
    assert escape("  ") == "\\ \\ "


def test_a_mark_is_read_only_at_the_end():
    assert unescape(r"Ada\@12") == Field("Ada", 12)
    assert unescape(r"Ada\@0") == Field(r"Ada\@0", None, 1)
    assert unescape(r"a\@1b") == Field(r"a\@1b", None, 1)
    assert unescape("Ada\\") == Field("Ada\\", None, 1)

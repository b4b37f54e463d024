"""Why a draft is not kept: named rules, each a pure function that returns a reason or None.

A preset is the rules of a run, in order. `paper` is what the MMM paper drops (Section 3): source
characters left over, an entity not found, a form that the paper's format cannot carry. `pointline`
is what this factory drops after it has looked for the entities in more ways.

What a whole run has to know (`duplicated`) is the run's. Of 25,814 texts of the datasets that
pointline builds, which nobody declined, `refusal` would fire on 3 (songs and reviews that say
sorry), `chatter` on none, `untranslated` on 3, in which English is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from pointline.corpus import twins, words
from pointline.draft.draft import Draft
from pointline.draft.repair import Step
from pointline.errors import PointlineError
from pointline.format import codec
from pointline.model.chat.answers import is_refusal

__all__ = ["FILTERS", "PRESETS", "RATIOS", "Filter", "is_simplified", "reasons", "size"]

Filter = Callable[[Draft], str | None]


def reasons(draft: Draft, preset: str = "pointline") -> dict[str, str]:
    """Return the reason of every rule of a preset that drops a draft, by the rule's name.

    Raises KeyError for a preset that there is not.
    """
    told = ((name, FILTERS[name](draft)) for name in PRESETS[preset])
    return {name: reason for name, reason in told if reason is not None}


# ---------------------------------------------------------------- entities and labels


def _entity_missing(draft: Draft) -> str | None:
    """An entity of the source is in no way found in the translation."""
    lost = [one.source for one in draft.mentions if not one.entity]
    return f"not in the translation: {_listed(lost)}" if lost else None


def _entity_not_verbatim(draft: Draft) -> str | None:
    """What the model gave for an entity does not stand in the translation as it is."""
    lost = [
        one.source
        for one in draft.mentions
        if one.needed and (one.located is None or one.located.step is not Step.VERBATIM)
    ]
    return f"not verbatim in the translation: {_listed(lost)}" if lost else None


def _label_outside(draft: Draft) -> str | None:
    """A label of either level has no counterpart in the target's label set."""
    if draft.source.label and not draft.label:
        return f"no counterpart for the label {draft.source.label!r}"
    closed = ((draft.task.labels, (draft.label,)), (draft.task.item_labels, draft.item_labels))
    for allowed, labels in closed:
        for label in labels:
            if label and allowed is not None and label not in allowed:
                return f"{label!r} is no label of {draft.task.name}"
    if len(draft.item_labels) != len(draft.source.items) or "" in draft.item_labels:
        return "no counterpart for the label of an item"
    return None


def _unwritable(draft: Draft) -> str | None:
    """The record cannot be written and read back as it is."""
    record = draft.record()
    if record is None:
        return "no record can be made of it"
    try:
        line = codec.write(record, draft.task)
        read = codec.read(line, draft.task, record.text)
    except PointlineError as error:
        return str(error)
    if (read.label, read.pairs, read.facts) != (record.label, record.pairs, record.facts):
        return "what is written is not what is read"
    return None


def _unwritable_plain(draft: Draft) -> str | None:
    """The paper's plain form cannot carry the record."""
    record = draft.record()
    if record is None:
        return "no record can be made of it"
    if codec.needs_escape(record, draft.task):
        return "a label or an entity holds a delimiter of the format"
    return None


# ---------------------------------------------------------------- the text


def _empty(draft: Draft) -> str | None:
    """There is no translation, while the source has a text."""
    return "there is no text" if draft.source.text.strip() and not draft.text.strip() else None


def _source_script(draft: Draft) -> str | None:
    """A character of the source's script is left, wherever it stands (MMM paper, Section 3)."""
    if draft.lang == "en":
        return None
    left = _KANA if draft.task.lang == "zh" else _CJK
    found = left.search(draft.text) if draft.task.lang in ("en", "zh") else None
    return f"{found[0]!r} is left of the source's script" if found else None


def _untranslated(draft: Draft) -> str | None:
    """A part of the text is still in the source's language."""
    found = _LEFT[draft.task.lang](draft.text)
    return f"left in the source's language: {found!r}" if found else None


def _copied(draft: Draft) -> str | None:
    """The translation is the source again, though there was something to translate."""
    if not _has_words(draft.source.text, draft.lang, draft.task.lang):
        return None
    same = twins.key(draft.source.text) == twins.key(draft.text)
    return "the source's text again" if same else None


def _length_ratio(draft: Draft) -> str | None:
    """The translation is far shorter or longer than translations of such texts are."""
    one, other = size(draft.source.text), size(draft.text)
    low, high = RATIOS[draft.lang, draft.task.lang]
    if low * one - SLACK <= other <= high * one + SLACK:
        return None
    return f"{other:.0f} letters' worth of text for {one:.0f}, within {low} to {high} times it"


def _refusal(draft: Draft) -> str | None:
    """The model declined instead of translating."""
    if not is_refusal(draft.text) and not (is_refusal(draft.answer) and not draft.text):
        return None
    return None if is_refusal(draft.source.text) else "the model declined"


def _chatter(draft: Draft) -> str | None:
    """The text holds what the model said about its translation."""
    found = _CHATTER.search(draft.text)
    if found is None or _CHATTER.search(draft.source.text):
        return None
    return f"talk about the translation: {found[0].strip()!r}"


#: The size of a translation for each unit of its source's: the 0.5 % and 99.5 % quantiles of the
#: 5,175 sentences of CrossRE and Multi-CrossRE in English, Japanese and Chinese, by source and
#: target. With the slack, 0.3 to 0.5 % of those sentences are outside, and of the same cut down to
#: a half 40 to 77 %, to a third 86 to 97 %, of those written twice 57 to 88 %.
RATIOS: Mapping[tuple[str, str], tuple[float, float]] = {
    ("en", "ja"): (0.45, 1.31),
    ("en", "zh"): (0.57, 1.50),
    ("ja", "zh"): (0.67, 1.95),
    ("ja", "en"): (0.76, 2.20),
    ("zh", "en"): (0.67, 1.77),
    ("zh", "ja"): (0.51, 1.49),
}
#: What a translation may be smaller or greater beyond that: short texts vary more.
SLACK = 8


def size(text: str) -> float:
    """Return how much a text says, in Latin letters: a kana counts 1.6, a Han character 3.

    So weighted, texts that keep names in Latin letters are as comparable as others: the spread of
    the logarithm of the ratio is 0.18 in CrossRE for all pairs of languages.

    >>> size("Kyoto"), size("京都"), size("きょうと")
    (5.0, 6.0, 6.4)
    """
    text = text.strip()
    kana, han = len(_A_KANA.findall(text)), len(_A_HAN.findall(text))
    return len(text) + 0.6 * kana + 2.0 * han


_A_KANA = re.compile(r"[ぁ-ヿｦ-ﾟ]")
_A_HAN = re.compile(r"[々〆一-鿿㐀-䶿豈-﫿]")
_KANA = re.compile(r"[ぁ-ゖァ-ヺｦ-ﾝ]+")
_CJK = re.compile(r"[ぁ-ゖァ-ヺｦ-ﾝ々〆一-鿿㐀-䶿豈-﫿]+")
_GLOSS = re.compile(
    r"[（(\[［「『“\"'《〈【][^（(\[［「『“\"'《〈【）)\]］」』”》〉】]*[）)\]］」』”\"'》〉】]"
)
_ENGLISH = re.compile(r"[A-Za-z][A-Za-z'’-]*(?:[ ,;:]+[A-Za-z0-9][A-Za-z0-9'’-]*)+")
_FUNCTION = words.wordlist(
    "a an the of in on at to for from by with and or but is are was were be been has have had he"
    " she it they we you i his her their its this that which who as not will would can"
)
_ADDRESS = re.compile(r"\b(?:https?:|www\.)\S+|\S+@\S+")
_WORD = re.compile(r"(?<![A-Za-z])[a-z]{2,}(?![A-Za-z])")


def _left_in_english(text: str) -> str:
    """Return Japanese or Chinese words left in an English text, but for glosses and quotations."""
    found = _CJK.search(_GLOSS.sub(" ", text))
    return found[0] if found else ""


def _left_in_cjk(text: str) -> str:
    """Return an English clause left in a Japanese or Chinese text; names and titles are none."""
    for found in _ENGLISH.finditer(_GLOSS.sub(" ", text)):
        said = found[0].replace(",", " ").split()
        plain = [word for word in said if word.islower()]
        if len(said) >= 5 and len(plain) * 2 > len(said) and _FUNCTION & set(plain):
            return found[0]
    return ""


def _left_in_chinese(text: str) -> str:
    """Return Japanese words left in a Chinese text; one kana of a brand's name is none."""
    bare = _GLOSS.sub(" ", text)
    kana = [found[0] for found in _KANA.finditer(bare)]
    if any(run != "の" for run in kana) or len(kana) > 2:
        return "".join(kana)
    return _left_in_cjk(text)


def _left_in_japanese(text: str) -> str:
    """Return Chinese left in a Japanese text: characters that Japanese does not write."""
    han = [char for char in _GLOSS.sub(" ", text) if "一" <= char <= "鿿"]
    foreign = [char for char in han if is_simplified(char)]
    if len(foreign) > 1 and 10 * len(foreign) >= len(han):
        return "".join(foreign)
    return _left_in_cjk(text)


_LEFT: Mapping[str, Callable[[str], str]] = {
    "en": _left_in_english,
    "ja": _left_in_japanese,
    "zh": _left_in_chinese,
}


@lru_cache(maxsize=1 << 14)
def is_simplified(char: str) -> bool:
    """Tell whether a Han character is written in China and not in Japan: 们 is, 東 and 国 are not.

    By the character sets of the two countries: in GB 2312 and not in JIS X 0208 and 0213.

    >>> [is_simplified(char) for char in "们国東気"]
    [True, False, False, False]
    """
    return _in_set(char, "gb2312") and not _in_set(char, "euc_jis_2004")


def _in_set(char: str, charset: str) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _has_words(text: str, lang: str, to: str) -> bool:
    """Tell whether a text has words that a translation cannot keep as they are."""
    if lang == "en":
        return _WORD.search(_ADDRESS.sub(" ", text)) is not None
    if to == "en":
        return _CJK.search(text) is not None
    if lang == "ja":
        return _KANA.search(text) is not None
    return sum(map(is_simplified, text)) > 0


_CHATTER = re.compile(
    r"<think>|```|^\s*\{\s*\"text\""
    r"|^\W*(?:sure|certainly|of course)[,!.]? here(?:['’]s| is| are) (?:the|your|my)\b"
    r"|\bhere(?:['’]s| is| are) (?:the|your|my) translat"
    r"|^\W*translation\s*[:：]|\((?:translator['’]s )?note\s*:"
    r"|以下(?:は|が)[^。]{0,12}(?:翻訳|訳文)|^\W*(?:翻訳|訳文|日本語訳|和訳)\s*[:：]"
    r"|以下是[^。]{0,12}(?:翻译|译文)|^\W*(?:翻译|译文|译)\s*[:：]|（注[:：]|\(注[:：]",
    re.IGNORECASE,
)


def _listed(strings: list[str]) -> str:
    shown = ", ".join(repr(one) for one in dict.fromkeys(strings[:5]))
    return shown if len(strings) <= 5 else f"{shown} and {len(strings) - 5} more"


#: Every rule by its name.
FILTERS: Mapping[str, Filter] = {
    "empty": _empty,
    "refusal": _refusal,
    "chatter": _chatter,
    "copied": _copied,
    "source-script": _source_script,
    "untranslated": _untranslated,
    "length-ratio": _length_ratio,
    "label-outside": _label_outside,
    "entity-missing": _entity_missing,
    "entity-not-verbatim": _entity_not_verbatim,
    "unwritable": _unwritable,
    "unwritable-plain": _unwritable_plain,
}

#: The rules of a run, in their order.
PRESETS: Mapping[str, tuple[str, ...]] = {
    "paper": ("source-script", "entity-not-verbatim", "unwritable-plain"),
    "pointline": (
        "empty",
        "refusal",
        "chatter",
        "copied",
        "untranslated",
        "length-ratio",
        "label-outside",
        "entity-missing",
        "unwritable",
    ),
}

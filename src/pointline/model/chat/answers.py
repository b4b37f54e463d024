"""Reading what a chat model wrote: JSON among chatter, a label of a set, a refusal.

Models wrap what they were asked for into code fences, thoughts and politeness; a refusal may look
like an answer. Nothing here raises for what a model wrote.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

__all__ = ["LABEL_CHARS", "is_refusal", "json_object", "label_in", "short_label", "whole"]

#: The longest label, in characters, where a label set is open.
LABEL_CHARS = 48

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL)
_MARKS = " \t\r\n\"'`*_.。:：「」『』“”‘’《》"
_LEAD = re.compile(
    r"(?:(?:the\s+)?(?:label|answer|topic)(?:\s+is\b|\s*[:：])|(?:ラベル|答え)(?:は|\s*[:：])"
    r"|(?:标签|答案)(?:是|\s*[:：]))\s*[:：]?\s*",
    re.IGNORECASE,
)
_REFUSALS = re.compile(
    r"\b(?:i['’]?m (?:very |so )?sorry|i am (?:very |so )?sorry|i apologi[sz]e"
    r"|i(?:['’]m| am) (?:not able|unable) to"
    r"|i (?:can ?not|can['’]t|won['’]t|will not) (?:help|assist|do|answer|provide|comply|label)"
    r"|as an ai\b)"
    r"|申し訳(?:ありません|ございません)|お(?:答え|手伝い)(?:でき|することはでき)ません|回答できません"
    r"|(?:很|非常)?抱歉|对不起|(?:我)?(?:无法|不能)(?:回答|提供|协助|完成)",
    re.IGNORECASE,
)


def json_object(text: str) -> dict[str, Any] | None:
    """Return the last JSON object that stands in a text, None where there is none.

    >>> json_object('Sure! ```json\\n{"label": "社会"}\\n``` Anything else?')
    {'label': '社会'}
    """
    decoder, found, at = json.JSONDecoder(), None, 0
    text = without_thoughts(text)
    while (at := text.find("{", at)) >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        found, at = value, end
    return found


def whole(text: str) -> str:
    """Return a text without half surrogates, which JSON may hold and UTF-8 cannot carry.

    >>> whole("a" + chr(0xD83D)) == "a" + chr(0xFFFD), whole("🐈")
    (True, '🐈')
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def without_thoughts(text: str) -> str:
    """Return a text without what a reasoning model wrote between <think> marks."""
    return _THOUGHT.sub("", text)


def is_refusal(text: str) -> bool:
    """Tell whether a model declined, in English, Japanese or Chinese; JSON is no refusal.

    >>> is_refusal("I'm sorry, but I can't help with that."), is_refusal("申し訳ありません。")
    (True, True)
    """
    told = without_thoughts(text).strip()
    return json_object(told) is None and _REFUSALS.search(told[:200]) is not None


def label_in(text: str, labels: Sequence[str]) -> str | None:
    """Return the label of a closed set that an answer names, None where it names none or several.

    The answer as a whole goes first, whatever its width or case; then the one label that occurs
    in it, a Latin one as a whole word.

    >>> label_in("**Nature**", ["Nature", "Society"]), label_in("技術です。", ["技術", "自然"])
    ('Nature', '技術')
    """
    told = _folded(_bare(text))
    folded = {label: _folded(label) for label in labels}
    for label, spelled in folded.items():
        if spelled in (told, _folded(text)):
            return label
    found = [label for label, spelled in folded.items() if _occurs(spelled, told)]
    longest = [
        label
        for label in found
        if not any(label != other and folded[label] in folded[other] for other in found)
    ]
    return longest[0] if len(longest) == 1 else None


def short_label(text: str) -> str | None:
    """Return the open label that an answer is, None where it is more than a short label.

    >>> short_label("Label: space travel."), short_label("This text is about\\na journey.")
    ('space travel', None)
    """
    told = _bare(whole(text))
    fits = told.isprintable() and 0 < len(told) <= LABEL_CHARS and len(told.split()) <= 6
    return told if fits and not any(mark in told for mark in "{}。！？!?<>\ufffd") else None


def _bare(text: str) -> str:
    """Return an answer without the marks around it and a leading "Label:"."""
    told = without_thoughts(text).strip(_MARKS)
    lead = _LEAD.match(told)
    return told[lead.end() :].strip(_MARKS) if lead and lead.end() < len(told) else told


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip(_MARKS)


def _occurs(label: str, told: str) -> bool:
    edge = r"(?<![a-z0-9]){}(?![a-z0-9])" if label.isascii() else "{}"
    return re.search(edge.format(re.escape(label)), told) is not None

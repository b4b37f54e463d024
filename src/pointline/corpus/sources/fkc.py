"""AnnotatedFKCCorpus: Japanese complaints of six genres with predicate-argument structure.

`knp/GENRE/*.knp` hold one complaint each, in KNP's format (`knp`):

    # S-ID:fuman-trip-0000000009-1
    * 1D
    + 1D
    船 ふね 船 名詞 6 普通名詞 1 * 0 * 0 NIL
    が が が 助詞 9 格助詞 1 * 0 * 0 NIL
    * -1D
    + -1D <rel type="ガ" target="船" sid="fuman-trip-0000000009-1" id="0"/>
    揺れた ゆれた 揺れる 動詞 2 * 0 母音動詞 1 タ形 10 NIL
    EOS

A record is a sentence, its label the genre in Japanese, its document the complaint. A fact is
(predicate, case, argument): (揺れた, ガ, 船). The corpus marks basic phrases; the strings are what
a reader would underline, and stand in the text as they are:

- the argument is its bunsetsu from the first morpheme to the marked phrase, so that 掃除機 is not
  cut to 機, without particles, copula and punctuation at the end; one that begins with a formal
  noun takes in the bunsetsu before it (こと: 遅れたこと);
- the predicate has its endings, negation among them (届かない), and no closing particle; it begins
  as the argument does, but takes in none of its own arguments.

A fact stays within its sentence; about one relation in eight crosses to another, and is dropped.
What a complaint leaves unsaid (著者, 不特定:人 …) has no string. Named entities (97) are not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pointline.corpus.sources.knp import Morpheme, Sentence, sentences
from pointline.corpus.sources.source import Harvest, Source, Sourced, files_of, shaped
from pointline.format.record import Fact, Record

__all__ = ["CASES", "GENRES", "SOURCE", "read"]

#: The folder of a genre, and its name.
GENRES: Mapping[str, str] = {
    "consumer_electronics": "家電",
    "hospital": "病院",
    "it": "IT",
    "super": "スーパー",
    "traffic": "交通",
    "trip": "旅行",
}

#: The cases that make a fact, as the corpus writes them.
CASES = ("ガ", "ヲ", "ニ", "デ", "ト", "カラ", "マデ", "ヨリ", "ヘ", "ガ２", "時間")

_NO_CASE: Mapping[str, str] = {
    **dict.fromkeys(("ノ", "ノ？", "トイウ"), "it joins two nouns"),
    **dict.fromkeys(("=", "=構"), "it is coreference"),
    **dict.fromkeys(("修飾", "外の関係"), "it modifies and fills no case"),
}

_FILES = "knp/*/*.knp"

# what closes a phrase and is no part of a predicate; of an argument; auxiliaries by their lemma
_CLOSING = frozenset(("助詞", "特殊"))
_CLOSING_NOUN = frozenset((*_CLOSING, "助動詞", "判定詞"))
_CLOSING_AUXILIARIES = frozenset(("のだ", "んだ", "ようだ", "様だ", "みたいだ", "だろう"))
_STOPS = frozenset(("読点", "句点", "括弧終"))
_FORMAL = frozenset(("形式名詞", "副詞的名詞"))
_FORMAL_WORDS = frozenset(("事", "所", "物", "時", "方", "者", "いう"))

_Span = tuple[int, int]


def read(folder: Path, lang: str) -> Harvest:
    """Return the sentences as records: label the genre, facts the predicates' arguments."""
    del lang
    files = files_of(folder, _FILES)
    counts: Counter[str] = Counter()
    records: list[Sourced] = []
    for path in files:
        with shaped(path):
            genre = GENRES[path.parent.name]
        for place, sentence in sentences(path):
            counts["records read"] += 1
            with shaped(place):
                facts = tuple(Fact(fields) for fields in _facts(sentence, counts))
            record = Record(sentence.id, "fkc", sentence.text, genre, facts=facts)
            records.append(Sourced(record, path.stem))
    counts["records kept"] = len(records)
    return Harvest(tuple(records), counts)


def _facts(sentence: Sentence, counts: Counter[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the facts of a sentence, by the predicate's place, then the argument's."""
    found: dict[tuple[str, str, str], tuple[_Span, _Span]] = {}
    for at, phrase in enumerate(sentence.phrases):
        counts["relations read"] += len(phrase.relations)
        predicate = _predicate(sentence, at)
        for relation in phrase.relations:
            argument, reason = _argument(sentence, relation)
            reason = reason or _clash(predicate, argument)
            fields = (sentence.string(*predicate), relation["type"], sentence.string(*argument))
            if not reason and fields in found:
                reason = "the same three strings twice"
            if reason:
                counts[f"relations dropped: {reason}"] += 1
            else:
                found[fields] = (predicate, argument)
    counts["relations kept"] += len(found)
    yield from sorted(found, key=lambda fields: found[fields])


def _argument(sentence: Sentence, relation: Mapping[str, str]) -> tuple[_Span, str]:
    """Return the span of a relation's argument, or the reason why it makes no fact."""
    nothing = (0, 0)
    kind, target = relation["type"], relation["target"]
    if kind not in CASES:
        reason = "it holds only nearly (≒)" if kind.endswith("≒") else "its case is a compound one"
        return nothing, _NO_CASE.get(kind, reason)
    if "sid" not in relation:
        unsaid = target.split(":")[0]
        return nothing, f"its argument is unsaid ({unsaid})"
    if relation["sid"] != sentence.id:
        return nothing, "its argument is in another sentence"
    if relation.get("mode") == "？":
        return nothing, "its argument is marked as doubtful"
    at = int(relation["id"])
    phrase = sentence.phrases[at]
    start, end = _trimmed(sentence, _first(sentence, at, ()), phrase.end, _CLOSING_NOUN)
    if end <= max(start, phrase.start):
        return nothing, "no word left of its argument"
    last = sentence.morphemes[end - 1]
    if last.form not in ("*", "語幹") or last.sub == "副詞形態指示詞":  # inflected, or かどうか
        return nothing, "its argument is a clause"
    return (start, end), ""


def _clash(predicate: _Span, argument: _Span) -> str:
    if predicate[0] == predicate[1]:
        return "no word left of its predicate"
    if argument[0] <= predicate[0] < argument[1]:
        return "its predicate is a part of the argument"
    return ""


def _predicate(sentence: Sentence, at: int) -> _Span:
    phrase = sentence.phrases[at]
    own = {
        int(relation["id"])
        for relation in phrase.relations
        if relation["type"] in CASES and relation.get("sid") == sentence.id
    }
    return _trimmed(sentence, _first(sentence, at, own), phrase.end, _CLOSING)


def _first(sentence: Sentence, at: int, stops: Collection[int]) -> int:
    """Return where the word of a phrase begins: with its bunsetsu, or the one before a formal noun.

    `stops` are phrases that it does not take in.
    """
    start = _back(sentence, at, stops)
    while start and start - 1 not in stops and _leans(sentence, start):
        start = _back(sentence, start - 1, stops)
    return sentence.phrases[start].start


def _leans(sentence: Sentence, at: int) -> bool:
    """Say whether a phrase begins with a formal noun, or the いう of ということ."""
    head = sentence.morphemes[sentence.phrases[at].start]
    return head.sub in _FORMAL or head.surface in _FORMAL_WORDS


def _back(sentence: Sentence, at: int, stops: Collection[int]) -> int:
    """Return the first phrase of a bunsetsu, or the one behind a stop."""
    phrases = sentence.phrases
    while at and phrases[at - 1].bunsetsu == phrases[at].bunsetsu and at - 1 not in stops:
        at -= 1
    return at


def _trimmed(sentence: Sentence, start: int, end: int, closing: frozenset[str]) -> _Span:
    """Return a span without punctuation before it, without what closes it, cut at a comma."""
    while start < end and sentence.morphemes[start].pos == "特殊":
        start += 1
    stops = (at for at in range(start, end) if sentence.morphemes[at].sub in _STOPS)
    end = next(stops, end)
    while start < end and _closes(sentence.morphemes[end - 1], closing):
        end -= 1
    copula = end - 1 > start and sentence.morphemes[end - 1].pos == "判定詞"
    if copula and sentence.morphemes[end - 2].form == "*":  # a noun's, not that of ませんでした
        end -= 1
    return start, end


def _closes(morpheme: Morpheme, closing: frozenset[str]) -> bool:
    return morpheme.pos in closing or morpheme.lemma in _CLOSING_AUXILIARIES


SOURCE = Source(
    name="fkc",
    folder="fkc",
    files=(_FILES,),
    licence="CC BY-NC-SA 4.0, academic research only",
    origins={"ja": ("human", "human", "human")},
    read=read,
)

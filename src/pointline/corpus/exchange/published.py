"""One row of the published MMM: which task, which language, which records.

A row is an input string `TEXT/TASKWORD` (several task words may follow) and an output string in
any dialect. What had to be put right is a reason, what had to be decided or looks odd is a note;
a row that gives no record is rejected with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal

from pointline.corpus.exchange.pairs import strip_word
from pointline.errors import RecordError
from pointline.format import codec
from pointline.format.record import Record
from pointline.format.tasks import TASKS, Task
from pointline.format.text import fold

__all__ = ["Clue", "Outcome", "Status", "family_in", "holds_block", "peel", "read_row", "script"]

Status = Literal["read", "repaired", "rejected"]

OTHER_LANGUAGE = "the task word is of another language than the text"
BY_MAJORITY = "language: Han characters alone under an English task word, the file's majority taken"
NO_KANA = "language: a text without kana under a Japanese task word, taken for Japanese"
WORD_MENDED = "the task word of the input was not set off by one slash, or spelled otherwise"
ONLY_IN_OUTPUT = "the task word stands in the output only"
BLOCK_MISSING = "the output has no block for one of the task words"
OUTSIDE = "a label is not of the task's set"
NOT_IN_TEXT = "an entity is not in the text"

_PUBLISHED = tuple(task for name, task in TASKS.items() if not name.startswith("open-"))
_TAIL = re.compile(r"(.*)[/／\r\n]\s*([^/／\r\n]*)", re.DOTALL)
_AFTER = re.compile(r"[\s/／:：]+\Z")
_KANA = re.compile(r"[ぁ-ゖァ-ヺー-ヿｦ-ﾟ]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〇]")
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏＡ-Ｚａ-ｚ]")


def _by_word() -> dict[str, list[Task]]:
    """Return the tasks of each task word, those whose own word it is before those it is lent to."""
    found: dict[str, list[Task]] = {}
    for task in _PUBLISHED:
        found.setdefault(fold(task.word).text, []).append(task)
    for task in _PUBLISHED:
        for alias in task.aliases:
            there = found.setdefault(fold(alias).text, [])
            if task not in there:
                there.append(task)
    return found


_BY_WORD: Mapping[str, Sequence[Task]] = _by_word()
_BLOCK = re.compile(
    "[/／]?(?:"
    + "|".join(
        re.escape(word)
        for word in sorted({w for t in _PUBLISHED for w in (t.word, *t.aliases)}, key=len)[::-1]
    )
    + r")\s*[:：]?[/／]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clue:
    """What is known of a row's table: the task asked for, what its name says, its main language."""

    task: Task | None = None
    family: str | None = None
    majority: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row and why; its records have no id yet.

    `detail` is what the reason of a rejected row leaves out.
    """

    status: Status
    records: tuple[Record, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    detail: str = ""


# ---------------------------------------------------------------- task words and languages


def peel(source: str) -> tuple[str, list[str], bool]:
    """Return the text of an input string, its task words, and whether they stand as they should.

    >>> peel("Ada left./NER/Sentiment Adj")
    ('Ada left.', ['NER', 'Sentiment Adj'], True)
    """
    text = source
    words: list[str] = []
    while (found := _TAIL.fullmatch(_AFTER.sub("", text))) and fold(found[2]).text in _BY_WORD:
        words.insert(0, found[2])
        text = found[1]
    exact = source == "/".join([text, *words]) and all(map(_is_spelled, words))
    return text, words, exact


def _is_spelled(word: str) -> bool:
    return any(word in (task.word, *task.aliases) for task in _BY_WORD[fold(word).text])


def holds_block(output: str) -> bool:
    """Say whether a string looks like an output: a task word in its slashes.

    >>> holds_block("Nature/NER:/people;Ada"), holds_block("Ada left./NER")
    (True, False)
    """
    return _BLOCK.search(output) is not None


def script(text: str) -> Literal["en", "ja", "han", ""]:
    """Say what the letters of a text tell: English, Japanese, Japanese or Chinese, or nothing.

    A word of Latin letters weighs as a character of the others; one kana in ten makes Japanese.

    >>> script("Ada Lovelace met 花子"), script("花子は来た"), script("東京都"), script("10:30")
    ('en', 'ja', 'han', '')
    """
    latin, kana, han = (len(kind.findall(text)) for kind in (_LATIN, _KANA, _HAN))
    if latin > 4 * (kana + han):
        return "en"
    if kana * 10 >= kana + han > 0:
        return "ja"
    return "han" if han else ""


def family_in(name: str) -> str | None:
    """Return the family that the name of a file tells of.

    >>> family_in("SCPOS_Adj&N/train-ja.json"), family_in("data/tconer.csv"), family_in("a.json")
    ('scpos-adjn', 'tconer', None)
    """
    words = re.sub(r"[^a-z]+", " ", name.casefold().replace("&", " and ")).split()
    line = f" {' '.join(words)} "
    for family in ("scnm", "tconer", "tcree"):
        if family in line:
            return family
    if "scpos" not in line and "sentiment" not in line:
        return None
    for family, signs in (
        ("scpos-rw", (" rw ", " related ", " relation ", "scposrw ")),
        ("scpos-adjn", (" adj and n ", " adj n ", " adjn ", "scposadjn ")),
        ("scpos-adj", (" adj ", "scposadj ")),
        ("scpos-n", (" n ", " noun ", "scposn ")),
    ):
        if any(sign in line for sign in signs):
            return family
    return None


def _language(text: str, word: str, clue: Clue, reasons: list[str], notes: list[str]) -> str | None:
    """Return the language of a row; the script decides where it can, else the task word."""
    letters = script(text)
    if letters == "ja" and word != "ja":
        reasons.append(OTHER_LANGUAGE)
        return "ja"
    if letters == "en" and word != "en" and clue.majority == "en":
        reasons.append(OTHER_LANGUAGE)
        return "en"
    if letters == "han" and word == "en":
        if clue.majority not in ("ja", "zh"):
            return None
        reasons.append(BY_MAJORITY)
        return clue.majority
    if letters == "han" and word == "ja":
        notes.append(NO_KANA)
    return word


# ---------------------------------------------------------------- a row


def read_row(source: object, output: object, clue: Clue) -> Outcome:
    """Return what an input and an output string say; see `Outcome`."""
    for value, what in ((source, "input"), (output, "output")):
        if not isinstance(value, str):
            return Outcome("rejected", reasons=(f"the {what} is no string",))
        if not value.strip():
            return Outcome("rejected", reasons=(f"the {what} is empty",))
    assert isinstance(source, str)
    assert isinstance(output, str)
    reasons: list[str] = []
    notes: list[str] = []
    text, words = _parted(source, output, clue, reasons)
    if not text.strip():
        return Outcome("rejected", reasons=("the input has no text",))
    if not words:
        return Outcome("rejected", reasons=("no task word that is known",))
    found = [_task(text, word, output, clue, reasons, notes) for word in words]
    tasks = [task for task in found if task is not None]
    if len(tasks) < len(found):
        return Outcome("rejected", reasons=("language: Han characters alone, no majority",))
    return _outcome(text, tasks, words, output, reasons, notes)


def _parted(source: str, output: str, clue: Clue, reasons: list[str]) -> tuple[str, list[str]]:
    """Return the text and the task words, wherever they stand."""
    if clue.task:
        text = strip_word(source, (clue.task.word, *clue.task.aliases))
        return (peel(source)[0] if text is None else text), [clue.task.word]
    text, words, exact = peel(source)
    if words:
        if not exact:
            reasons.append(WORD_MENDED)
        return text, words
    if block := _BLOCK.search(output):
        reasons.append(ONLY_IN_OUTPUT)
        return source, [block[0].strip("/／:： \t")]
    return source, []


def _task(
    text: str, word: str, output: str, clue: Clue, reasons: list[str], notes: list[str]
) -> Task | None:
    if clue.task:
        return clue.task
    candidates = _BY_WORD[fold(word).text]
    language = _language(text, candidates[0].lang, clue, reasons, notes)
    if language is None:
        return None
    # the word may be lent from another language, the labels are those of the text's own
    there = [_knowing(word, TASKS[f"{task.family}-{language}"]) for task in candidates]
    families = [task.family for task in there]
    chosen = families[0]
    if len(families) > 1:
        chosen = clue.family if clue.family in families else _by_label(there, output)
        if clue.family not in families:
            notes.append(f"task word of {' and '.join(families)}: taken for {chosen} by its label")
    return TASKS[f"{chosen}-{language}"]


def _knowing(word: str, task: Task) -> Task:
    return replace(task, aliases=tuple(dict.fromkeys((*task.aliases, word))))


def _by_label(candidates: Sequence[Task], output: str) -> str:
    """Return the family whose closed set holds the text label; an open one takes what is left."""
    for task in candidates:
        found = codec.read(output, task, mode="lenient")
        if task.labels and found.label in task.labels:
            return task.family
    return next((task for task in candidates if task.labels is None), candidates[0]).family


def _outcome(
    text: str,
    tasks: Sequence[Task],
    words: Sequence[str],
    output: str,
    reasons: list[str],
    notes: list[str],
) -> Outcome:
    spelled = [_knowing(word, task) for task, word in zip(tasks, words, strict=True)]
    if len(spelled) == 1:
        readings = [codec.read(output, spelled[0], text, "lenient")]
    else:
        readings = list(codec.read_blocks(output, spelled, text, "lenient"))
    records = []
    for task, reading in zip(tasks, readings, strict=True):
        if not reading.ok:
            reasons.append(BLOCK_MISSING)
            continue
        try:
            records.append(Record("", task.name, text, reading.label, reading.pairs, reading.facts))
        except RecordError as error:
            return Outcome("rejected", reasons=("no record can be made of it",), detail=str(error))
        reasons += reading.repairs
        notes += _oddities(records[-1], task)
    if not records:
        return Outcome("rejected", reasons=("the output cannot be read",))
    told = tuple(dict.fromkeys(reasons))
    status: Status = "repaired" if told else "read"
    return Outcome(status, tuple(records), told, tuple(dict.fromkeys(notes)))


def _oddities(record: Record, task: Task) -> list[str]:
    at = 0 if task.shape == "pairs" else 1
    labels = {item[at] for item in record.items}
    notes = []
    if not (_within({record.label} - {""}, task.labels) and _within(labels, task.item_labels)):
        notes.append(OUTSIDE)
    if any(pair.start is None for pair in record.pairs):
        notes.append(NOT_IN_TEXT)
    return notes


def _within(labels: Set[str], known: Sequence[str] | None) -> bool:
    return known is None or labels <= set(known)

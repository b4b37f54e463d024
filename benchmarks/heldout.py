"""What no adapter of ours is trained on: a whole source, and a set of entity types.

`stockmark-ja`: Stockmark's Wikipedia sentences with the eight types of `scnm-ja`. No dataset is
built from that corpus; it has no text labels, so only the items are scored.

`music-en`, `music-ja`, `music-zh`: the test records of `tconer-LANG` that hold one of six types of
music (MUSIC). Training leaves out every record that holds one (`TrainConfig.held_out`), in all
languages, so their names are never seen as labels; the other domains' texts and types are.

Both are asked as a user asks for labels of the own: an ad-hoc task, the labels in the prompt. A
text whose `twins.key` is that of a training text, of whichever dataset, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pointline.corpus import twins
from pointline.corpus.sources import SOURCES
from pointline.corpus.store import read_dataset
from pointline.format import tasks
from pointline.format.record import Record
from pointline.format.tasks import Lang, Task
from pointline.model.batches import draw

#: The six types by language, as `tconer-LANG` calls them, in one order.
MUSIC: Mapping[Lang, tuple[str, ...]] = {
    "en": ("musical artist", "band", "album", "song", "music genre", "musical instrument"),
    "ja": ("音楽家", "バンド", "アルバム", "楽曲", "音楽ジャンル", "楽器"),
    "zh": ("音乐人", "乐队", "专辑", "歌曲", "音乐流派", "乐器"),
}
#: The text labels that are asked for beside them: the six domains of CrossRE.
DOMAINS: Mapping[Lang, tuple[str, ...]] = {
    "en": ("news", "politics", "science", "music", "literature", "artificial intelligence"),
    "ja": ("ニュース", "政治", "科学", "音楽", "文学", "人工知能"),
    "zh": ("新闻", "政治", "科学", "音乐", "文学", "人工智能"),
}
#: The labels that training has to leave out.
HELD_OUT = tuple(label for labels in MUSIC.values() for label in labels)


@dataclass(frozen=True)
class HeldOut:
    """Records that were never trained on, and the ad-hoc task that they are asked as."""

    name: str
    task: Task
    records: tuple[Record, ...]
    left_out: int


def training_keys(data: Path) -> frozenset[str]:
    """The keys of every text that is in a training split."""
    return frozenset(
        twins.key(record.text)
        for path in sorted(data.iterdir())
        for record in read_dataset(path).train
    )


def held_out(data: Path, raw: Path, limit: int, keys: frozenset[str]) -> Iterable[HeldOut]:
    """At most `limit` records of each held-out set, the same ones for every system."""
    for lang, types in MUSIC.items():
        task = tasks.adhoc(labels=DOMAINS[lang], entities=types, lang=lang)
        test = read_dataset(data / f"tconer-{lang}").test
        found = [_restricted(record, types) for record in test if record.label in DOMAINS[lang]]
        yield _set(f"music-{lang}", task, [r for r in found if r.pairs], limit, keys)
    if (raw / "stockmark-ner").is_dir():
        own = tasks.task("scnm-ja")
        task = tasks.adhoc(labels=own.labels, entities=own.item_labels, lang="ja")
        read = SOURCES["stockmark-ner"].read(raw / "stockmark-ner", "ja").records
        yield _set("stockmark-ja", task, [s.record for s in read if s.record.pairs], limit, keys)


def _restricted(record: Record, types: tuple[str, ...]) -> Record:
    return replace(record, pairs=tuple(pair for pair in record.pairs if pair.label in types))


def _set(name: str, task: Task, records: list[Record], limit: int, keys: frozenset[str]) -> HeldOut:
    unseen = [record for record in records if twins.key(record.text) not in keys]
    chosen = tuple(replace(r, task=task.name) for r in draw(unseen, limit, f"held out/{name}"))
    return HeldOut(name, task, chosen, len(records) - len(unseen))

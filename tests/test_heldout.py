"""What is held out: the rule of the benchmarks, on texts of our own."""

import json
from pathlib import Path

import pytest

from pointline.corpus import twins
from pointline.corpus.store import write_dataset
from pointline.format.record import Pair, Record
from pointline.format.tasks import LANGUAGES, task

ROOT = Path(__file__).parents[1]
TEXTS = {
    "en": ("Mira Holt sang “Low Tide” on {} evenings.", "Mira Holt", "Low Tide"),
    "ja": ("水野灯が『浅い海』を{}日歌った。", "水野灯", "浅い海"),
    "zh": ("何汐唱了{}遍《浅海》。", "何汐", "浅海"),
}


@pytest.fixture
def heldout(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import heldout

    return heldout


def record(heldout, lang, number, *, kind=None, label=None):
    text, singer, song = TEXTS[lang]
    text = text.format(number)
    artist, *_ = heldout.MUSIC[lang]
    pairs = [Pair(kind or artist, singer), Pair("work", song)]
    label = label or heldout.DOMAINS[lang][3]
    return Record(f"{lang}-{number}-{kind}", f"tconer-{lang}", text, label, pairs)


@pytest.fixture
def folders(heldout, tmp_path):
    data, raw = tmp_path / "data", tmp_path / "raw"
    for lang in LANGUAGES:
        train = [record(heldout, lang, n, kind="person") for n in range(3)]
        test = [record(heldout, lang, n) for n in range(2, 9)]  # the text of number 2 is trained on
        test += [record(heldout, lang, 20, kind="person"), record(heldout, lang, 21, label="x")]
        splits = {"train": train, "test": test}
        write_dataset(data / f"tconer-{lang}", task(f"tconer-{lang}"), splits)
    rows = [
        {"curid": str(n), "text": f"灯野は{n}年に港町へ行った。",
         "entities": [{"name": "灯野", "span": [0, 2], "type": "人名"}] * (n % 2)}
        for n in range(6)
    ]  # fmt: skip
    (raw / "stockmark-ner").mkdir(parents=True)
    text = json.dumps(rows, ensure_ascii=False)
    (raw / "stockmark-ner" / "ner.json").write_text(text, encoding="utf-8")
    (raw / "stockmark-ner" / "SOURCE.txt").write_text("ours", encoding="utf-8")
    return data, raw


def test_no_text_is_a_training_text_and_only_held_out_types_are_asked(heldout, folders):
    keys = heldout.training_keys(folders[0])
    sets = {each.name: each for each in heldout.held_out(*folders, 100, keys)}
    assert list(sets) == ["music-en", "music-ja", "music-zh", "stockmark-ja"]
    for each in sets.values():
        assert not {twins.key(r.text) for r in each.records} & keys
        assert {p.label for r in each.records for p in r.pairs} <= set(each.task.item_labels)
        assert all(r.pairs and r.task == each.task.name == "adhoc" for r in each.records)
    for lang in LANGUAGES:
        each = sets[f"music-{lang}"]
        assert (len(each.records), each.left_out) == (6, 1)
        assert set(each.task.item_labels) <= set(heldout.HELD_OUT)
        assert {r.label for r in each.records} <= set(each.task.labels)
    assert len(sets["stockmark-ja"].records) == 3


def test_every_system_is_asked_the_same(heldout, folders):
    first, again = (list(heldout.held_out(*folders, 3, frozenset())) for _ in range(2))
    assert first == again and all(len(each.records) == 3 for each in first)


def test_without_raw_corpora_the_types_remain(heldout, folders, tmp_path):
    names = [each.name for each in heldout.held_out(folders[0], tmp_path, 3, frozenset())]
    assert names == ["music-en", "music-ja", "music-zh"]


def test_the_trials_hold_out_what_is_tested(heldout):
    import recipes

    assert recipes.BASE["held_out"] == heldout.HELD_OUT
    assert len(heldout.HELD_OUT) == len(set(heldout.HELD_OUT)) == 18


def test_version_1_is_not_trained_on_what_is_held_out(heldout, folders):
    import train_v1

    config = train_v1.config(folders[0], folders[1] / "run")
    assert config.held_out == heldout.HELD_OUT
    assert [Path(path).name for path in config.data] == ["tconer-en", "tconer-ja", "tconer-zh"]

"""Datasets from raw corpora: sizes, sides, leakage, bytes, manifests."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from invented import (
    JA,
    write_all,
    write_cec,
    write_chabsa,
    write_crossre,
    write_smp,
    write_zhijiang,
)
from leakage import leaks

from pointline.corpus import making, maps, store
from pointline.corpus.account import imbalances
from pointline.corpus.build import all_names, build
from pointline.corpus.catalogue import CATALOGUE
from pointline.corpus.recipes import RECIPES, SIDES, train_size
from pointline.corpus.sources import SOURCES
from pointline.corpus.split import position, side
from pointline.errors import CorpusError, TaskError
from pointline.format.record import Fact, Pair
from pointline.format.tasks import TASKS, task

NAMES = list(all_names())


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def built(raw, out):
    return build(NAMES, raw, out)


def rows(dataset):
    return [(name, record) for name, split in dataset.splits.items() for record in split]


# ---------------------------------------------------------------- invented corpora


def test_every_dataset_is_built_whole_and_checks_clean(built, out):
    assert list(built) == NAMES
    for name, dataset in built.items():
        assert store.read_dataset(out / name) == dataset
        assert list(store.check(out / name)) == [] or name == "scpos-n-en"  # has no nouns
        assert dataset.task == task(name)
        assert imbalances(dataset.manifest) == []
        if name not in (
            "scpos-n-en",
            "scpos-adj-zh",
        ):  # words of other kinds
            assert all(len(dataset.splits[split]) > 0 for split in ("train", "test")), name
        assert [r.id for _, r in rows(dataset)] == [
            f"{name}-{n:06d}" for n in range(1, len(rows(dataset)) + 1)
        ]
    assert sorted(path.name for path in out.iterdir()) == sorted(NAMES)


def test_scnm_carries_the_published_labels_in_its_language(built):
    by_document = {
        lang: {r.meta["document"]: r for _, r in rows(built[f"scnm-{lang}"])}
        for lang in ("en", "ja", "zh")
    }
    english = by_document["en"]["music-train-3"]
    assert english.label == "Literature"
    assert english.pairs == (Pair("people", "Mira Vale", 0, 9), Pair("places", "Port Oon", 19, 27))
    assert english.meta == {"corpus": "crossre", "document": "music-train-3"}
    japanese = by_document["ja"]["music-train-3"]
    assert (japanese.label, japanese.items) == (
        "文芸",
        (("人名", "ミラ・ベイル"), ("地名", "ウーン港")),
    )
    hall = by_document["zh"]["ai-train-6"]
    assert (hall.label, hall.items) == ("技术", (("人名", "米拉"), ("设施名", "利斯克厅")))
    phone = next(r for r in by_document["zh"].values() if r.text.startswith("给米拉打第0个电话"))
    assert (phone.label, phone.items) == ("社会", (("人名", "米拉"),))
    assert any(r.label == "自然" and not r.pairs for r in by_document["zh"].values())


def test_scpos_carries_the_published_labels(built):
    english = {r.text.split(" by ")[0]: r for _, r in rows(built["scpos-rw-en"])}
    assert english["Reel 1 is a lovely walk"].items == (("positive", "lovely"),)
    assert english["Reel 1 isn't fun, dull"].items == (("positive", "fun"), ("negative", "dull"))
    assert not any("plays" in text for text in english)
    japanese = {r.text.split("（")[0]: r for _, r in rows(built["scpos-rw-ja"])}
    assert japanese["第3期の利益は減った"].label == "消極"
    assert japanese["第3期の利益は減った"].pairs == (Pair("ネガティブ", "利益", 4, 6),)
    assert not any("費用" in text for text in japanese)
    chinese = {"，".join(r.text.split("，")[:2]): r for _, r in rows(built["scpos-rw-zh"])}
    assert (chinese["第8瓶，难闻"].label, chinese["第8瓶，难闻"].items) == (
        "消极",
        (("消极", "难闻"),),
    )


def test_tcree_keeps_facts_in_order(built):
    english = next(r for _, r in rows(built["open-tcree-en"]) if r.meta["document"] == "ai-train-1")
    assert (english.label, english.pairs) == ("ai", ())
    assert english.facts == (Fact(("Odo Finch", "physical", "Harl")),)
    chinese = [r for _, r in rows(built["open-tcree-zh"])]
    assert {r.label for r in chinese} == {"地震", "火灾"}
    assert all(r.facts[0].fields[1] == "时间" for r in chinese)


def test_a_document_lies_on_one_side_in_every_language_and_family(built):
    assert leaks(built) == []
    sides = {}
    for dataset in built.values():
        for split, record in rows(dataset):
            which = (record.meta["corpus"], record.meta["document"])
            assert sides.setdefault(which, split) == split


def test_rebuilding_in_two_processes_gives_the_same_bytes_and_another_seed_another_split(
    raw, out, built, tmp_path
):
    again = build(reversed(NAMES), raw, tmp_path / "again", jobs=2)
    assert again == built
    for name in NAMES:
        files = {path.name: path.read_bytes() for path in (out / name).iterdir()}
        assert files.keys() == {
            *(f"{split}.jsonl" for split in store.SPLITS),
            "manifest.json",
            "README.md",
        }
        for file, content in files.items():
            assert (tmp_path / "again" / name / file).read_bytes() == content
    other = build(["scnm-en"], raw, tmp_path / "other", seed=1)["scnm-en"]
    assert {r.meta["document"] for r in other.test} != {
        r.meta["document"] for r in built["scnm-en"].test
    }


def test_the_manifest_tells_where_everything_comes_from(raw, built):
    told = built["scnm-zh"].manifest
    assert told["seed"] == 0
    crossre, smp = told["sources"]
    assert (crossre["corpus"], crossre["revision"]) == ("crossre", "invented, revision 1")
    assert (crossre["text"], crossre["labels"], crossre["items"]) == (
        "machine-translated", "human", "machine-translated"
    )  # fmt: skip
    assert crossre["licence"] in told["licences"]
    assert crossre["files"] == SOURCES["crossre"].digest(raw)
    assert crossre["rules"]["records read"] == 216
    assert (smp["revision"], smp["rules"]["records kept"]) == (None, 44)
    assert told["rules"]["records dropped: no text label for domain health"] == 1
    assert told["rules"]["records dropped: none of its items has a word label"] == 1
    assert told["rules"]["items dropped: no word label for slot category"] == 1
    assert told["rules"]["items changed: location is facilities by its last English word"] > 0
    assert "nine reviews in ten are positive" in built["scpos-rw-zh"].manifest["notes"][0]
    assert told["screened_against"].keys() == {name for name in SIDES if (raw / name).is_dir()}
    assert told["screened_against"]["crossre"] == crossre["files"]
    assert told["near_duplicates"] == {"gram": 3, "threshold": 0.7}


def test_duplicates_go_and_twins_stay_on_one_side(tmp_path):
    write_crossre(tmp_path, size=3)
    raw, folder = tmp_path, tmp_path / "crossre/multi-crossre_data/translation/japanese"
    path = folder / "news-train.json"
    japanese = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    # rows 2 and 3 become the same Japanese sentence, of two English ones
    for name in japanese[1]:
        if name != "doc_key":
            japanese[2][name] = japanese[1][name]
    path.write_text("\n".join(map(json.dumps, japanese)), encoding="utf-8")
    for seed in range(8):
        built = build(["scnm-en", "scnm-ja"], raw, tmp_path / f"out{seed}", seed=seed)
        assert leaks(built) == []
        sides = {r.meta["document"]: side for side, r in rows(built["scnm-en"])}
        assert sides["news-train-2"] == sides["news-train-3"]
        documents = [r.meta["document"] for _, r in rows(built["scnm-ja"])]
        assert "news-train-2" in documents
        assert "news-train-3" not in documents
    told = built["scnm-ja"].manifest["sources"][0]["rules"]
    assert told["records dropped: the same text twice"] == 1


def test_a_text_left_untranslated_is_dropped(tmp_path):
    write_crossre(tmp_path, size=2)
    path = tmp_path / "crossre/multi-crossre_data/translation/chinese/ai-dev.json"
    chinese = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    english = json.loads((tmp_path / "crossre/crossre_data/ai-dev.json").read_text().split("\n")[0])
    text = " ".join(english["sentence"])
    chinese[0] |= {"sentence-detokenized": text, "token2charspan": [[0, 9]] * 10}
    path.write_text("\n".join(map(json.dumps, chinese)), encoding="utf-8")
    told = build(["open-tcree-en"], tmp_path, tmp_path / "en")["open-tcree-en"].manifest
    assert "records dropped: left untranslated" not in told["sources"][0]["rules"]
    (tmp_path / "smp2019-ecdt/dataSet").mkdir(parents=True)
    (tmp_path / "smp2019-ecdt/dataSet/train.json").write_text("[]")
    told = build(["scnm-zh"], tmp_path, tmp_path / "zh")["scnm-zh"].manifest
    assert told["sources"][0]["rules"]["records dropped: left untranslated"] == 1


# ---------------------------------------------------------------- near-duplicates


def crossre_rows(raw, lang_folder, name):
    path = raw / lang_folder / name
    return path, [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def on(which, corpus, documents):
    """The first of the documents that lies on a side."""
    return next(d for d in documents if side(position(0, corpus, d), SIDES[corpus]) == which)


def test_a_near_duplicate_of_a_test_text_goes_in_every_language(tmp_path):
    write_crossre(tmp_path, size=8)
    path, japanese = crossre_rows(tmp_path, JA, "music-train.json")
    by_key = {row["doc_key"]: row for row in japanese}
    tested, trained = on("test", "crossre", by_key), on("train", "crossre", by_key)
    before = build(["scnm-en"], tmp_path, tmp_path / "before")["scnm-en"]
    assert trained in {record.meta["document"] for record in before.train}
    nearly = dict(by_key[tested])
    nearly["sentence-detokenized"] = nearly["sentence-detokenized"].replace("。", "よ。")
    by_key[trained].update({k: v for k, v in nearly.items() if k != "doc_key"})
    path.write_text("\n".join(map(json.dumps, japanese)), encoding="utf-8")
    names = ["scnm-en", "scnm-ja", "open-tcree-en", "tconer-en"]
    after = build(names, tmp_path, tmp_path / "after")
    assert leaks(after) == []
    for dataset in after.values():
        documents = {record.meta["document"] for _, record in rows(dataset)}
        assert tested in documents and trained not in documents
        assert imbalances(dataset.manifest) == []
    told = {name: after[name].manifest["sources"][0]["rules"] for name in names}
    rule = "records dropped: near-duplicate of a text on the test side"
    assert (told["scnm-ja"][rule], told["scnm-en"].get(rule, 0)) == (1, 0)
    assert told["scnm-en"]["records dropped: translation of a near-duplicate"] == 1
    assert after["scnm-en"].test == tuple(
        replace(record, id=f"scnm-en-{int(record.id[-6:]) - 1:06d}") for record in before.test
    )


def test_what_two_corpora_of_a_language_share_is_trained_on_in_none(tmp_path):
    write_smp(tmp_path)
    write_cec(tmp_path)
    build(["open-tcree-zh"], tmp_path, tmp_path / "before")
    records = store.read_dataset(tmp_path / "before/open-tcree-zh").test
    path = tmp_path / "smp2019-ecdt/dataSet/train.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    at = int(on("train", "smp2019-ecdt", [f"train-{n}" for n in range(40)]).split("-")[1])
    said[at] = {"text": records[0].text + "！", "domain": "news", "intent": "Q", "slots": {}}
    path.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    write_crossre(tmp_path, size=2)
    after = build(["scnm-zh", "open-tcree-zh"], tmp_path, tmp_path / "after")
    assert leaks(after) == []
    assert after["open-tcree-zh"].test == records
    assert f"train-{at}" not in {r.meta["document"] for _, r in rows(after["scnm-zh"])}
    smp = after["scnm-zh"].manifest["sources"][1]["rules"]
    assert smp["records dropped: near-duplicate of a text on the test side"] == 1


# ---------------------------------------------------------------- sizes


def test_training_sizes_are_the_papers():
    assert train_size(task("scnm-en"), 1999) == 500
    assert train_size(task("scnm-en"), 2000) == 1000
    assert train_size(task("tconer-ja"), 6791) == 2000


def test_a_side_is_cut_to_its_size_and_scarce_labels_stay(tmp_path, monkeypatch):
    write_zhijiang(tmp_path, size=400)
    monkeypatch.setattr(making, "DEV_SIZE", 5)
    whole = build(["scpos-rw-zh"], tmp_path, tmp_path / "whole")["scpos-rw-zh"]
    cut = build(["scpos-rw-zh"], tmp_path, tmp_path / "cut", train=60)["scpos-rw-zh"]
    negative = [r.text for r in whole.train if r.label == "消极"]
    assert len(negative) > 10
    assert [r.text for r in cut.train if r.label == "消极"] == negative
    assert (len(cut.train), len(cut.dev)) == (60, 5)
    assert [r.text for r in cut.test] == [r.text for r in whole.test]
    left = cut.manifest["rules"]["records left over on the train side"]
    assert left == len(whole.train) - 60


# ---------------------------------------------------------------- running again, and refusals


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder with two corpora."""
    raw = tmp_path_factory.mktemp("small")
    write_chabsa(raw)
    write_zhijiang(raw)
    return raw


READING = ["read chabsa", "read zhijiang-opinion", "compared ja", "compared zh"]


def test_finished_datasets_are_kept_and_others_refused(small, tmp_path):
    raw, steps = small, []
    build(["scpos-rw-ja"], raw, tmp_path, progress=lambda *step: steps.append(step))
    assert steps == [(at, 5, stage) for at, stage in enumerate([*READING, "scpos-rw-ja"], start=1)]
    file = tmp_path / "scpos-rw-ja" / "train.jsonl"
    before = file.stat().st_mtime_ns
    steps.clear()
    both = build(["scpos-rw-ja", "scpos-rw-zh"], raw, tmp_path, progress=lambda *s: steps.append(s))
    assert list(both) == ["scpos-rw-ja", "scpos-rw-zh"]
    assert [stage for *_, stage in steps] == [*READING, "scpos-rw-zh"]
    assert file.stat().st_mtime_ns == before
    with pytest.raises(CorpusError, match="is there with seed 0, not 1: replace it, or choose"):
        build(["scpos-rw-ja"], raw, tmp_path, seed=1)
    with pytest.raises(CorpusError, match="is there with train None, not 7"):
        build(["scpos-rw-ja"], raw, tmp_path, train=7)
    for spoil in (lambda: file.write_bytes(b""), file.unlink):
        spoil()
        with pytest.raises(CorpusError, match=r"train\.jsonl: was changed since .*: replace scpos"):
            build(["scpos-rw-ja"], raw, tmp_path)
    assert build(["scpos-rw-ja"], raw, tmp_path, replace=True)["scpos-rw-ja"].train
    (tmp_path / "scpos-n-ja").mkdir()
    with pytest.raises(CorpusError, match="scpos-n-ja: is there with seed None"):
        build(["scpos-n-ja"], raw, tmp_path)


def test_a_dataset_from_other_raw_files_or_by_another_recipe_is_not_kept(tmp_path, monkeypatch):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write_smp(raw)
    write_crossre(raw, size=2)
    build(["scnm-zh"], raw, out)
    assert build(["scnm-zh"], raw, out)["scnm-zh"].train
    other = replace(CATALOGUE, sides=dict(SIDES) | {"crossre": (0.5, 0.1)})
    with pytest.raises(CorpusError, match="scnm-zh: is there with recipe '"):
        build(["scnm-zh"], raw, out, catalogue=other)
    with monkeypatch.context() as patch:
        patch.setattr(maps, "FACILITY_WORDS", maps.FACILITY_WORDS | {"Shed"})
        with pytest.raises(CorpusError, match="scnm-zh: is there with recipe '"):
            build(["scnm-zh"], raw, out)
    ours = raw / "crossre/README.md"
    ours.write_text("not read")
    build(["scnm-zh"], raw, out)
    write_chabsa(raw)  # of another language: its texts are compared, too
    with pytest.raises(CorpusError, match=r"is there with other corpora \[\], not \['chabsa'\]"):
        build(["scnm-zh"], raw, out)
    shutil.rmtree(raw / "chabsa")
    shutil.copy(raw / JA / "ai-dev.json", raw / JA / "ai-test.json")
    with pytest.raises(CorpusError, match="scnm-zh: is there with raw files"):
        build(["scnm-zh"], raw, out)


def test_a_build_finds_again_what_a_kill_had_moved_away(small, tmp_path):
    raw = small
    before = build(["scpos-rw-ja"], raw, tmp_path)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    work = tmp_path / f".scpos-rw-ja.{dead.pid}.abc.work"
    work.mkdir()
    (tmp_path / "scpos-rw-ja").rename(work / "old")
    steps = []
    assert build(["scpos-rw-ja"], raw, tmp_path, progress=lambda *s: steps.append(s)) == before
    assert steps == []
    assert [path.name for path in tmp_path.iterdir()] == ["scpos-rw-ja"]


def test_an_interrupted_build_leaves_no_half_folder(small, tmp_path, monkeypatch):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("pointline.corpus.store.sha256", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(["scpos-rw-ja"], small, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_names_corpora_and_sizes_that_cannot_be(small, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CorpusError, match="file: this is a file: name the folder"):
        build(["scnm-en"], small, tmp_path / "file")
    (tmp_path / "file").unlink()
    raw = small
    with pytest.raises(TaskError, match="did you mean scnm-ja"):
        build(["scnm-jp"], raw, tmp_path)
    with pytest.raises(CorpusError, match="no recipe for tcree-ja; there are: scnm-en"):
        build(["scnm-en", "tcree-ja"], raw, tmp_path)
    with pytest.raises(CorpusError, match="the corpus 'chabsa' is not there"):
        build(["scpos-rw-ja"], tmp_path / "nowhere", tmp_path)
    with pytest.raises(CorpusError, match="one record or more, got train=0"):
        build(["scpos-rw-ja"], raw, tmp_path, train=0)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- tables


def test_the_maps_speak_the_published_labels():
    scnm = task("scnm-en")
    words = {*maps.CROSSRE_TYPES.values(), *maps.CROSSRE_ORGANISATIONS.values(), "facilities"}
    assert words | set(maps.SMP_SLOTS.values()) == {*scnm.item_labels, None}
    text = {*maps.CROSSRE_DOMAINS.values(), *maps.SMP_DOMAINS.values()}
    assert text == {*scnm.labels, None}
    assert len(maps.CROSSRE_TYPES) == 39
    assert {slot.split(".")[0] for slot in maps.SMP_SLOTS} <= maps.SMP_DOMAINS.keys()
    for lang in ("en", "ja", "zh"):
        theirs = task(f"scnm-{lang}")
        assert [maps.translated(label, theirs) for label in scnm.labels] == list(theirs.labels)
    with pytest.raises(KeyError):
        maps.translated("Sport", scnm)


def test_every_recipe_has_a_task_and_sources_in_its_language():
    for name, recipe in RECIPES.items():
        assert name in TASKS
        for part in recipe.parts:
            assert TASKS[name].lang in SOURCES[part.source].origins
            train, dev = SIDES[part.source]
            assert min(train, dev) > 0 and train + dev < 1

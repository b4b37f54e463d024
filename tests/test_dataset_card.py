"""The card of a dataset: the hub reads it, it tells what the manifest tells, it quotes no text."""

import pytest
from invented import write_chabsa, write_crossre, write_smp

from pointline.corpus import store
from pointline.corpus.build import FAMILIES as BUILT
from pointline.corpus.build import build
from pointline.corpus.card import CITATIONS, FAMILIES, card
from pointline.corpus.recipes import SIDES
from pointline.errors import CorpusError


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    raw = tmp_path_factory.mktemp("raw")
    for write in (write_crossre, write_smp, write_chabsa):
        write(raw)
    names = ["scnm-zh", "open-tcree-en", "scpos-rw-ja", "scpos-n-ja"]
    return build(names, raw, raw / "out"), raw / "out"


def test_every_corpus_is_cited_and_every_family_told_of():
    assert SIDES.keys() <= CITATIONS.keys()
    assert set(BUILT) == FAMILIES.keys()


def test_the_hub_reads_its_front_matter(built):
    hub = pytest.importorskip("huggingface_hub")
    datasets, out = built
    told = hub.DatasetCard.load(out / "scnm-zh" / "README.md").data.to_dict()
    assert told["language"] == ["zh"]
    assert told["license"] == ["gpl-3.0", "unknown"]
    assert told["annotations_creators"] == ["expert-generated", "machine-generated"]
    assert told["size_categories"] == ["n<1K"]
    files = {entry["split"]: entry["path"] for entry in told["configs"][0]["data_files"]}
    assert files == {"train": "train.jsonl", "validation": "dev.jsonl", "test": "test.jsonl"}
    assert all((out / "scnm-zh" / file).is_file() for file in files.values())
    assert told["task_categories"] == ["text-classification", "token-classification"]
    assert datasets["open-tcree-en"].task.family in hub.DatasetCard.load(
        out / "open-tcree-en" / "README.md"
    ).data.to_dict()["tags"]  # fmt: skip


def test_datasets_opens_the_folder_by_its_card(built, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    ours, out = built
    found = datasets.load_dataset(str(out / "scpos-rw-ja"), cache_dir=str(tmp_path))
    assert {split: len(rows) for split, rows in found.items()} == {
        "train": len(ours["scpos-rw-ja"].train),
        "validation": len(ours["scpos-rw-ja"].dev),
        "test": len(ours["scpos-rw-ja"].test),
    }


def test_the_card_tells_what_the_manifest_tells_and_no_text(built):
    datasets, out = built
    for name, dataset in datasets.items():
        page = (out / name / "README.md").read_text(encoding="utf-8")
        assert page == card(dataset.manifest)
        assert f"\n# {name}\n" in page
        for source in dataset.manifest["sources"]:
            assert CITATIONS[source["corpus"]] in page
            for rule, count in source["rules"].items():
                assert f"| {rule} | {count:,} |" in page
            chosen = f"human, chosen by part of speech ({source.get('tagger')})"
            assert (chosen in page) == (name == "scpos-n-ja") == ("SudachiPy" in page)
        for split, count in dataset.manifest["counts"].items():
            assert f"| {split} | {count:,} |" in page
        for label, count in dataset.manifest["item_labels"].items():
            assert f"| {label} | {count:,} |" in page
        for records in dataset.splits.values():
            assert not any(record.text in page for record in records)


def test_the_manifest_vouches_for_the_card(built, tmp_path):
    datasets, out = built
    folder = out / "scpos-rw-ja"
    assert datasets["scpos-rw-ja"].manifest["sha256"].keys() == {
        "train.jsonl", "dev.jsonl", "test.jsonl", "README.md"
    }  # fmt: skip
    page = (folder / "README.md").read_bytes()
    (folder / "README.md").write_bytes(page + b"more\n")
    assert [found.rule for found in store.check(folder)] == ["manifest"]
    with pytest.raises(CorpusError, match=r"README\.md: was changed since it was built"):
        build(["scpos-rw-ja"], out.parent, out)
    (folder / "README.md").write_bytes(page)
    assert build(["scpos-rw-ja"], out.parent, out)["scpos-rw-ja"] == datasets["scpos-rw-ja"]


def test_what_a_table_cannot_hold_and_many_labels(built):
    datasets, _ = built
    told = dict(datasets["open-tcree-en"].manifest)
    told["labels"] = {"a|b": 70, **{f"label {n}": 1 for n in range(70)}}
    told["notes"] = ["Mind the gap."]
    told["seed"], told["train_size_asked"] = 7, 30
    page = card(told)
    assert "| a\\|b | 70 |" in page
    assert "11 more that are rarer." in page
    assert "- Mind the gap." in page
    assert "--out DATA --seed 7 --train 30\n" in page

"""The 21 datasets from the real corpora: sizes, labels, accounts, and no leak."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest
from leakage import leaks

from pointline.corpus import store
from pointline.corpus.account import imbalances
from pointline.corpus.build import all_names, build
from pointline.corpus.catalogue import CATALOGUE
from pointline.corpus.crew import processors
from pointline.corpus.making import DEV_SIZE
from pointline.corpus.recipes import train_size
from pointline.corpus.sources import SOURCES
from pointline.format.tasks import LANGUAGES, task
from pointline.model.labellists import labels_of

pytestmark = pytest.mark.corpora


@pytest.fixture(scope="module")
def real(raw_corpora, tmp_path_factory):
    out = tmp_path_factory.mktemp("real")
    return build(all_names(), raw_corpora, out, jobs=processors()), out


def test_all_21_datasets_have_the_papers_sizes_and_check_clean(real):
    datasets, out = real
    assert len(datasets) == 21
    for name, dataset in datasets.items():
        left = Counter(dataset.manifest["rules"])["records left over on the train side"]
        size = train_size(task(name), dataset.manifest["rules"]["records kept"])
        assert len(dataset.train) == size or (len(dataset.train) < size and not left), name
        assert 60 <= len(dataset.dev) <= DEV_SIZE, name
        assert len(dataset.test) >= 250, name
        assert list(store.check(out / name)) == []
        assert (out / name / "README.md").read_text(encoding="utf-8").count(f"# {name}\n") == 1


def test_every_row_and_item_of_every_corpus_is_accounted_for(real):
    datasets, _ = real
    assert {name: imbalances(dataset.manifest) for name, dataset in datasets.items()} == {
        name: [] for name in datasets
    }
    for dataset in datasets.values():
        for source in dataset.manifest["sources"]:
            assert source["rules"]["records read"] > 0
            assert source["rules"]["items read"] > 0


def test_no_test_text_its_near_duplicate_or_translation_is_trained_on_anywhere(real, raw_corpora):
    datasets, _ = real
    translations = [
        (lang, "crossre", sourced.document, sourced.record.text)
        for lang in LANGUAGES
        for sourced in SOURCES["crossre"].harvest(raw_corpora, lang).records
    ]
    assert leaks(datasets, translations) == []


def test_what_adapters_are_held_out_from_is_trained_on_nowhere(real, raw_corpora, monkeypatch):
    """The rule of benchmarks/heldout.py: no text in any training split, the types in tconer only."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    from heldout import HELD_OUT, held_out, training_keys

    datasets, out = real
    sizes = {
        each.name: len(each.records)
        for each in held_out(out, raw_corpora, 10_000, training_keys(out))
        if each.left_out == 0
    }
    assert set(sizes) == {"music-en", "music-ja", "music-zh", "stockmark-ja"}
    assert min(sizes.values()) > 150
    for name, dataset in datasets.items():
        named = {label for record in dataset.train for label in labels_of(record)}
        assert name.startswith("tconer-") or not named & set(HELD_OUT), name


def test_labels_are_spread_as_documented(real):
    datasets, _ = real
    chinese = datasets["scnm-zh"]
    assert set(chinese.manifest["labels"]) == set(task("scnm-zh").labels)
    nature = Counter(
        split
        for split, records in chinese.splits.items()
        for record in records
        if record.label == "自然"
    )
    assert nature == {"train": 1, "test": 2}
    for lang in LANGUAGES:
        items = datasets[f"scnm-{lang}"].manifest["item_labels"]
        assert set(items) == set(task(f"scnm-{lang}").item_labels)
    labels = datasets["scpos-rw-zh"].manifest["labels"]
    assert 0.85 < labels["积极"] / sum(labels.values()) < 0.95


def test_every_corpus_of_a_recipe_takes_part_in_the_comparison(real):
    datasets, _ = real
    for dataset in datasets.values():
        assert dataset.manifest["screened_against"].keys() == CATALOGUE.sides.keys()


def test_the_counts_of_the_page_are_those_of_the_build(real):
    datasets, _ = real
    path = Path(__file__).parents[1] / "benchmarks" / "data_counts.py"
    spec = importlib.util.spec_from_file_location("data_counts", path)
    counts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(counts)
    page = counts.PAGE.read_text(encoding="utf-8")
    assert counts.rewritten(page, datasets) == page

"""The names of open labels: one for each label, in its language, and no two things under one."""

import re
from collections import Counter, defaultdict

import pytest

from pointline.corpus import maps, names
from pointline.corpus.sources.asdc import MARKED
from pointline.corpus.sources.crossre import DOMAINS

LANGS = ("en", "ja", "zh")

#: Slots of SMP2019 that mean one thing.
SAME = (
    {"contacts.name", "email.name", "message.name", "telephone.name"},
    {"absIssue", "relIssue"},
    {"epg.code", "tvchannel.code"},
    {"tvchannel", "tvchannel.name"},
    {"film", "cinemas.name"},
    {"message.category", "telephone.category"},
    {"datetime_date", "yesterday"},
)


def repeated(table):
    """The labels that share a name, as sets."""
    by_name = defaultdict(set)
    for label, name in table.items():
        by_name[name].add(label)
    return [labels for labels in by_name.values() if len(labels) > 1]


@pytest.mark.parametrize("lang", LANGS)
def test_crossre_has_a_name_for_each_domain_and_type_and_no_two_share_one(lang):
    assert tuple(names.CROSSRE_DOMAIN_NAMES[lang]) == DOMAINS
    assert set(names.CROSSRE_TYPE_NAMES[lang]) == set(maps.CROSSRE_TYPES)
    assert repeated(names.CROSSRE_DOMAIN_NAMES[lang]) == []
    assert repeated(names.CROSSRE_TYPE_NAMES[lang]) == []


def test_asdc_has_a_name_for_each_act_and_type_and_none_is_one_of_crossre():
    assert len(names.ASDC_ACTS) == 9
    assert set(MARKED) < set(names.ASDC_ACTS)
    for table in (names.ASDC_ACTS, names.ASDC_TYPES):
        assert repeated(table) == []
    acts, types = set(names.ASDC_ACTS.values()), set(names.ASDC_TYPES.values())
    assert not acts & set(names.CROSSRE_DOMAIN_NAMES["ja"].values())
    assert not types & set(names.CROSSRE_TYPE_NAMES["ja"].values())


def test_smp_has_a_name_for_each_domain_and_shares_one_only_where_it_means_one_thing():
    assert set(names.SMP_DOMAIN_NAMES) == set(maps.SMP_DOMAINS)
    assert repeated(names.SMP_DOMAIN_NAMES) == []
    shared = repeated(names.SMP_SLOT_NAMES)
    assert sorted(map(sorted, shared)) == sorted(map(sorted, SAME))


def test_names_that_crossre_and_smp_share_mean_the_same():
    domains = set(names.SMP_DOMAIN_NAMES.values())
    assert domains & set(names.CROSSRE_DOMAIN_NAMES["zh"].values()) == {"新闻", "音乐"}
    slots = set(names.SMP_SLOT_NAMES.values())
    assert slots & set(names.CROSSRE_TYPE_NAMES["zh"].values()) == {"国家", "地点", "歌曲"}


def test_names_are_words_of_their_language_and_need_no_escape():
    tables = {
        "en": [names.CROSSRE_DOMAIN_NAMES["en"], names.CROSSRE_TYPE_NAMES["en"]],
        "ja": [names.CROSSRE_DOMAIN_NAMES["ja"], names.CROSSRE_TYPE_NAMES["ja"]],
        "zh": [names.CROSSRE_DOMAIN_NAMES["zh"], names.CROSSRE_TYPE_NAMES["zh"]],
    }
    tables["ja"] += [names.ASDC_ACTS, names.ASDC_TYPES]
    tables["zh"] += [names.SMP_DOMAIN_NAMES, names.SMP_SLOT_NAMES]
    for lang, found in tables.items():
        for name in (name for table in found for name in table.values()):
            letters = r"[a-z]+( [a-z]+)*" if lang == "en" else r"[^\x00-\x7f/:;\\ぁ-ん]+"
            letters = letters.replace("ぁ-ん", "") if lang == "ja" else letters
            assert re.fullmatch(letters, name), name


def test_a_slot_is_named_by_its_domain_first():
    assert names.smp_slot("music.song") == "歌曲"
    assert names.smp_slot("video.name") == "影视名"
    assert names.asdc_type("旅行.RYSC") == "旅行シーン"
    for unknown in ("music.colour", "video."):
        with pytest.raises(KeyError):
            names.smp_slot(unknown)
    with pytest.raises(KeyError):
        names.asdc_type("旅行.XXXX")


@pytest.mark.corpora
def test_every_label_of_the_real_corpora_has_a_name_and_every_name_is_used(raw_corpora):
    from pointline.corpus.sources import SOURCES

    found = {}
    for corpus, lang in (("asdc", "ja"), ("smp2019-ecdt", "zh"), ("crossre", "en")):
        records = [s.record for s in SOURCES[corpus].harvest(raw_corpora, lang).records]
        found[corpus] = (
            Counter(record.label for record in records),
            Counter(pair.label for record in records for pair in record.pairs),
        )
    acts, types = found["asdc"]
    assert set(acts) == set(names.ASDC_ACTS)
    assert {names.asdc_type(label) for label in types} == set(names.ASDC_TYPES.values())
    domains, slots = found["smp2019-ecdt"]
    assert set(domains) == set(names.SMP_DOMAIN_NAMES)
    assert {names.smp_slot(label) for label in slots} == set(names.SMP_SLOT_NAMES.values())
    for labels, table in zip(
        found["crossre"], (names.CROSSRE_DOMAIN_NAMES, names.CROSSRE_TYPE_NAMES), strict=True
    ):
        assert set(labels) == set(table["en"])

"""Raw corpora as records: on invented copies of their shapes, and on the real ones if there."""

import json
import re

import pytest
from invented import EN, JA, write_all, write_cec, write_crossre

from pointline.corpus.sources import SOURCES
from pointline.corpus.sources.crossre import SOURCE as CROSSRE
from pointline.corpus.sources.polarity import agreement
from pointline.errors import CorpusError
from pointline.format.record import Fact, Pair


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("raw"))


def harvest(raw, name, lang):
    found = SOURCES[name].harvest(raw, lang)
    return {sourced.record.id: sourced for sourced in found.records}, found.counts


# ---------------------------------------------------------------- each corpus


def test_crossre_in_english(raw):
    found, counts = harvest(raw, "crossre", "en")
    record = found["music-train-3"].record
    assert record.text.startswith("Mira Vale spoke in Port Oon on day 3 of music with ")
    assert record.label == "music"
    assert record.pairs == (
        Pair("musicalartist", "Mira Vale", 0, 9),
        Pair("location", "Port Oon", 19, 27),
    )
    assert record.facts == (Fact(("Mira Vale", "physical", "Port Oon")),)
    assert found["music-train-3"].document == "music-train-3"
    assert (counts["records read"], counts["records kept"]) == (216, 216)
    assert counts["mentions kept"] == 432


def test_crossre_in_translation_is_mended_and_keeps_its_document(raw):
    english, _ = harvest(raw, "crossre", "en")
    for lang, text, names in (
        ("ja", "ミラ・ベイルはウーン港でmusicの3日目に", ["ミラ・ベイル", "ウーン港"]),
        ("zh", "米拉在翁港的music会议第3天说", ["米拉", "翁港"]),
    ):
        found, counts = harvest(raw, "crossre", lang)
        record = found["music-train-3"].record
        assert record.text.startswith(text)
        assert [pair.entity for pair in record.pairs] == names
        assert record.facts == (Fact((names[0], "physical", names[1])),)
        assert record.meta["source_mentions"] == ("Mira Vale", "Port Oon")
        assert (record.meta["lost_types"], record.meta["lost_relations"]) == ((), 0)
        assert counts["mentions changed: function words or punctuation cut off its edges"] == 432
        assert found.keys() == english.keys()


def test_crossre_tells_what_a_translation_lost_and_drops_markup(tmp_path):
    write_crossre(tmp_path, size=2)
    ja, en = (tmp_path / folder / "ai-dev.json" for folder in (JA, EN))
    rows = [json.loads(line) for line in ja.read_text(encoding="utf-8").splitlines()]
    rows[0]["ner"] = rows[0]["ner"][:1]
    rows[0]["ner_mapping_to_source"] = [0]
    rows[0]["relations"] = []
    ja.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    english = [json.loads(line) for line in en.read_text(encoding="utf-8").splitlines()]
    english[1]["sentence"] += ["a", "/", "sub", "b"]
    en.write_text("\n".join(map(json.dumps, english)), encoding="utf-8")
    found, counts = harvest(tmp_path, "crossre", "ja")
    meta = found["ai-dev-1"].record.meta
    assert (meta["lost_types"], meta["lost_relations"]) == (("location",), 1)
    assert "ai-dev-2" not in found
    assert counts["records dropped: wiki markup in the English text"] == 1


def test_crossre_takes_a_cut_off_plural_into_its_mention(tmp_path):
    write_crossre(tmp_path, size=1)
    path = tmp_path / EN / "ai-dev.json"
    row = {
        "doc_key": "ai-dev-1",
        "sentence": ["Two", "robot", "s", "of", '"', "."],
        "ner": [[1, 1, "product"], [4, 4, "person"], [1, 1, "product"]],
        "relations": [[1, 1, 4, 4, "role", "", False, False]],
    }
    path.write_text(json.dumps(row), encoding="utf-8")
    found, counts = harvest(tmp_path, "crossre", "en")
    record = found["ai-dev-1"].record
    assert record.pairs == (Pair("product", "robots", 4, 10),)
    assert record.facts == ()
    assert counts["mentions changed: a plural s taken in"] == 2
    assert counts["mentions dropped: nothing but punctuation or function words left"] == 1
    assert counts["mentions dropped: the same span and type twice"] == 1
    assert counts["relations dropped: one of its mentions was dropped"] == 1


def test_smp2019_places_its_slots_by_rule(raw):
    found, counts = harvest(raw, "smp2019-ecdt", "zh")
    bus = next(s.record for s in found.values() if s.record.label == "bus")
    assert bus.pairs == (Pair("bus.Src", "甲城", 1, 3), Pair("bus.Dest", "甲城", 4, 6))
    assert next(s.record for s in found.values() if s.record.label == "weather").pairs == ()
    assert counts["records kept"] == 44


def test_sst_reads_the_development_part_once_and_joins_its_tokens(raw):
    found, counts = harvest(raw, "sst-trees", "en")
    assert counts["records read"] == 96
    assert counts["records dropped: the development part within train.txt"] == 6
    assert len(found) == 90
    good, bad, flat = (found[f"train-{n}"].record for n in (1, 2, 3))
    assert good.text.startswith("Reel 0 is a lovely walk by ") and good.label == "positive"
    assert good.pairs == (Pair("positive", "lovely", 12, 18),)
    assert bad.text.startswith("Reel 0 isn't fun, dull by ") and bad.label == "negative"
    assert bad.pairs == (Pair("positive", "fun", 13, 16), Pair("negative", "dull", 18, 22))
    assert (flat.label, flat.pairs) == ("neutral", ())


def test_sst_counts_clitics_that_bear_a_polarity(tmp_path):
    folder = tmp_path / "sst-trees/trees"
    folder.mkdir(parents=True)
    for name in ("train", "dev", "test"):
        (folder / f"{name}.txt").write_text(f"(1 (2 {name}) (1 (2 ca) (1 n't)))\n")
    found, counts = harvest(tmp_path, "sst-trees", "en")
    assert found["dev-1"].record.text == "dev can't"
    assert counts["mentions dropped: no word of its own"] == 3


def test_chabsa_labels_a_sentence_by_the_agreement_of_its_opinions(raw):
    found, counts = harvest(raw, "chabsa", "ja")
    up, down, both = (found[f"E90003-{n}"] for n in range(3))
    assert (up.record.label, up.record.pairs) == ("positive", (Pair("positive", "売上", 4, 6),))
    assert (down.record.label, both.record.label) == ("negative", "mixed")
    assert up.document == both.document == "e90003_ann"
    assert counts["records dropped: no opinion"] == 12


def test_chabsa_takes_line_breaks_out_and_drops_disputed_targets(tmp_path):
    folder = tmp_path / "chabsa/data/chABSA"
    folder.mkdir(parents=True)
    opinions = [
        {"target": "利益", "polarity": "positive", "from": 4, "to": 6},
        {"target": "売\n上", "polarity": "positive", "from": 0, "to": 3},
        {"target": "利益", "polarity": "negative", "from": 4, "to": 6},
        {"target": "売\n上", "polarity": "positive", "from": 0, "to": 3},
    ]
    sentence = {"sentence_id": 5, "sentence": "売\n上と利益", "opinions": opinions}
    report = {"header": {"document_id": "E9"}, "sentences": [sentence]}
    (folder / "e9_ann.json").write_text(json.dumps(report))
    found, counts = harvest(tmp_path, "chabsa", "ja")
    record = found["E9-5"].record
    assert (record.text, record.label) == ("売上と利益", "mixed")
    assert record.pairs == (Pair("positive", "売上", 0, 2),)
    assert counts["mentions dropped: one target with two polarities"] == 1
    assert counts["mentions dropped: the same target twice"] == 2


def test_zhijiang_joins_reviews_and_labels(raw):
    found, counts = harvest(raw, "zhijiang-opinion", "zh")
    assert found["train-8"].record.label == "negative"
    assert found["train-1"].record.pairs == (Pair("positive", "清香", 4, 6),)
    assert counts["mentions dropped: the same word for another aspect"] == 40
    assert counts["records dropped: no labels"] == 1


def test_cec_joins_its_mark_up_and_pairs_triggers_with_arguments(raw):
    found, counts = harvest(raw, "cec", "zh")
    record = found["火灾/文3-1"].record
    assert re.fullmatch("3日，东港火灾发生火灾，.{14}，Line 7 3人撤离。", record.text)
    assert record.label == "火灾"
    assert record.facts == (
        Fact(("火灾", "时间", "3日")),
        Fact(("火灾", "地点", "东港火灾")),
        Fact(("撤离", "参与者", "3人")),
    )
    assert found["火灾/文3-2"].record.facts == ()
    assert found["火灾/文3-2"].document == "火灾/文3"
    assert counts["facts kept"] == 120


def test_cec_reads_nested_and_empty_events(tmp_path):
    folder = tmp_path / "cec/CEC/地震"
    folder.mkdir(parents=True)
    (folder / "a.xml").write_text(
        "<Body><Sentence><Event><Location>甲</Location></Event>"
        "<Event><Participant>乙<Object>丙</Object></Participant><Denoter>见</Denoter>"
        "<Event><Denoter>闻</Denoter><participant>丁</participant></Event></Event>"
        "</Sentence><Sentence> </Sentence></Body>",
        encoding="utf-8",
    )
    found, counts = harvest(tmp_path, "cec", "zh")
    assert [fact.fields for fact in found["地震/a-1"].record.facts] == [
        ("见", "参与者", "乙丙"),
        ("见", "对象", "丙"),
        ("闻", "参与者", "丁"),
    ]
    assert counts["events dropped: no trigger"] == 1
    assert counts["records dropped: no text"] == 1


def test_agreement():
    assert agreement([]) == "none"
    assert agreement(["neutral"]) == "neutral"
    assert agreement(["negative", "neutral", "negative"]) == "negative"


# ---------------------------------------------------------------- what is not as it should be


@pytest.mark.parametrize("name", SOURCES)
def test_a_missing_or_empty_folder_is_one_clear_error(tmp_path, name):
    source = SOURCES[name]
    lang = next(iter(source.origins))
    with pytest.raises(CorpusError, match=f"the corpus '{name}' is not there; see docs/data.md"):
        source.harvest(tmp_path, lang)
    (tmp_path / source.folder).mkdir()
    with pytest.raises(CorpusError, match=r"corpus.*; see docs/data\.md"):
        source.harvest(tmp_path, lang)


MISSHAPEN = {
    "crossre": (f"{EN}/news-train.json", "{", r"news-train\.json:1: not JSON"),
    "crossre, no spans": (f"{EN}/news-train.json", '\n{"doc_key": "news-train-1"}', r"news-train\.json:2: not of the corpus's shape \(KeyError: 'sentence'\)"),
    "crossre, a list": (f"{EN}/news-train.json", "[1]", r"news-train\.json:1: not of the corpus's shape"),
    "crossre, rows": (f"{JA}/news-train.json", "", "not the rows of the English"),
    "smp2019-ecdt": ("smp2019-ecdt/dataSet/train.json", "{}", "a list is expected"),
    "smp2019-ecdt, a file": ("smp2019-ecdt/dataSet/train.json", "[", r"train\.json: not of the corpus's shape"),
    "smp2019-ecdt, a row": ("smp2019-ecdt/dataSet/train.json", '[{"text": "a"}]', r"train\.json\[0\]: not of .* docs/data\.md"),
    "smp2019-ecdt, slots": ("smp2019-ecdt/dataSet/train.json", '[{"text": " "}, {"text": "a", "domain": "bus", "slots": []}]', r"train\.json\[1\]: not of"),
    "sst-trees": ("sst-trees/trees/dev.txt", "\nflat line", r"dev\.txt:2: .*no tree: 'flat line'"),
    "chabsa": ("chabsa/data/chABSA/e90000_ann.json", "[]", r"e90000_ann\.json: not of the corpus's shape"),
    "chabsa, a sentence": ("chabsa/data/chABSA/e90000_ann.json", '{"header": {"document_id": "E"}, "sentences": [{"sentence_id": 0, "sentence": "甲", "opinions": [{"target": "乙", "polarity": "positive", "from": 0, "to": 1}]}]}', r"e90000_ann\.json: sentences\[0\]: .*not the entity"),
    "zhijiang-opinion": ("zhijiang-opinion/TRAIN/Train_labels.csv", "id,x\n1,2\n", r"Train_labels\.csv:2: not of the corpus's shape \(KeyError: 'Polarities'\)"),
    "zhijiang-opinion, no id": ("zhijiang-opinion/TRAIN/Train_labels.csv", "x\n1\n", r"Train_labels\.csv:2: not of"),
    "zhijiang-opinion, fields": ("zhijiang-opinion/TRAIN/Train_reviews.csv", "id,Reviews\n1,甲,乙\n", r"Train_reviews\.csv:2: not as many fields"),
    "zhijiang-opinion, no CSV": ("zhijiang-opinion/TRAIN/Train_reviews.csv", "id,Reviews\n1,甲\n2," + "a" * 140_000, r"Train_reviews\.csv:3: not CSV: field larger"),
    "cec": ("cec/CEC/火灾/文0.xml", "<Body>", "not XML"),
}  # fmt: skip


@pytest.mark.parametrize(("file", "content", "message"), MISSHAPEN.values(), ids=MISSHAPEN)
def test_a_misshapen_file_is_one_clear_error(tmp_path, file, content, message, request):
    name = request.node.callspec.id.split(",")[0]
    write_all(tmp_path)
    (tmp_path / file).write_text(content, encoding="utf-8")
    lang = "ja" if file.startswith(JA) else next(iter(SOURCES[name].origins))
    with pytest.raises(CorpusError, match=message) as caught:
        SOURCES[name].harvest(tmp_path, lang)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / file))


def test_a_file_that_is_not_utf8_is_named(tmp_path):
    write_cec(tmp_path)
    (tmp_path / "cec/CEC/火灾/文0.xml").write_bytes("<Body>火</Body>".encode("gb18030"))
    with pytest.raises(CorpusError, match=r"文0\.xml: not UTF-8 at byte 6"):
        SOURCES["cec"].harvest(tmp_path, "zh")


def test_a_language_that_a_corpus_lacks(raw):
    with pytest.raises(CorpusError, match="the corpus 'cec' has no language 'ja'"):
        SOURCES["cec"].harvest(raw, "ja")


def test_the_revision_is_read_where_it_is_told(raw):
    assert CROSSRE.revision(raw) == "invented, revision 1"
    assert SOURCES["cec"].revision(raw) is None


# ---------------------------------------------------------------- the real ones

REAL = {
    ("crossre", "en"): 5265,
    ("crossre", "ja"): 5265,
    ("crossre", "zh"): 5265,
    ("smp2019-ecdt", "zh"): 2579,
    ("sst-trees", "en"): 12956,
    ("chabsa", "ja"): 6119,
    ("zhijiang-opinion", "zh"): 3229,
    ("cec", "zh"): 2208,
    ("fkc", "ja"): 1282,
    ("asdc", "ja"): 10785,
    ("stockmark-ner", "ja"): 5343,
}


@pytest.mark.corpora
@pytest.mark.parametrize(("which", "read"), REAL.items(), ids=["-".join(key) for key in REAL])
def test_the_real_corpus_is_read_and_every_record_is_accounted_for(raw_corpora, which, read):
    name, lang = which
    found = SOURCES[name].harvest(raw_corpora, lang)
    counts = found.counts
    assert counts["records read"] == read
    dropped = sum(n for rule, n in counts.items() if rule.startswith("records dropped"))
    assert counts["records kept"] == len(found.records) == read - dropped
    mentions = sum(n for rule, n in counts.items() if rule.startswith("mentions dropped"))
    assert counts["mentions read"] - mentions == counts["mentions kept"]
    kept = sum(len(sourced.record.pairs) for sourced in found.records)
    assert kept == counts["mentions kept"]
    assert len({sourced.record.id for sourced in found.records}) == len(found.records)
    assert len(found.records) > (0.25 if name == "asdc" else 0.5) * read  # half an agent's

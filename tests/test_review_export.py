import csv
import io
import json
from dataclasses import replace

import pytest
from reviewed import draft, drafts, fact_record, originals

from pointline.corpus import store
from pointline.corpus.check import check
from pointline.errors import CorpusError, InputError, RecordError
from pointline.format.record import Pair, Prediction, Record
from pointline.review import pairing
from pointline.review.desk import Desk
from pointline.review.export import decisions, export, pack, summary
from pointline.review.files import chosen
from pointline.review.item import Reviewer
from pointline.review.queue import Change, Queue
from pointline.review.queue.finding import Finding

MEI, KEN = Reviewer("Mei", "1"), Reviewer("=Ken", "2")


@pytest.fixture
def desk(tmp_path):
    with Queue(tmp_path / "review.sqlite", clock=lambda: 1_800_000_000.0) as queue:
        yield Desk(queue, tmp_path, share=1.0)


def opened(desk, tmp_path, records, source=None):
    store.write_records(tmp_path / "draft.jsonl", records)
    sides = None
    if source:
        store.write_records(tmp_path / "source.jsonl", source)
        sides = pairing.side(tmp_path / "source.jsonl")
    return desk.open(sides, pairing.side(tmp_path / "draft.jsonl")).review


def decide(desk, review, number, who=MEI, **options):
    item = desk.queue.find.at(review, str(number))
    values = options.pop("values", None)
    return desk.decide(review, item, who, item.version, values, **options)


def values(record, **changes):
    told = store.to_json(replace(record, **changes))
    return {part: told[part] for part in ("text", "label", "pairs", "facts")}


def table(desk, review):
    text = "".join(decisions(desk.queue, review))
    assert text[0] == "\ufeff"
    return list(csv.DictReader(io.StringIO(text[1:])))


def test_accepted_records_come_out_as_a_dataset_that_holds(desk, tmp_path):
    review = opened(desk, tmp_path, drafts(6), originals(6))
    decide(desk, review, 1, verdict="accepted")
    two = drafts(6)[1]
    mended = values(two, label="Society", pairs=two.pairs[:1])
    decide(desk, review, 2, verdict="accepted", values=mended)
    decide(desk, review, 3, verdict="rejected", reason="unnatural")
    decide(desk, review, 4, verdict="skipped")
    told = export(desk.queue, review, tmp_path / "out")
    assert told["share_corrected"] == 0.5
    assert told["corrected_parts"] == {"label": 1, "items": 1}
    assert told["statuses"] == {"accepted": 2, "rejected": 1, "skipped": 1, "open": 2}
    assert json.loads((tmp_path / "out" / "summary.json").read_bytes()) == told
    made = store.read_dataset(tmp_path / "out" / "scnm-en")
    assert [record.id for record in made.train] == ["scnm-00000", "scnm-00001"]
    assert made.train[0].pairs == drafts(6)[0].pairs
    assert made.train[1].label == "Society"
    assert made.train[1].meta["review"] == {"corrected": ["label", "items"]}
    assert made.train[1].meta["draft"]["model"] == "scripted"
    assert check(tmp_path / "out" / "scnm-en").ok
    # again, with more accepted: the dataset takes the place of the old one
    decide(desk, review, 5, verdict="accepted")
    export(desk.queue, review, tmp_path / "out")
    assert len(store.read_dataset(tmp_path / "out" / "scnm-en").train) == 3


def test_several_tasks_and_splits_come_out_apart(desk, tmp_path):
    one = Record(
        "x", "my task/../..", "猫。", "いい", (Pair("動物", "猫", 0, 1),), meta={"lang": "ja"}
    )
    folder = tmp_path / "set"
    folder.mkdir()
    store.write_records(folder / "train.jsonl", [draft(0), one])
    store.write_records(
        folder / "test.jsonl",
        [fact_record(), Prediction("p", "scnm-en", "x", "Nature", scores={"label": 0.2})],
    )
    review = desk.open(None, pairing.side(folder)).review
    for number in (1, 2, 3, 4):
        decide(desk, review, number, verdict="accepted")
    export(desk.queue, review, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "decisions.csv", "my_task-2", "scnm-en", "summary.json", "tcree-zh",
    ]  # fmt: skip
    odd = store.read_dataset(tmp_path / "out" / "my_task-2")
    assert (
        odd.task.lang == "ja" and odd.task.item_labels is None and odd.train[0].pairs == one.pairs
    )
    both = store.read_dataset(tmp_path / "out" / "scnm-en")
    assert [record.id for record in both.test] == ["p"]
    assert type(both.test[0]) is Record


def test_an_export_is_of_one_moment(desk, tmp_path, monkeypatch):
    folder = tmp_path / "set"
    folder.mkdir()
    store.write_records(folder / "train.jsonl", [draft(0)])
    store.write_records(folder / "test.jsonl", [draft(1)])
    review = desk.open(None, pairing.side(folder)).review
    decide(desk, review, 1, verdict="accepted")
    every, who = Finding.every, iter((MEI, KEN))

    def meanwhile(find, of):
        for item in every(find, of):
            decide(desk, review, 2, next(who), verdict="accepted")
            desk.comment(item, MEI, "Meanwhile.")
            yield item

    monkeypatch.setattr(Finding, "every", meanwhile)
    told = export(desk.queue, review, tmp_path / "out")
    monkeypatch.undo()
    made = store.read_dataset(tmp_path / "out" / "scnm-en")
    assert (len(made.train), len(made.test)) == (1, 0)
    with (tmp_path / "out" / "decisions.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [(row["status"], row["comments"]) for row in rows] == [("accepted", ""), ("open", "")]
    assert told["statuses"] == {"accepted": 1, "open": 1}
    assert told["reviewers"] == {"Mei": {"accepted": 1}}
    # the next one has what was done meanwhile
    again = export(desk.queue, review, tmp_path / "out")
    assert again["reviewers"] == {"Mei": {"accepted": 1}, "=Ken": {"accepted": 1}}
    assert len(store.read_dataset(tmp_path / "out" / "scnm-en").test) == 1


def test_a_translation_of_a_single_file_is_reviewed_by_its_folder(desk, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    store.write_records(folder / "drafts.jsonl", [draft(0)])
    store.write_records(folder / "dropped.jsonl", [draft(1)])
    made = pairing.side(folder)
    assert [(split, record.id) for split, record in made.records()] == [("train", "scnm-00000")]
    assert desk.open(None, made).review.draft == "run"


def test_what_a_translation_dropped_is_rescued_into_the_split_of_its_original(desk, tmp_path):
    for name in ("ja", "run"):
        (tmp_path / name).mkdir()
    store.write_records(tmp_path / "ja" / "train.jsonl", originals(4)[:2])
    store.write_records(tmp_path / "ja" / "test.jsonl", originals(4)[2:])
    store.write_records(tmp_path / "run" / "train.jsonl", [draft(0)])
    told = {"draft": {"model": "scripted", "rules": ["entity-missing"]}}
    lost = replace(draft(3, **told), pairs=(Pair("places", "Lake Hakuba"),))
    store.write_records(tmp_path / "run" / "dropped.jsonl", [replace(draft(1), meta=told), lost])
    dropped = pairing.side(chosen(tmp_path, "run/dropped.jsonl"))
    review = desk.open(pairing.side(tmp_path / "ja"), dropped).review
    assert desk.queue.find.rules(review) == {"entity-missing": {"open": 2}}
    decide(desk, review, 1, verdict="accepted")
    with pytest.raises(InputError, match="not in the text"):
        decide(desk, review, 2, verdict="accepted")
    mended = values(lost, pairs=draft(3).pairs)
    decide(desk, review, 2, verdict="accepted", values=mended)
    export(desk.queue, review, tmp_path / "out")
    made = store.read_dataset(tmp_path / "out" / "scnm-en")
    assert [record.id for record in made.train] == ["scnm-00001"]
    assert [record.pairs for record in made.test] == [draft(3).pairs]


def test_an_id_in_two_splits_is_told(desk, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    for split in ("train", "test"):
        store.write_records(folder / f"{split}.jsonl", [draft(0)])
    told = "set: the id 'scnm-00000' is in train and in test"
    with pytest.raises(RecordError, match=told):
        desk.open(None, pairing.side(folder))
    store.write_records(tmp_path / "one.jsonl", [draft(0)])
    with pytest.raises(RecordError, match=told):
        desk.open(pairing.side(folder), pairing.side(tmp_path / "one.jsonl"))
    assert desk.queue.reviews() == []


def test_nothing_accepted_is_no_dataset(desk, tmp_path):
    review = opened(desk, tmp_path, drafts(2))
    told = export(desk.queue, review, tmp_path / "out")
    assert told["share_corrected"] is None
    assert not (tmp_path / "out" / "scnm-en").exists()


def test_what_is_no_dataset_is_not_replaced(desk, tmp_path):
    review = opened(desk, tmp_path, drafts(2))
    decide(desk, review, 1, verdict="accepted")
    (tmp_path / "out" / "scnm-en").mkdir(parents=True)
    (tmp_path / "out" / "scnm-en" / "notes.txt").write_text("mine")
    with pytest.raises(CorpusError, match="no dataset"):
        export(desk.queue, review, tmp_path / "out")
    assert (tmp_path / "out" / "scnm-en" / "notes.txt").read_text() == "mine"


def test_the_decisions_have_a_row_for_every_item(desk, tmp_path):
    review = opened(desk, tmp_path, drafts(3))
    decide(desk, review, 1, verdict="rejected", reason='=HYPERLINK("x"), "quoted"\nand more')
    desk.comment(desk.queue.find.at(review, "2"), MEI, "見た？")
    decide(desk, review, 2, verdict="accepted")
    decide(desk, review, 2, KEN, verdict="rejected", second=True)
    rows = table(desk, review)
    assert [row["status"] for row in rows] == ["rejected", "accepted", "open"]
    assert rows[0]["reason"].startswith("'=HYPERLINK") and rows[0]["reviewer"] == "Mei"
    assert (
        rows[0]["rules"] == "length ratio" and rows[0]["changed_at"] == "2027-01-15T08:00:00+00:00"
    )
    assert rows[1]["comments"] == "Mei: 見た？" and rows[1]["flagged"] == "1"
    assert (rows[1]["second_reviewer"], rows[1]["second_verdict"]) == ("'=Ken", "rejected")
    assert rows[2]["changed_at"] == "" and rows[2]["reviewer"] == ""


def test_the_summary_reports_agreement_by_pair_of_reviewers(desk, tmp_path):
    review = opened(desk, tmp_path, drafts(4))
    for number, mine, theirs in (
        (1, "accepted", "accepted"),
        (2, "rejected", "rejected"),
        (3, "accepted", "rejected"),
        (4, "accepted", "accepted"),
    ):
        decide(desk, review, number, verdict=mine)
        decide(desk, review, number, KEN, verdict=theirs, second=True)
    found = summary(desk.queue, review)["agreement"]
    assert len(found) == 1 and found[0]["reviewers"] == ["=Ken", "Mei"]
    # p_o = 3/4, p_e = (2*3 + 2*1)/16 = 1/2
    assert found[0]["verdict"] == {"items": 4, "alike": 3, "kappa": 0.5, "share": 0.75}
    assert found[0]["label"]["items"] == 2 and found[0]["label"]["kappa"] == 1.0


def test_a_label_that_was_mended_before_the_second_opinion_is_the_first_opinion(desk, tmp_path):
    review = opened(desk, tmp_path, drafts(3))
    for number, label in ((3, "Society"), (1, "Society"), (2, "Literature")):
        decide(desk, review, number, verdict="accepted")
        item = desk.queue.find.at(review, str(number))
        # the third is mended by somebody else: Mei said nothing of it
        who = Reviewer("Ann", "3") if number == 3 else MEI
        desk.fix(review, item, who, item.version, values(item.record, label=label))
    desk.queue.undo(review, MEI)  # the second item's label is Technology again
    for number, label in ((1, "Society"), (2, "Technology"), (3, "Academia")):
        told = values(drafts(3)[number - 1], label=label)
        decide(desk, review, number, KEN, verdict="accepted", values=told, second=True)
    # what is mended after it settles the item, and is no opinion
    item = desk.queue.find.at(review, "1")
    desk.fix(review, item, MEI, item.version, values(item.record, label="Nature"))
    (found,) = summary(desk.queue, review)["agreement"]
    assert found["reviewers"] == ["=Ken", "Mei"]
    assert found["label"] == {"items": 3, "alike": 3, "kappa": 1.0, "share": 1.0}


def test_a_second_opinion_has_a_flag_of_its_own(desk, tmp_path):
    review = opened(desk, tmp_path, drafts(1))
    item = decide(desk, review, 1, verdict="accepted")
    item = desk.flag(item, MEI, item.version)

    def seen(who):
        now = desk.queue.find.item(item.id)
        return now.flagged, desk.view(review, now, who, second=True)["flagged"]

    assert seen(KEN) == (True, False)  # Mei's flag tells what she thought
    for flagged in (True, False):
        item = desk.flag(item, KEN, item.version, second=True)
        assert seen(KEN) == (True, flagged)
    item = desk.flag(item, MEI, item.version)
    assert seen(KEN) == (False, False)
    item = desk.flag(item, KEN, item.version, second=True)
    assert seen(KEN) == (True, True)
    item, _ = desk.queue.undo(review, KEN)
    assert seen(KEN) == (False, False)
    item = desk.flag(item, KEN, item.version, second=True)
    item = desk.flag(item, KEN, item.version, second=True)
    assert seen(KEN) == (False, False)
    desk.flag(desk.flag(item, KEN, item.version), MEI, item.version + 1)  # takes it away for all
    assert seen(KEN) == (False, False)


def test_a_second_opinion_that_differs_raises_a_flag_and_changes_nothing(desk, tmp_path):
    review = opened(desk, tmp_path, drafts(2))
    first = drafts(2)[0]
    decide(desk, review, 1, verdict="accepted", values=values(first, label="Society"))
    now = decide(desk, review, 1, KEN, verdict="accepted", second=True)
    assert now.flagged and now.record.label == "Society" and now.decided_by == "Mei"
    decide(desk, review, 2, verdict="accepted")
    assert not decide(desk, review, 2, KEN, verdict="accepted", second=True).flagged
    assert desk.queue.log.notes(review)[0].action == "second"


def test_a_second_opinion_is_on_what_somebody_else_decided(desk, tmp_path):
    review = opened(desk, tmp_path, drafts(2))
    with pytest.raises(InputError, match="somebody else decided"):
        decide(desk, review, 1, KEN, verdict="accepted", second=True)
    decide(desk, review, 1, verdict="accepted")
    with pytest.raises(InputError, match="somebody else decided"):
        decide(desk, review, 1, verdict="rejected", second=True)
    assert summary(desk.queue, review)["agreement"] == []
    assert decide(desk, review, 1, KEN, verdict="accepted", second=True).version == 2


def test_the_page_shows_a_draft_as_it_came_to_who_gives_a_second_opinion(desk, tmp_path):
    review = opened(desk, tmp_path, drafts(1))
    decide(desk, review, 1, verdict="accepted", values=values(drafts(1)[0], label="Society"))
    item = desk.queue.find.at(review, "1")
    blind = desk.view(review, item, KEN, second=True)
    assert (blind["record"]["label"], blind["status"], blind["events"]) == (
        "Literature",
        "open",
        [],
    )
    assert desk.view(review, item, KEN)["record"]["label"] == "Society"


def test_a_zip_has_what_the_folder_has(desk, tmp_path):
    review = opened(desk, tmp_path, drafts(1))
    decide(desk, review, 1, verdict="accepted")
    export(desk.queue, review, tmp_path / "out")
    out = io.BytesIO()
    pack(tmp_path / "out", out)
    import zipfile

    with zipfile.ZipFile(out) as archive:
        assert (
            archive.read("scnm-en/train.jsonl")
            == (tmp_path / "out/scnm-en/train.jsonl").read_bytes()
        )


def test_sides_are_matched_by_id_and_no_match_is_an_error(tmp_path):
    store.write_records(tmp_path / "a.jsonl", originals(2))
    store.write_records(tmp_path / "b.jsonl", [*drafts(1), replace(draft(5), id="new")])
    store.write_records(tmp_path / "c.jsonl", [replace(draft(5), id="new")])
    a, b, c = (pairing.side(tmp_path / f"{name}.jsonl") for name in "abc")
    found = list(pairing.rows(a, b))
    assert [row.source and row.source.text[:2] for row in found] == ["🎻朝", None]
    with pytest.raises(InputError, match=r"a\.jsonl and c\.jsonl: no record id is in both"):
        list(pairing.rows(a, c))
    with pytest.raises(InputError, match="no such file"):
        pairing.side(tmp_path / "d.jsonl")
    with pytest.raises(InputError, match=r"no train\.jsonl"):
        pairing.side(tmp_path)


@pytest.mark.parametrize(
    ("meta", "rules"),
    [
        ({}, ()),
        ({"draft": {"rules": ["entity missing", "length ratio"]}}, ("entity missing", "length ratio")),
        ({"draft": {"rules": {"copied": 1}}, "doubt": ["low confidence"]}, ("copied", "low confidence")),
        ({"draft": "x", "doubt": 5}, ()),
        ({"doubt": "no answer: timeout"}, ("no answer",)),
    ],
)  # fmt: skip
def test_rules_are_read_from_what_a_draft_tells(meta, rules):
    assert pairing.rules_of(draft(0, **meta)) == rules


def test_links_go_by_order_and_else_by_what_is_written_alike():
    one, two = originals(1)[0], drafts(1)[0]
    assert pairing.links(one, two) == [0, 1, 2, 3]
    fewer = replace(two, pairs=(two.pairs[1], Pair("products", "潮の手帖")))
    assert pairing.links(one, fewer) == [None, 3]
    assert pairing.links(fact_record(), replace(fact_record(), facts=fact_record().facts[1:])) == [
        1
    ]


def test_a_change_that_is_stale_says_by_whom(desk, tmp_path):
    review = opened(desk, tmp_path, drafts(1))
    item = desk.queue.find.at(review, "1")
    desk.queue.change(item.id, KEN, 0, Change("flag", flagged=True))
    with pytest.raises(Exception, match="changed since by =Ken"):
        desk.fix(review, item, MEI, 0, None)

"""Hugging Face datasets: opened by the library itself, and pushed to a hub on loopback."""

import base64
import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import records, tasks

from pointline.corpus import store
from pointline.corpus.exchange import FORMATS, hub
from pointline.corpus.exchange.card import FEATURES
from pointline.corpus.exchange.form import LOST, Losses
from pointline.errors import CorpusError, InputError
from pointline.format.record import Fact, Pair, Prediction, Record
from pointline.format.tasks import task

datasets = pytest.importorskip("datasets")

FORM = FORMATS["datasets"]
SCNM = task("scnm-ja")
PLACED = Record(
    "1", "scnm-ja", "京都の秋😀", "自然", (Pair("地名", "京都", 0, 2, True), Pair("人名", "花子")),
    meta={"deep": [1, {"a": "é"}]},
)  # fmt: skip
BARE = Record("2", "scnm-ja", "猫", "")
ABOUT = {
    "licences": ["CC BY-SA 4.0 | mixed"],
    "sources": [{"corpus": "diary", "revision": "7", "licence": "CC BY-SA 4.0"}],
    "notes": ["written for a test"],
    "labels": {"自然": 1, "": 1},
    "item_labels": {"地名": 1, "人名": 1},
}


def opened(folder, tmp_path, **more):
    return datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"), **more)


def as_json(row):
    return {**row, "meta": json.loads(row["meta"])}


def plain(record):
    pairs = [
        {name: getattr(pair, name) for name in ("label", "entity", "start", "end", "ambiguous")}
        for pair in record.pairs
    ]
    return store.to_json(record) | {"pairs": pairs}


def test_the_library_opens_the_folder_with_its_splits_and_types(tmp_path):
    losses = Losses()
    splits = {"train": [PLACED, BARE], "dev": [replace(BARE, id="3")], "test": []}
    counts = hub.write_folder(tmp_path / "out", splits, SCNM, losses, about=ABOUT)
    assert (counts, losses.counts) == ({"train": 2, "dev": 1}, {})
    found = opened(tmp_path / "out", tmp_path)
    assert {name: len(split) for name, split in found.items()} == {
        "train": 2, "validation": 1,
    }  # fmt: skip
    assert [as_json(row) for row in found["train"]] == [plain(PLACED), plain(BARE)]
    features = found["train"].features
    assert list(features) == list(FEATURES)
    assert features["pairs"].feature["start"].dtype == "int64"
    assert features["facts"].feature["fields"].feature.dtype == "string"


def test_the_bare_parquet_has_the_features_that_the_card_tells(tmp_path):
    hub.write_folder(tmp_path / "out", {"train": [PLACED]}, SCNM, Losses())
    (file,) = hub.splits_of(tmp_path / "out")["train"]
    bare = datasets.load_dataset(
        "parquet", data_files=str(file), cache_dir=str(tmp_path / "c2"), split="train"
    )
    assert bare.features == opened(tmp_path / "out", tmp_path)["train"].features


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(record=tasks.flatmap(records))
def test_every_record_comes_back_whole(tmp_path, record):
    losses = Losses()
    FORM.write(tmp_path / "a.parquet", [record], task(record.task), losses)
    assert list(FORM.read(tmp_path / "a.parquet", SCNM, losses)) == [record]
    assert not losses.counts


def test_a_folder_is_read_split_by_split_and_carries_its_task(tmp_path):
    facts = Record("9", "scnm-ja", "x", "", (), (Fact(("a", "b", "c", "d")),))
    splits = {"train": [PLACED], "test": [facts]}
    hub.write_folder(tmp_path / "out", splits, SCNM, Losses())
    assert list(FORM.read(tmp_path / "out", SCNM, Losses())) == [PLACED, facts]
    assert list(hub.splits_of(tmp_path / "out")) == ["train", "test"]
    FORM.write(tmp_path / "one", iter([BARE]), SCNM, Losses())
    assert list(FORM.read(tmp_path / "one", SCNM, Losses())) == [BARE]
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["task"]["name"] == "scnm-ja"


def test_what_only_predictions_have_is_told(tmp_path):
    guess = Prediction("1", "scnm-ja", "猫", "自然", scores={"label": 0.5}, completion="x")
    losses = Losses()
    FORM.write(tmp_path / "a.parquet", [guess], SCNM, losses)
    assert set(losses.counts) == {LOST["scores"], LOST["prediction"]}
    (found,) = FORM.read(tmp_path / "a.parquet", SCNM, losses)
    assert type(found) is Record


def test_the_card_tells_splits_labels_sources_and_licences(tmp_path):
    hub.write_folder(tmp_path / "out", {"train": [PLACED]}, SCNM, Losses(), about=ABOUT)
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert card.startswith('---\npretty_name: "scnm-ja"\nlanguage:\n- "ja"\nlicense: other\n')
    for told in ("| train | 1 |", "| 自然 | 1 |", "| (none) | 1 |", "| diary | 7 |", "written for"):
        assert told in card
    from huggingface_hub import DatasetCard

    assert DatasetCard.load(tmp_path / "out" / "README.md").data.language == ["ja"]


def test_a_folder_that_is_there_or_is_none_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(CorpusError, match="the folder is there"):
        hub.write_folder(tmp_path / "out", {"train": [PLACED]}, SCNM, Losses())
    with pytest.raises(CorpusError, match="no Parquet file of a split"):
        list(FORM.read(tmp_path / "out", SCNM, Losses()))
    with pytest.raises(CorpusError, match="got 'extra'"):
        hub.write_folder(tmp_path / "new", {"extra": []}, SCNM, Losses())


# ---------------------------------------------------------------- a hub on loopback


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as one commit of small files needs."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.calls.append((self.path, self.headers["Authorization"], body))
        if self.server.refuses:
            self.reply(403, {"error": "you may not"})
        elif self.path == "/api/repos/create":
            self.reply(200, {"url": f"{self.server.address}/datasets/owner/name"})
        elif self.path.endswith("/preupload/main"):
            files = json.loads(body)["files"]
            modes = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files
            ]
            self.reply(200, {"files": modes})
        elif "/commit/" in self.path:
            self.reply(200, {"commitUrl": f"{self.server.address}/c/1", "commitOid": "1"})
        else:
            self.reply(200, {})

    def do_GET(self):
        self.reply(403, {"error": "you may not"})

    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def loopback(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.calls, server.refuses = [], False
    server.address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_folder_is_pushed_in_one_commit_with_the_token_of_the_environment(tmp_path, loopback):
    hub.write_folder(tmp_path / "out", {"train": [PLACED]}, SCNM, Losses())
    address = hub.push_to_hub(tmp_path / "out", "owner/name", private=True)
    assert address == f"{loopback.address}/datasets/owner/name"
    assert {token for _, token, _ in loopback.calls} == {"Bearer hf_secret"}
    path, _, body = loopback.calls[0]
    assert path == "/api/repos/create"
    told = json.loads(body)
    assert (told["organization"], told["name"], told["type"]) == ("owner", "name", "dataset")
    assert told.get("visibility") == "private" or told.get("private") is True
    (commit,) = (body for path, _, body in loopback.calls if "/commit/" in path)
    lines = [json.loads(line) for line in commit.splitlines()]
    sent = {
        line["value"]["path"]: base64.b64decode(line["value"]["content"])
        for line in lines
        if line["key"] == "file"
    }
    written = {
        str(path.relative_to(tmp_path / "out")): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert sent == written
    assert lines[0]["value"]["summary"] == "Dataset written by pointline"


def test_a_hub_that_refuses_is_one_line_without_the_token(tmp_path, loopback):
    loopback.refuses = True
    hub.write_folder(tmp_path / "out", {"train": [PLACED]}, SCNM, Losses())
    with pytest.raises(CorpusError, match=r"owner/name: not pushed to the hub: .*403") as caught:
        hub.push_to_hub(tmp_path / "out", "owner/name")
    assert "\n" not in str(caught.value)
    assert "hf_secret" not in str(caught.value)


def test_a_hub_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CorpusError, match="not pushed to the hub"):
        hub.push_to_hub(tmp_path, "owner/name")


def test_without_a_token_or_a_name_nothing_is_asked(tmp_path, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(InputError, match="set the environment variable HF_TOKEN"):
        hub.push_to_hub(tmp_path, "owner/name")
    with pytest.raises(InputError, match="OWNER/NAME, got 'name'"):
        hub.push_to_hub(tmp_path, "name")


def test_fetch_gives_every_configuration_and_split(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").write_text('{"input": "a", "output": "b"}\n')
    loaded = datasets.load_dataset(
        "json", data_files={"train": str(tmp_path / "a.jsonl")}, cache_dir=str(tmp_path / "c")
    )
    asked = []

    def load_dataset(*args, **more):
        asked.append((args, more))
        return loaded

    monkeypatch.setattr(datasets, "get_dataset_config_names", lambda *_, revision: ["ja", "zh"])
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    tables = hub.fetch("owner/name", revision="abc")
    assert {name: list(rows) for name, rows in tables.items()} == {
        "ja/train": [{"input": "a", "output": "b"}], "zh/train": [{"input": "a", "output": "b"}],
    }  # fmt: skip
    assert asked[0] == (("owner/name", "ja"), {"revision": "abc"})


def test_fetch_of_what_is_not_there_is_told(monkeypatch):
    def missing(name, revision):
        raise ConnectionError(f"Couldn't reach\n{name}")

    monkeypatch.setattr(datasets, "get_dataset_config_names", missing)
    with pytest.raises(CorpusError, match=r"owner/name: no dataset of the hub .*reach owner/name"):
        hub.fetch("owner/name")

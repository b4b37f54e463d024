"""The playground's routes and its files, without a browser."""

import re
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs fastapi")

from playing import Played

from pointline.app.serve.playground import HEADERS, playground
from pointline.format.tasks import TASKS

FOLDER = Path(__file__).parents[1] / "src/pointline/app/serve/playground"
SCRIPTS = {path.name: path.read_text() for path in (FOLDER / "static").glob("*.js")}
PAGE = (FOLDER / "page.html").read_text()
LANGS = ("en", "ja", "zh")


@pytest.fixture(scope="module")
def client():
    from fastapi.testclient import TestClient

    with TestClient(Played().app()) as client:
        yield client


# ---------------------------------------------------------------- routes


def test_everything_bears_the_policy_and_is_asked_for_again_only_when_it_changed(client):
    names = [*SCRIPTS, "elements.js", "house.css", "playground.css", "icon.svg", "samples.json"]
    for path in ("/", *(f"/playground/{name}" for name in names)):
        answer = client.get(path)
        assert answer.status_code == 200
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        again = client.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304 and again.content == b""
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_only_its_own_files_can_be_had(client):
    for name in ("router.py", "..%2Frouter.py", "%2e%2e/router.py", "page.html", "nothing.js"):
        assert client.get(f"/playground/{name}").status_code == 404


def test_the_page_is_not_in_the_interface(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert not [path for path in paths if path == "/" or "playground" in path]


def test_it_needs_fastapi(monkeypatch):
    import sys

    from pointline.errors import MissingExtra

    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(MissingExtra, match="serve"):
        playground()


def test_the_samples_can_be_asked_in_three_languages(client):
    samples = client.get("/playground/samples.json").json()
    for lang in LANGS:
        here = [sample for sample in samples if sample["lang"] == lang]
        assert {tuple(sorted({"task", "entities", "relations"} & s.keys())) for s in here} == {
            ("task",),
            ("entities",),
            ("relations",),
        }
        assert all(TASKS[s["task"]].lang == lang for s in here if "task" in s)
        assert any(ord(char) > 0xFFFF for s in here for char in s["text"])


# ---------------------------------------------------------------- files


def _words(lang):
    # "key": "words", or key: with the words on the next line
    found = re.findall(
        r'^  (?:"([^"]+)"|(\w+)):\s+"((?:[^"\\]|\\.)*)",$', SCRIPTS[f"words_{lang}.js"], re.M
    )
    return {quoted or plain: words for quoted, plain, words in found}


@pytest.mark.parametrize("lang", LANGS)
def test_each_language_says_everything_with_the_same_values(lang):
    english, words = _words("en"), _words(lang)
    lines = re.findall(r"^  [\"\w].*:", SCRIPTS[f"words_{lang}.js"], re.M)
    assert len(words) == len(lines) > 100
    assert list(words) == list(english)
    for key, said in words.items():
        assert set(re.findall(r"\{\w+\}", said)) == set(re.findall(r"\{\w+\}", english[key])), key
        assert said.strip() == said and said


def test_all_words_are_used_and_all_used_are_there():
    english = _words("en")
    told = PAGE + "".join(text for name, text in SCRIPTS.items() if not name.startswith("words_"))
    used = set(re.findall(r'data-t(?:-[a-z-]+)?="([^"]+)"', PAGE))
    used |= set(re.findall(r'\bt\("([^"]+)"', told))
    assert used <= english.keys()
    made = {
        key
        for key in english
        if re.match(r"family|trouble|colours-|lang-|\w+-like|(text|word)-(alone|beside)$", key)
    }
    unsaid = [key for key in english.keys() - used - made if f'"{key}"' not in told]
    assert unsaid == []
    assert {f"family-{task.family}" for task in TASKS.values()} <= english.keys()
    kinds = set(re.findall(r': "(\w+)"', SCRIPTS["asking.js"].split("KINDS = {")[1].split("}")[0]))
    kinds |= set(re.findall(r'Refusal\("(\w+)"', SCRIPTS["asking.js"])) | {"broken"}
    assert {f"trouble-{kind}" for kind in kinds} == {k for k in english if k.startswith("trouble")}


def test_no_string_becomes_markup_and_nothing_comes_from_elsewhere():
    for name, text in SCRIPTS.items():
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|https?://",
            text,
        ), name
    assert not re.search(r"https?://|<style|style=|\bon\w+=|<script>", PAGE)


def test_ids_that_scripts_name_are_in_the_page():
    named = {id for text in SCRIPTS.values() for id in re.findall(r'byId\("([\w-]+)"\)', text)}
    assert named <= set(re.findall(r'\bid="([\w-]+)"', PAGE))

import json
import time

import pytest
from serving import Paced, serving

from pointline.corpus import store
from pointline.format.record import Prediction
from pointline.format.tasks import Task
from pointline.version import __version__

OWN = Task("mine", "mine", "en", "Own", ("a", "b"), None)


@pytest.fixture(scope="module")
def served():
    with serving(Paced(), tasks=[OWN]) as served:
        yield served


def fault(answer):
    error = answer.json()["error"]
    assert set(error) == {"code", "message"} and "\n" not in error["message"]
    return answer.status_code, error["code"], error["message"]


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("Ada ran to Turin.", "scnm-en"),
        ("紫式部が 京都で書いた。", "scnm-ja"),
        ("李白 在西安写诗 🌳。", "scnm-zh"),
        ("Ｊｏｓé́ left.", "scnm-en"),
    ],
)
def test_a_text_is_answered_as_a_prediction(served, text, task):
    answer = served.ask(text, task=task)
    told = answer.json()
    assert (answer.status_code, told["model"]) == (200, "paced")
    (result,) = told["results"]
    found = store.from_json(result)
    assert isinstance(found, Prediction) and found.ok and found.task == task
    assert found.text == text and found.pairs[0].entity == text.split()[0]
    assert text[found.pairs[0].start : found.pairs[0].end] == found.pairs[0].entity
    assert 0 < result["scores"]["label"] <= 1 and len(result["scores"]["items"]) == 1
    assert answer.headers["cache-control"] == "no-store"


def test_texts_are_answered_in_their_order(served):
    texts = ["Ada ran very far.", "Bo ran.", "Cy sat still."]
    results = served.ask(..., texts=texts, scores=False).json()["results"]
    assert [(one["id"], one["text"]) for one in results] == [
        (str(n), text) for n, text in enumerate(texts)
    ]
    assert not any("scores" in one for one in results)


def test_a_stream_has_a_line_for_each_text_as_it_is_finished(served):
    texts = ["Ada ran very far indeed today.", "Bo ran."]
    body = {"task": "scnm-en", "texts": texts, "stream": True}
    with served.client.stream("POST", "/v1/extract", json=body) as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert [line["id"] for line in lines] == ["1", "0"]
    assert {line["text"] for line in lines} == set(texts)


def test_labels_of_ones_own_make_a_task(served):
    told = served.ask("太郎 が得点した。", task=..., labels=["スポーツ", "政治"], entities=["選手"])
    assert told.json()["results"][0]["task"] == "adhoc"
    prompt_word = told.json()["results"][0]["completion"].split("/")[1]
    assert prompt_word == "固有表現抽出"  # the language was guessed
    told = served.ask("太郎 が得点した。", task=..., labels=["a"], lang="en")
    assert told.json()["results"][0]["completion"].split("/")[1] == "NER"
    told = served.ask("Ada ran.", task=..., relations=["wrote to"])
    assert told.json()["results"][0]["completion"].split("/")[1] == "relation extraction"


def test_a_level_and_a_given_level_reach_the_prompt(served):
    seen = served.site.worker.extractor.backend._backend.seen
    assert served.ask("Ada ran.", given={"label": "Nature"}).status_code == 200
    assert seen[-1] == "Nature/NER"  # the given label stands on a line of its own, before the end
    assert served.ask("Ada ran.", given={"items": [["people", "Ada"]]}).status_code == 200
    assert seen[-1] == "/NER"
    assert served.ask("Ada ran.", level="word", max_items=0, align="chars").status_code == 200
    assert served.ask("Ada ran.", level="word", given={"label": "Nature"}).status_code == 200


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"task": "scnm-jp"}, "did you mean scnm-ja"),
        ({"task": ...}, "give a task, or any of labels"),
        ({"labels": ["a"]}, "give a task, or any of labels"),
        ({"texts": ["b"]}, "give text, or texts"),
        ({"text": ...}, "give text, or texts"),
        ({"text": ..., "texts": []}, "give one at least"),
        ({"text": 5}, "text: Input should be a valid string"),
        ({"text": "\ud800"}, "lone surrogate"),
        ({"text": ..., "texts": ["a", None]}, "texts.1: Input should be a valid string"),
        ({"task": ..., "labels": "a"}, "labels: Input should be a valid list"),
        ({"task": ..., "labels": ["a", "a"]}, "more than once"),
        ({"task": ..., "labels": [], "lang": "en"}, "is empty"),
        ({"task": ..., "entities": ["a"], "relations": ["b"]}, "not both"),
        ({"task": ..., "labels": ["x" * 201]}, "labels of 200 characters"),
        ({"task": ..., "labels": [str(n) for n in range(201)]}, "200 labels"),
        ({"task": ..., "labels": [f"{n:0200}" for n in range(26)]}, "5,000 characters in all"),
        (
            {"task": ..., "labels": [f"{n:0130}" for n in range(20)], "entities": ["b" * 125] * 20},
            "5,100, they may have 5,000 characters in all",
        ),
        ({"task": "x" * 201}, "task: a name has at most 200 characters"),
        ({"lang": "en"}, "lang is that of labels of your own"),
        ({"given": {"label": "a" * 201}}, "given: a label has at most 200 characters"),
        ({"given": {"items": [["a", "b"]] * 257}}, "given.items: List should have at most 256"),
        ({"given": {"items": [["a"] * 17]}}, "given.items.0: List should have at most 16"),
        ({"given": {"items": [["a", "b" * 20_000]]}}, "items have at most 20,000 characters"),
        ({"task": ..., "labels": ["a"], "lang": "fr"}, "lang: Input should be 'en', 'ja' or 'zh'"),
        ({"level": "none"}, "level: Input should be"),
        ({"align": 3}, "align: Input should be"),
        ({"max_items": -1}, "max_items: Input should be greater"),
        ({"max_items": 10**9}, "max_items: Input should be less"),
        ({"max_items": True}, "max_items: Input should be a valid integer"),
        ({"scores": "yes"}, "scores: Input should be a valid boolean"),
        ({"stream": 1}, "stream: Input should be a valid boolean"),
        ({"given": {}}, "given: given has a label or items"),
        ({"given": {"label": ""}}, "given.label: String should have at least 1"),
        ({"given": {"label": "a"}, "level": "text"}, "the level is word"),
        ({"given": {"items": [["a"]]}}, "an item is [label, entity]"),
        ({"given": {"items": [["a", ""]]}}, "empty"),
        ({"given": {"label": "a"}, "text": ..., "texts": ["b"]}, "given belongs to one text"),
        ({"unknown": 1}, "unknown: Extra inputs are not permitted"),
    ],
)
def test_values_that_cannot_be_are_refused_in_one_line(served, told, message):
    body = {"task": "scnm-en", "text": "Ada ran."} | told
    content = json.dumps({key: value for key, value in body.items() if value is not ...})
    answer = served.client.post(
        "/v1/extract", content=content, headers={"content-type": "application/json"}
    )
    status, code, reason = fault(answer)
    assert (status, code) == (422, "invalid")
    assert message in reason


@pytest.mark.parametrize(
    "told",
    [
        {"task": "scnm-e" * 100_000},
        {"y" * 1_000_000: 1},
        {"task": ..., "labels": ["z" * 1_000_000]},
        {"given": {"label": "z" * 1_000_000}},
        {"given": {"items": [["a", "b"]] * 100_000}},
    ],
)
def test_what_is_huge_is_refused_at_once_and_does_not_come_back(served, told):
    begun = time.monotonic()
    answer = served.ask(**told)
    assert fault(answer)[:2] == (422, "invalid") and len(answer.content) < 600
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b'{"text": "Ada"', b"[" * 100_000, b"NaN,", b'{"text": "\\u12"}'],
)
def test_a_body_that_is_no_json_is_malformed(served, body):
    answer = served.client.post(
        "/v1/extract", content=body, headers={"content-type": "application/json"}
    )
    assert fault(answer)[:2] == (400, "malformed")


@pytest.mark.parametrize("body", [b"[]", b"3", b'"text"', b"null"])
def test_json_of_another_kind_is_refused(served, body):
    answer = served.client.post(
        "/v1/extract", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422) and fault(answer)[1] in ("invalid", "malformed")


def test_other_kinds_paths_and_methods_are_refused(served):
    client = served.client
    assert fault(client.post("/v1/extract", content=b"{}"))[:2] == (415, "not_json")
    assert fault(client.get("/v1/nothing"))[:2] == (404, "not_found")
    assert fault(client.get("/v1/extract"))[:2] == (405, "method_not_allowed")
    assert client.get("/v1/extract").headers["allow"] == "POST"
    assert fault(client.delete("/health"))[:2] == (405, "method_not_allowed")


def test_the_tasks_are_those_of_the_table_and_the_models_own(served):
    told = served.client.get("/v1/tasks").json()
    rows = {row["name"]: row for row in told["tasks"]}
    assert told["model"] == "paced"
    assert rows["scnm-ja"]["word"] == "固有表現抽出" and not rows["scnm-ja"]["trained"]
    assert rows["mine"] == {
        "name": "mine", "family": "mine", "lang": "en", "word": "Own", "labels": ["a", "b"],
        "item_labels": None, "shape": "pairs", "trained": True,
    }  # fmt: skip
    assert served.ask("Ada ran.", task="mine").json()["results"][0]["task"] == "mine"


def test_health_says_how_it_is(served):
    answer = served.client.get("/health")
    told = answer.json()
    assert answer.status_code == 200
    assert (told["status"], told["version"], told["queue"]) == ("ok", __version__, 0)
    assert told["limits"]["texts"] == 64


def test_the_metrics_are_in_prometheus_form(served):
    from prometheus_client.parser import text_string_to_metric_families

    served.ask("Ada ran very far.")
    served.ask("Ada refused.")
    answer = served.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert found["pointline_requests_total", "/v1/extract", "200"] >= 2
    assert found["pointline_texts_total", "failed"] >= 1
    assert found["pointline_errors_total", "refused"] >= 1
    assert found["pointline_tokens_total",] >= 1
    assert found["pointline_up",] == 1 and found["pointline_queue_texts",] == 0
    assert found["pointline_server", "paced", __version__] == 1
    assert found["pointline_request_seconds_count", "/v1/extract"] >= 2
    assert found["process_resident_memory_bytes",] > 0


def test_the_interface_is_described(served):
    told = served.client.get("/openapi.json").json()
    assert set(told["paths"]) == {"/v1/extract", "/v1/tasks", "/health", "/metrics"}
    asked = told["components"]["schemas"]["Asked"]["properties"]
    assert set(asked) == {
        "text", "texts", "task", "labels", "entities", "relations", "lang", "level", "given",
        "align", "max_items", "scores", "stream",
    }  # fmt: skip
    assert {"400", "401", "413", "422", "429", "503", "504"} <= set(
        told["paths"]["/v1/extract"]["post"]["responses"]
    )


def test_what_is_answered_is_as_described(served):
    from pointline.app.serve.values import Answer, Tasks

    texts = ["Ada ran.", "Ada saw Ada.", "Bo refused."]
    for options in ({}, {"scores": False}, {"level": "word"}, {"level": "text"}):
        answer = served.ask(..., texts=texts, **options)
        read = Answer.model_validate_json(answer.text)
        assert read.model_dump(exclude_unset=True) == answer.json()  # nothing else is in it
    Tasks.model_validate_json(served.client.get("/v1/tasks").text)


def test_the_description_tells_of_scores_that_are_absent_and_of_ambiguous_places(served):
    told = served.client.get("/openapi.json").json()
    found, pair = (told["components"]["schemas"][name] for name in ("Found", "FoundPair"))
    assert "scores" not in found["required"] and "ambiguous" in pair["properties"]
    assert {"403", "421", "500"} <= set(told["paths"]["/v1/extract"]["post"]["responses"])
    assert {"401", "503"} <= set(told["paths"]["/v1/tasks"]["get"]["responses"])
    assert "503" in told["paths"]["/health"]["get"]["responses"]
    lines = told["paths"]["/v1/extract"]["post"]["responses"]["200"]["content"]
    assert lines["application/x-ndjson"]["schema"]["anyOf"] == [
        {"$ref": "#/components/schemas/Found"},
        {"$ref": "#/components/schemas/Unread"},
    ]
    assert "Unread" in served.client.get("/docs").text


def test_the_docs_and_the_playground_load_nothing_from_elsewhere(served):
    for path in ("/", "/docs"):
        answer = served.client.get(path)
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert not [
            w for w in ("src=", "href=") if f'{w}"http' in answer.text or f'{w}"//' in answer.text
        ]
    assert "/v1/extract" in served.client.get("/docs").text

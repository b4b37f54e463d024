"""The card of a built dataset: its README.md, for people and for the hub. It quotes no corpus.

The card is made of the manifest alone, so the same manifest gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pointline.corpus.manifest import SPLITS
from pointline.format.tasks import LANGUAGES

__all__ = ["CITATIONS", "FAMILIES", "card"]

#: What each family asks for.
FAMILIES: Mapping[str, str] = {
    "scnm": "a topic for the text, and the named entities in it",
    "scpos-rw": "a sentiment for the text, and the words in it that bear on the sentiment",
    "scpos-adjn": "a sentiment for the text, and the adjectives and nouns that bear on it",
    "scpos-adj": "a sentiment for the text, and the adjectives that bear on it",
    "scpos-n": "a sentiment for the text, and the nouns that bear on it",
    "open-tcree": "a genre for the text, and the relations or events in it as facts, with the"
    " labels of the corpus",
    "tconer": "a label for the text and labelled entities in it, both from open sets",
}

#: Whom to cite for each corpus.
CITATIONS: Mapping[str, str] = {
    "asdc": "Accommodation Search Dialog Corpus (宿泊施設探索対話コーパス), Megagon Labs.",
    "cec": "CEC, Chinese Emergency Corpus, Semantic Intelligence Laboratory, Shanghai University.",
    "chabsa": "Takahiro Kubo and Hiroki Nakayama: chABSA, Aspect Based Sentiment Analysis dataset"
    " in Japanese, 2018.",
    "chnsenti-htl": "Songbo Tan: ChnSentiCorp, hotel reviews; in the collection ChineseNlpCorpus.",
    "crossre": "Elisa Bassignana and Barbara Plank: CrossRE, A Cross-Domain Dataset for Relation"
    " Extraction, Findings of EMNLP 2022. In Japanese and Chinese: Elisa Bassignana, Filip Ginter,"
    " Sampo Pyysalo, Rob van der Goot and Barbara Plank: Multi-CrossRE, NoDaLiDa 2023.",
    "fkc": "Annotated FKC Corpus, Kurohashi Laboratory, Kyoto University; texts by Insight Tech.",
    "jrte-pn": "Yuta Hayashibe: Japanese Realistic Textual Entailment Corpus, LREC 2020.",
    "smp2019-ecdt": "SMP2019-ECDT, Evaluation of Chinese Human-Computer Dialogue Technology,"
    " task 1, 2019.",
    "sst-trees": "Richard Socher, Alex Perelygin, Jean Wu, Jason Chuang, Christopher D. Manning,"
    " Andrew Ng and Christopher Potts: Recursive Deep Models for Semantic Compositionality Over a"
    " Sentiment Treebank, EMNLP 2013.",
    "stockmark-ner": "Takahiro Omi: a Japanese corpus of named entities made from Wikipedia"
    " (ner-wikipedia-dataset), Stockmark, 2021.",
    "zhijiang-opinion": "Zhejiang Lab Cup 2019, opinion mining of e-commerce reviews.",
}

# The hub's names of licences, by how ours begin; the longer first.
_LICENCES = {
    "CC BY-NC-SA 4.0": "cc-by-nc-sa-4.0",
    "CC BY-SA 3.0": "cc-by-sa-3.0",
    "CC BY-SA 4.0": "cc-by-sa-4.0",
    "CC BY 4.0": "cc-by-4.0",
    "GPL-3.0": "gpl-3.0",
    "MIT": "mit",
    "none stated": "unknown",
}
_HUB_SPLITS = {"train": "train", "dev": "validation", "test": "test"}
_MOST_LABELS = 60


def card(manifest: Mapping[str, Any]) -> str:
    """Return the card of a dataset that `build` made, as Markdown with the hub's front matter."""
    body = "\n\n".join(block for block in _blocks(manifest) if block)
    return f"---\n{_front(manifest)}---\n\n{body}\n"


# ---------------------------------------------------------------- front matter


def _front(manifest: Mapping[str, Any]) -> str:
    task, total = manifest["task"], sum(manifest["counts"].values())
    origins = {source[level] for source in manifest["sources"] for level in ("labels", "items")}
    found = {_hub_licence(licence) for licence in manifest["licences"]}
    lists: dict[str, Sequence[str]] = {
        "language": [task["lang"]],
        "license": sorted(found),
        "annotations_creators": sorted(
            "expert-generated" if origin == "human" else "machine-generated"
            for origin in origins - {"none"}
        ),
        "task_categories": ["text-classification", "token-classification"],
        "size_categories": ["n<1K" if total < 1000 else "1K<n<10K" if total < 10000 else "10K<n"],
        "tags": ["information-extraction", "mutual-reinforcement-effect", task["family"]],
    }
    lines = [f"pretty_name: {json.dumps(task['name'])}"]
    for name, values in lists.items():
        lines += [f"{name}:", *(f"- {value}" for value in dict.fromkeys(values))]
    lines += ["configs:", "- config_name: default", "  data_files:"]
    for split in SPLITS:
        lines += [f"  - split: {_HUB_SPLITS[split]}", f"    path: {split}.jsonl"]
    return "".join(f"{line}\n" for line in lines)


def _hub_licence(licence: str) -> str:
    return next((name for start, name in _LICENCES.items() if licence.startswith(start)), "other")


# ---------------------------------------------------------------- body


def _blocks(manifest: Mapping[str, Any]) -> Iterator[str]:
    task = manifest["task"]
    yield f"# {task['name']}"
    yield _what(task)
    yield "## Where it comes from"
    yield _provenance(manifest)
    yield from _caveats(manifest)
    yield "## Size and labels"
    yield _table(("split", "records"), manifest["counts"].items())
    yield _labels("text label", manifest["labels"])
    yield _labels("item label", manifest["item_labels"])
    yield "## The split"
    yield _split(manifest)
    yield "## What was read, kept and dropped"
    yield from _rules(manifest)
    yield "## How it was built"
    yield _how(manifest)
    yield "## Cite"
    yield "\n".join(f"- {CITATIONS.get(name, name)}" for name in _corpora(manifest))


def _what(task: Mapping[str, Any]) -> str:
    items = (
        "`facts`: each a list of fields, the second of which is the relation or role"
        if task["shape"] == "facts"
        else "`pairs`: each a label and an entity, with its place in code points, half-open"
    )
    family = FAMILIES.get(task["family"], f"a label for the text and {task['shape']} in it")
    return (
        f"{LANGUAGES.get(task['lang'], task['lang'])} texts. The task asks for {family}. The task"
        f" word of its prompts is {task['word']}.\n\nA record is a line of JSON: `id`, `task`,"
        f" `text`, `label` and {items}. `meta` names the corpus and the document."
    )


def _provenance(manifest: Mapping[str, Any]) -> str:
    rows = (
        (
            f"`{source['corpus']}`",
            source["text"],
            source["labels"],
            source["items"] + _chosen(source),
            source["licence"],
            source["revision"] or "not told",
        )
        for source in manifest["sources"]
    )
    return _table(("corpus", "text", "text labels", "items", "licence", "copy"), rows) + (
        "\n\n*human*: written or annotated by people. *derived*: by a rule, from annotation of"
        " another kind or from a dictionary. *machine-translated*: translated, or projected onto a"
        " translation. Read the terms of the corpora before you share the dataset, or a model that"
        " was trained on it."
    )


def _chosen(source: Mapping[str, Any]) -> str:
    """Return by what the items were chosen by their part of speech, if they were."""
    return f", chosen by part of speech ({source['tagger']})" if "tagger" in source else ""


def _caveats(manifest: Mapping[str, Any]) -> Iterator[str]:
    if manifest["notes"]:
        yield "## Before you report a number"
        yield "\n".join(f"- {note}" for note in manifest["notes"])


def _labels(head: str, counts: Mapping[str, int]) -> str:
    most = dict(list(counts.items())[:_MOST_LABELS])
    table = _table((head, "count"), most.items())
    left = len(counts) - len(most)
    return f"{table}\n\n{left} more that are rarer." if left else table


def _split(manifest: Mapping[str, Any]) -> str:
    shares = _table(
        ("corpus", "training side", "development side"),
        ((f"`{s['corpus']}`", s["sides"]["train"], s["sides"]["dev"]) for s in manifest["sources"]),
    )
    near = manifest["near_duplicates"]
    return (
        f"By document and seed ({manifest['seed']}): a document lies on one side in all languages"
        f" and in all datasets made of its corpus.\n\n{shares}\n\nThe training and the development"
        " split are cut to size; what is left over of their sides is in no split. A text of the"
        " training side that is nearly the same as one of the test or the development side is"
        " dropped, with its translations, and so is one of the development side that is nearly the"
        f" same as one of the test side: {near['threshold']} or more of all runs of"
        f" {near['gram']} characters of the two are shared (Jaccard). The texts were compared with"
        f" those of {_listed(manifest['screened_against'])}."
    )


def _rules(manifest: Mapping[str, Any]) -> Iterator[str]:
    for source in manifest["sources"]:
        yield _table((f"reading `{source['corpus']}`", "count"), source["rules"].items())
    yield _table(("converting and splitting", "count"), manifest["rules"].items())


def _how(manifest: Mapping[str, Any]) -> str:
    options = "" if manifest["seed"] == 0 else f" --seed {manifest['seed']}"
    if manifest["train_size_asked"] is not None:
        options += f" --train {manifest['train_size_asked']}"
    return (
        f"```\npointline data build {manifest['task']['name']} --raw CORPORA --out DATA{options}\n"
        f"```\n\nwith pointline {manifest['pointline']}. The same raw files give the same bytes;"
        " `manifest.json` has their digests, and the SHA-256 of every file here."
    )


def _corpora(manifest: Mapping[str, Any]) -> list[str]:
    return [source["corpus"] for source in manifest["sources"]]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    told = f"{value:,}" if isinstance(value, int) else str(value)
    return told.replace("|", "\\|").replace("\n", " ")

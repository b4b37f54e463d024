"""One text at a time on a processor: ours beside llama.cpp, the same model, prompts and grammars.

    python -m pip install --no-deps xllamacpp      # into an environment of its own
    python benchmarks/llamacpp_peer.py [--records 4] [--data /data/scnm-en ...]

Both in one process, in turns on every text, one thread each, greedy: llama.cpp's server core gets
the token ids of the prompt and the text's grammar as GBNF, ours the same ids and the Lark text it
was made of. Two models: the shipped GGUF behind one solved example, and the shipped adapter,
merged into a GGUF whose types are those of the shipped one but for Q4_K and Q6_K, which gguf
cannot write: Q5_0 and Q8_0 stand for them. Ours computes with the same weights spread out, in
float32 and in float16. Times are processor time, with encoding and the building of the grammar;
both keep what prompts have in common (the solved example). Writes results/llamacpp_peer.json after
every language, where a model that is not asked for keeps its rows.

Needs the embedded model and xllamacpp; takes 10 minutes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from statistics import mean, median
from time import process_time
from typing import Any

import decode_speed
import machine
import numpy as np
import torch
import xllamacpp

from pointline.corpus.store import iter_records
from pointline.format.record import Pair, Record
from pointline.format.tasks import Task, task
from pointline.model import backbone, embedded, gbnf, grammar, prompt
from pointline.model import extract as extractor
from pointline.model.decode import Decoder

LIMIT = 64  # new tokens: the bare model goes on and on
OURS = ("float32", "float16")
RESULT = Path(__file__).parent / "results" / "llamacpp_peer.json"
STANDS_FOR = {"Q4_K": "Q5_0", "Q6_K": "Q8_0"}
PARTS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}

Ask = Callable[[str, Task], tuple[str, int]]


# ---------------------------------------------------------------- the model as GGUF


def shipped(folder: Path) -> Path:
    """The GGUF of the embedded model, put together from its packages."""
    entry = embedded.PACKAGED[backbone.DEFAULT]
    parts = [embedded._installed(entry, module, name) for module, name in entry.parts]
    return embedded._assemble(parts, entry, folder, lambda *_: None)


def merged(gguf_file: Path, model: torch.nn.Module, out: Path) -> Path:
    """That GGUF with the linear layers of a model that has an adapter merged in."""
    import gguf

    reader = gguf.GGUFReader(gguf_file)
    writer = gguf.GGUFWriter(out, reader.fields["general.architecture"].contents())
    for name, told in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        inner = told.types[-1] if told.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, told.contents(), told.types[0], sub_type=inner)
    weights = model.state_dict()
    for tensor in reader.tensors:
        layer = linear(tensor.name)
        kind, data = tensor.tensor_type, tensor.data
        if layer:
            kind = gguf.GGMLQuantizationType[STANDS_FOR.get(kind.name, kind.name)]
            data = gguf.quants.quantize(weights[layer].float().numpy(), kind)
        writer.add_tensor(tensor.name, np.ascontiguousarray(data), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


def linear(name: str) -> str:
    """The parameter of a GGUF tensor that an adapter may change, "" for any other."""
    block, _, rest = name.removeprefix("blk.").partition(".")
    part = PARTS.get(rest.removesuffix(".weight"))
    return f"model.layers.{block}.{part}.weight" if part else ""


# ---------------------------------------------------------------- both


def theirs(gguf_file: Path, base: backbone.Backbone, asking: Callable) -> Ask:
    params = xllamacpp.CommonParams()
    params.model.path = str(gguf_file)
    params.n_ctx, params.n_parallel, params.n_gpu_layers = 2048, 1, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.cache_ram_mib = 0
    server = xllamacpp.Server(params)

    def ask(text: str, of: Task) -> tuple[str, int]:
        told = server.handle_completions(
            {
                "prompt": base.encode(asking(text, of)),
                "grammar": gbnf.from_lark(grammar.build(of, text, align="words")),
                "n_predict": LIMIT,
                "temperature": 0,
                "top_k": 1,
            }
        )
        if "error" in told or "code" in told:
            raise SystemExit(f"llama.cpp: {told}")
        found = told.get("choices", [{}])[0].get("text", told.get("content"))
        return found, told["usage"]["completion_tokens"]

    return ask


def ours(base: backbone.Backbone, weights: str, asking: Callable) -> Ask:
    decoder = Decoder(base.model, base.tokenizer, eos=base.eos, weights=weights)

    def ask(text: str, of: Task) -> tuple[str, int]:
        ids = base.encode(asking(text, of))
        rules = grammar.build(of, text, align="words")
        (made,) = decoder.generate([ids], [rules], max_new_tokens=LIMIT)
        return made.text, len(made.ids)

    return ask


def behind_example(text: str, of: Task) -> str:
    solved, label, person, city = decode_speed.EXAMPLES[of.lang]
    pairs = (Pair(of.item_labels[0], person), Pair(of.item_labels[4], city))
    return prompt.one_shot(Record("example", of.name, solved, label, pairs), text, of)


def texts_of(lang: str, own: int, data: list[Path], count: int) -> list[tuple[str, Task]]:
    of = task(f"scnm-{lang}")
    texts = decode_speed.TEXTS[lang][:own]
    for path in data:
        if path.name == of.name:
            texts += [one.text for one in islice(iter_records(path / "test.jsonl"), count)]
    return [(text, of) for text in texts]


def in_turns(ways: dict[str, Ask], texts: list[tuple[str, Task]]) -> dict[str, list[tuple]]:
    """Every way on every text: seconds, completion, tokens; who begins changes."""
    found: dict[str, list[tuple]] = {name: [] for name in ways}
    names = list(ways)
    for number, (text, of) in enumerate(texts):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            begun = process_time()
            said, tokens = ways[name](text, of)
            found[name].append((process_time() - begun, said, tokens))
    return found


def rows(model: str, lang: str, found: dict[str, list[tuple]]) -> Iterator[dict[str, Any]]:
    peer = found["llama.cpp"]
    for name in OURS:
        own = found[name]
        ratios = [b[0] / a[0] for a, b in zip(own, peer, strict=True)]
        yield {
            "model": model,
            "lang": lang,
            "texts": len(own),
            "weights": name,
            "ours_s": round(median(one[0] for one in own), 3),
            "theirs_s": round(median(one[0] for one in peer), 3),
            "times": round(median(ratios), 2),
            "tokens": round(mean(one[2] for one in own), 1),
            "their_tokens": round(mean(one[2] for one in peer), 1),
            "same": sum(a[1] == b[1] for a, b in zip(own, peer, strict=True)),
            "each": [[round(a[0], 3), round(b[0], 3)] for a, b in zip(own, peer, strict=True)],
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    parser.add_argument("--records", type=int, default=4, help="of each test set")
    parser.add_argument("--own", type=int, default=6, help="of our own sentences, in each language")
    parser.add_argument("--models", nargs="+", default=["adapter", "base"])
    parser.add_argument("--langs", nargs="+", default=["en", "ja", "zh"])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    report: dict[str, Any] = {"machine": machine.describe(), "threads": 1}
    before = json.loads(RESULT.read_text(encoding="utf-8"))["rows"] if RESULT.is_file() else []
    kept = [row for row in before if row["model"] not in chosen.models]
    report |= {"xllamacpp": version("xllamacpp"), "rows": kept}
    with tempfile.TemporaryDirectory() as folder:
        file = shipped(Path(folder))
        for model in chosen.models:
            adapter = extractor._ADAPTER if model == "adapter" else None
            base = backbone.load(device="cpu", adapter=adapter, merge=adapter is not None)
            asking = prompt.input_text if adapter else behind_example
            gguf_file = merged(file, base.model, Path(folder, "merged.gguf")) if adapter else file
            ways = {name: ours(base, name, asking) for name in OURS}
            ways["llama.cpp"] = theirs(gguf_file, base, asking)
            in_turns(ways, [("Ada left.", task("scnm-en"))])  # what is done once is not measured
            for lang in chosen.langs:
                found = in_turns(ways, texts_of(lang, chosen.own, chosen.data, chosen.records))
                report["rows"] += rows(model, lang, found)
                for row in report["rows"][-len(OURS) :]:
                    print(json.dumps({k: v for k, v in row.items() if k != "each"}), flush=True)
                for mine, their in zip(found["float32"], found["llama.cpp"], strict=True):
                    if mine[1] != their[1]:
                        print("  ", mine[1], "|", their[1])
                RESULT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

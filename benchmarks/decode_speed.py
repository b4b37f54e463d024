"""How fast constrained generation is on the embedded model, beside transformers' generate().

    python benchmarks/decode_speed.py [--batch 8] [--threads 2] [--model gemma3-270m]

The same 18 sentences (ours, three languages), each behind one solved example, under the same
grammars, greedily. Prints a table and writes results/decode_speed.json.

Needs the embedded model; takes about 15 minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import machine
import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import reference

from pointline.format.record import Pair, Record
from pointline.format.tasks import task
from pointline.model import backbone, grammar, prompt
from pointline.model.decode import Decoder, guide

EXAMPLES = {
    "en": ("Rosa Lind opened a small museum in Oslo.", "Society", "Rosa Lind", "Oslo"),
    "ja": ("田中花子は神戸で小さな美術館を開いた。", "社会", "田中花子", "神戸"),
    "zh": ("林小红在广州开了一家小博物馆。", "社会", "林小红", "广州"),
}
TEXTS = {
    "en": [
        "Ada moved from London to Turin in the spring of 1840.",
        "The ferry from Bergen was late, so Jonas Vik walked along the harbour until 10:30.",
        "Northwind Robotics showed a machine that folds paper at the Lyon fair.",
        "Heavy rain closed the bridge at Porto, and Inês Prado wrote a poem about it.",
        "The Greenfield Council asked Dr. Amara Obi to count the swifts above the station.",
        "Nobody at the Harbour Theatre knew who had painted the old stage door.",
    ],
    "ja": [
        "佐藤健一は春に函館から松山へ引っ越した。",
        "青空電機は名古屋の展示会で紙を折る機械を披露した。",
        "大雨で渡月橋が閉まり、森あやはそのことを詩に書いた。",
        "北川町議会は駅の上を飛ぶ燕を数えるよう、中村博士に頼んだ。",
        "港の劇場では、古い扉を誰が描いたのか誰も知らなかった。",
        "金沢の書店「雨音堂」は10:30に開く。",
    ],
    "zh": [
        "王小明去年春天从成都搬到了厦门。",
        "蓝天电器在苏州的展览会上展示了一台会折纸的机器。",
        "大雨封了断桥，李月为此写了一首诗。",
        "南山区政府请陈博士数一数车站上空的燕子。",
        "海港剧院里没有人知道那扇旧门是谁画的。",
        "书店“听雨轩”在杭州，上午10:30开门。",
    ],
}


LIMIT = 48


def asked(base: backbone.Backbone) -> list[tuple[list[int], str]]:
    """Prompts and grammars of every text, sorted by length."""
    rows = []
    for lang, texts in TEXTS.items():
        of = task(f"scnm-{lang}")
        text, label, person, city = EXAMPLES[lang]
        pairs = (Pair(of.item_labels[0], person), Pair(of.item_labels[4], city))
        example = Record("example", of.name, text, label, pairs)
        for text in texts:
            prompt_ids = base.encode(prompt.one_shot(example, text, of))
            rows.append((prompt_ids, grammar.build(of, text)))
    return sorted(rows, key=lambda row: len(row[0]))


def plain(base: backbone.Backbone, _: Decoder, rows: list) -> list[list[int]]:
    """generate() with the grammar as a logits processor."""
    prompts, grammars = zip(*rows, strict=True)
    return reference.generate(
        base, prompts, guide(base.tokenizer), list(grammars), max_new_tokens=LIMIT
    )


def own(base: backbone.Backbone, decoder: Decoder, rows: list) -> list[list[int]]:
    """Our loop."""
    out = decoder.generate([p for p, _ in rows], [g for _, g in rows], max_new_tokens=LIMIT)
    return [[token for token in completion.ids if token not in base.eos] for completion in out]


def measure(base: backbone.Backbone, decoder: Decoder, way, batch: int) -> dict:
    rows = asked(base)
    passes: list[int] = []
    hook = base.model.get_decoder().register_forward_hook(lambda *_: passes.append(1))
    cpu, wall = time.process_time(), time.perf_counter()
    ids = [
        row
        for at in range(0, len(rows), batch)
        for row in way(base, decoder, rows[at : at + batch])
    ]
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    hook.remove()
    # our loop lets a cut end where the grammar may, a token or two behind the limit
    texts = [base.decode(row[:LIMIT]) for row in ids]
    return {
        "way": way.__name__,
        "batch": batch,
        "texts": len(rows),
        "tokens": sum(map(len, ids)),
        "passes": len(passes),
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "out": texts,
    }


def grammar_cost(decoder: Decoder) -> list[dict]:
    """Milliseconds to compile a grammar and for a mask, on texts of three lengths."""
    rows = []
    for lang, texts in TEXTS.items():
        of = task(f"scnm-{lang}")
        for length in (60, 600, 2000):
            joint = (" " if lang == "en" else "").join(texts)
            text = (joint * (1 + length // len(joint)))[:length]
            entities = [text[at : at + 9].strip() for at in range(0, length - 9, length // 6)]
            pairs = tuple(Pair(of.item_labels[0], entity) for entity in entities)
            gold = prompt.target(Record("", of.name, text, of.labels[0], pairs), of)
            begin = time.perf_counter()
            rules = grammar.build(of, text)
            built = time.perf_counter()
            matcher = decoder._matcher(rules)
            compiled = time.perf_counter()
            steps = []
            for token in decoder._guide.tokenize_str(gold):
                before = time.perf_counter()
                matcher.compute_bitmask()
                assert matcher.consume_token(token), gold
                steps.append(time.perf_counter() - before)
            row = {"lang": lang, "characters": length, "build_ms": built - begin}
            row |= {"compile_ms": compiled - built, "steps": len(steps)}
            row |= {"mask_ms_mean": sum(steps) / len(steps), "mask_ms_max": max(steps)}
            rows.append({k: round(1e3 * v, 2) if k.count("_ms") else v for k, v in row.items()})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=backbone.DEFAULT)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 16])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    base = backbone.load(chosen.model, device="cpu")
    begin = time.perf_counter()
    decoder = Decoder(base.model, base.tokenizer, eos=base.eos)
    setup = time.perf_counter() - begin
    costs = grammar_cost(decoder)
    for row in costs:
        print(row)
    results = []
    for batch in chosen.batch:
        rows = [
            min((measure(base, decoder, way, batch) for _ in range(chosen.repeat)), key=_cpu)
            for way in (plain, own)
        ]
        outputs = [row.pop("out") for row in rows]
        same = sum(a == b for a, b in zip(*outputs, strict=True))
        for row in rows:
            row["same_text_as_plain"] = same
            print(row, flush=True)
        results += rows
    report = {"model": chosen.model, "threads": chosen.threads, "dtype": "float32"}
    report |= {"decoder_setup_s": round(setup, 2), "machine": machine.describe(), "rows": results}
    report["grammar"] = costs
    path = Path(__file__).parent / "results" / "decode_speed.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _cpu(row: dict) -> float:
    return row["cpu_s"]


if __name__ == "__main__":
    main()

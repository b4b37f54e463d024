"""How long until the first answer: loading the embedded model in a fresh process, part by part.

    python benchmarks/cold_start.py [--times 5]

Processor seconds in processes of their own, in turns, medians: importing torch (no change of ours
makes that faster), parsing the vocabulary, all of `Extractor.load()` with the shipped adapter, the
same through transformers (`backbone.load` and a backend), and the first answer. One thread.
Writes results/cold_start.json.

Needs the embedded model; takes about two minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import machine

TEXTS = {
    "en": ("Ada moved from London to Turin in 1840.", "scnm-en"),
    "ja": ("太郎が決勝点を挙げた。", "scnm-ja"),
    "zh": ("他在北京进了一球。", "scnm-zh"),
}
_CLOCK = """
import sys, time
begun = time.process_time()
def lap():
    global begun
    now = time.process_time()
    print(now - begun, flush=True)
    begun = time.process_time()
"""
_IMPORT = "import torch; lap()"
_VOCABULARY = """
from tokenizers import Tokenizer
from pointline.model.embedded import fetch
from pathlib import Path
begun = time.process_time()
Tokenizer.from_file(str(fetch("gemma3-270m") / "tokenizer.json")); lap()
"""
_OURS = "import pointline as pl; ex = pl.Extractor.load(device='cpu'); lap()"
_WHOLE = """
from pointline.model import backbone, extract
from pointline.model.hf import HFBackend
whole = backbone.load(device="cpu", adapter=extract._ADAPTER, merge=True)
ex = extract.Extractor(HFBackend(whole)); lap()
"""
_ASK = "ex(sys.argv[1], task=sys.argv[2]); lap()"


def run(script: str, *arguments: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", _CLOCK + script, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return [float(line) for line in done.stdout.split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    chosen = parser.parse_args()
    found: dict[str, list[float]] = {}
    for at in range(chosen.times):
        lang = list(TEXTS)[at % len(TEXTS)]
        found.setdefault("importing torch", []).extend(run(_IMPORT))
        found.setdefault("parsing the vocabulary", []).extend(run(_VOCABULARY))
        loaded, answered = run(_OURS + "\n" + _ASK, *TEXTS[lang])
        found.setdefault("Extractor.load()", []).append(loaded)
        found.setdefault("the first answer", []).append(answered)
        found.setdefault("the same by transformers", []).append(run(_WHOLE)[0])
        print({what: round(seconds[-1], 2) for what, seconds in found.items()}, flush=True)
    rows = [
        {
            "what": what,
            "cpu_s": round(median(seconds), 2),
            "least_s": round(min(seconds), 2),
            "most_s": round(max(seconds), 2),
        }
        for what, seconds in found.items()
    ]
    report = {"machine": machine.describe(), "times": chosen.times, "rows": rows}
    path = Path(__file__).parent / "results" / "cold_start.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

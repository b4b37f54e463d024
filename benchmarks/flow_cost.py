"""What measuring flow costs: time over a forward pass, memory beside keeping every attention map.

    python benchmarks/flow_cost.py [--lengths 128 512 1024] [--repeats 3] [--base gemma3-270m]

One prompt of T random tokens, one thread, float32. Each case runs in a process of its own:

- forward: no gradient, transformers' own SDPA attention, the last token's logits;
- backward: the same with a gradient as far as the embeddings (weights frozen): the floor, about 2;
- flow: tables, 50 random sets, the knockout estimate (study.flow), with SDPA forward;
- flow, checkpointed: the same, layers computed again in the backward pass;
- kept: eager attention, all maps of all layers kept with their gradients, all logits: the way of
  the published analysis code.

CPU seconds, because other processes may share the machine; each case takes turns with a forward
pass in its own process, and the best of each is compared. Memory is the peak of the process over
what the loaded model takes. Writes results/flow_cost.json, where lengths that are not asked for
keep their rows.

Needs the embedded model and 6 GB of memory; takes about 15 minutes.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import machine

CASES = ("forward", "backward", "flow", "flow, checkpointed", "kept")
RESULT = Path(__file__).parent / "results" / "flow_cost.json"
DRAWS = 50


def prompt(length: int, size: int) -> Any:
    import random

    from pointline.study.flow.prompt import Role
    from pointline.study.flow.roles import Tokens

    rng = random.Random(length)
    info, frame = length // 5, 12
    text = length - info - frame - 2
    roles = [Role.SPECIAL, *[Role.TEXT] * text, *[Role.FRAME] * frame, *[Role.INFO] * info]
    ids = tuple(rng.randrange(300, size) for _ in range(length))
    return Tokens(ids, (*roles, Role.TARGET), ((0, 0),) * length, "", target=500)


def work(case: str, base: str, length: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """A forward pass, and the case."""
    import torch

    from pointline.model.backbone import load
    from pointline.study.flow.measure import Goal, How, logits_of, measure
    from pointline.study.flow.recorder import draw_positions, layout

    torch.set_num_threads(1)
    backbone = load(base)
    model = backbone.model
    tokens = prompt(length, model.config.vocab_size)
    drawn = draw_positions(tokens, DRAWS, 0)
    made = layout([tokens], [drawn], pad=backbone.pad, dtype=torch.float32)
    goal = Goal(torch.tensor([tokens.target]), torch.tensor([[-1]]), torch.tensor([0]))
    model.requires_grad_(False)

    def forward() -> object:
        with torch.no_grad():
            return logits_of(model, made)

    def backward() -> None:
        with begun(model):
            goal.losses(logits_of(model, made), "vocabulary").sum().backward()

    def flow() -> object:
        return measure(model, made, goal, How(checkpointing=case.endswith("checkpointed")))

    def kept() -> None:
        model.set_attn_implementation("eager")
        with begun(model):
            out = model(input_ids=made.ids, use_cache=False, output_attentions=True)
            for one in out.attentions:
                one.retain_grad()
            goal.losses(out.logits[:, -1], "vocabulary").sum().backward()
            [(one * one.grad).sum(1).abs() for one in out.attentions]
        model.set_attn_implementation("sdpa")

    known = {"forward": forward, "backward": backward, "kept": kept}
    return forward, known.get(case, flow)


@contextmanager
def begun(model: Any) -> Iterator[None]:
    """Let the graph begin at the embeddings: every weight is frozen."""

    def begin(_: object, __: object, out: Any) -> Any:
        return out.requires_grad_(True)

    hook = model.get_input_embeddings().register_forward_hook(begin)
    try:
        yield
    finally:
        hook.remove()


def resident(name: str) -> int:
    """What /proc says of this process, in bytes: VmRSS now, VmHWM the highest since a reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


def measured(case: str, base: str, length: int, repeats: int) -> dict[str, object]:
    forward, run = work(case, base, length)
    forward()  # the weights are read from the disk when they are first used
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what loading left behind is no room for the case
    Path("/proc/self/clear_refs").write_text("5")  # the highest mark begins again from here
    before = resident("VmRSS")
    run()
    extra = resident("VmHWM") - before
    times: dict[str, list[float]] = {"forward": [], "case": []}
    for _ in range(repeats):
        for name, made in (("forward", forward), ("case", run)):
            cpu = time.process_time()
            made()
            times[name].append(time.process_time() - cpu)
    return {
        "length": length,
        "case": case,
        "CPU seconds": round(min(times["case"]), 3),
        "forward beside it": round(min(times["forward"]), 3),
        "over forward": round(min(times["case"]) / min(times["forward"]), 2),
        "extra MB": round(extra / 1e6),
    }


def child(case: str, base: str, length: int, repeats: int) -> dict[str, Any]:
    told = [sys.executable, __file__, "--child", case, "--base", base, "--lengths", str(length)]
    done = subprocess.run(
        [*told, "--repeats", str(repeats)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def with_ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        beside = {one["case"]: one for one in rows if one["length"] == row["length"]}
        if "kept" in beside:
            row["memory of kept"] = round(row["extra MB"] / beside["kept"]["extra MB"], 3)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="gemma3-270m")
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 512, 1024])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", choices=CASES)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measured(asked.child, asked.base, asked.lengths[0], asked.repeats)))
        return
    before = json.loads(RESULT.read_text()) if RESULT.is_file() else {"rows": []}
    rows = [row for row in before["rows"] if row["length"] not in asked.lengths]
    for length in asked.lengths:
        for case in CASES:
            rows.append(child(case, asked.base, length, asked.repeats))
            print(json.dumps(rows[-1]), flush=True)
    rows = with_ratios(sorted(rows, key=lambda row: (row["length"], CASES.index(row["case"]))))
    told = {"machine": machine.describe(), "base": asked.base, "threads": 1, "draws": DRAWS}
    RESULT.write_text(json.dumps({**told, "rows": rows}, indent=2) + "\n", encoding="utf-8")
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()

"""Wider and deeper models: what share of the machine's peak the native engine reaches.

    python bench/wide.py [--rounds 5] [--dtypes float32] [--level avx2]

n_embd 64 and 128, n_layer 2 and 4, block_size 64, on windows of 64 positions of the names, one
core. The bar: at least 35 % of NumPy's float32 product of two 512 x 512 matrices. Results go to
bench/results/wide.json and wide.md.
"""

from __future__ import annotations

import argparse
import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from common import load, save

from microgpt.benchmark import Benchmark, Plan
from microgpt.config import make_config
from microgpt.data import load_data

BAR = 0.35
SHAPES = [(n_embd, n_layer) for n_embd in (64, 128) for n_layer in (2, 4)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtypes", nargs="+", default=["float32"])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--level", help="of the processor: avx2, avx512, ... [the fastest]")
    arguments = parser.parse_args()
    if arguments.level:
        os.environ["MICROGPT_LEVEL"] = arguments.level
    data = load_data("names")
    rows, loads = [], [load()]
    for n_embd, n_layer in SHAPES:
        config = make_config("final", n_embd=n_embd, n_layer=n_layer, block_size=64, long="window")
        plan = Plan(
            config, data, ["native"], arguments.dtypes, arguments.batch, arguments.rounds,
            sampling=False,
        )  # fmt: skip
        bench = Benchmark(plan)
        for _ in bench.rounds():
            pass
        found = bench.result()
        for row in found["training"]:
            rows.append({**found["model"], **row, "peak_gflops": found["peak"]["gflops"]})
        loads.append(load())
    lines = [
        "Share of the float32 peak (NumPy, 512 x 512) on one core, windows of 64 positions; the "
        f"bar is {BAR:.0%}. Load of the machine meanwhile: {min(loads)} to {max(loads)}.",
        "",
        "| n_embd | n_layer | parameters | numbers | batch | GFLOP/s | share of peak | |",
        "|--:|--:|--:|---|--:|--:|--:|---|",
    ]
    for row in rows:
        held = "held" if row["share_of_peak"] >= BAR else "missed"
        lines.append(
            f"| {row['n_embd']} | {row['n_layer']} | {row['parameters']:,} | {row['dtype']} "
            f"| {row['batch_size']} | {row['gflops']:.1f} | {row['share_of_peak']:.1%} | {held} |"
        )
    found = {"level": arguments.level, "bar": BAR, "load": loads, "rows": rows}
    save("wide" if not arguments.level else f"wide-{arguments.level}", found, lines)


if __name__ == "__main__":
    main()

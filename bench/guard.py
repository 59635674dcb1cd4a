"""What the guard costs, and how long leaks take to measure.

    python bench/guard.py [--rounds 5] [--count 100000]

Sampling names with the shipped model at temperature 0.7, free and guarded against the fruits,
alternating, on one core; the bar: guarded at least half as fast. All times are processor seconds of
this one thread: on a busy machine they say more than wall-clock time. Then leak probabilities of
prefixes of one to six letters, drawn as often as names begin with them: certain bounds from 10,000
nodes, and estimates from 100,000 samples. Results go to bench/results/guard.json and guard.md.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from common import load, save, spread

from microgpt.data import load_data
from microgpt.engines import ENGINES, engine_class
from microgpt.engines.base import Engine
from microgpt.engines.drawing import Guard, Sampler
from microgpt.guard.automaton import Automaton
from microgpt.guard.leak import ALLOW, REFUSE, LeakMeter
from microgpt.guard.policy import Policy
from microgpt.opening import engine_for, open_model
from microgpt.stream import uniforms

BAR = 0.5
NODES, SAMPLES = 10_000, 100_000


def sampling(engine: Engine, guard: Guard, count: int, rounds: int) -> dict[str, Any]:
    """Names per second, free and guarded alternating, and their ratio in each round."""
    draws = uniforms(random.Random(1), count * 16).reshape(count, 16)
    speeds: dict[bool, list[float]] = {False: [], True: []}
    for i in range(2 * rounds):
        guarded = (i + i // 2) % 2 == 1  # free, guarded, guarded, free, …
        begun = time.process_time()
        how = Sampler(0.7, order="rows", guard=guard if guarded else None)
        engine.sample([[]] * count, how, draws)
        speeds[guarded].append(count / (time.process_time() - begun))
    ratios = [g / f for f, g in zip(speeds[False], speeds[True], strict=True)]
    return {
        "engine": engine.name,
        "dtype": engine.dtype,
        "free_per_second": spread(speeds[False]),
        "guarded_per_second": spread(speeds[True]),
        "ratio": spread(ratios),
    }


def leaks(meter: LeakMeter, prefixes: list[str], **effort: Any) -> dict[str, Any]:
    """Seconds for each prefix, and how wide its interval is."""
    seconds, found = [], []
    for prefix in prefixes:
        begun = time.process_time()
        found.append(meter.of(prefix, **effort))
        seconds.append(time.process_time() - begun)
    return {
        "prefixes": len(prefixes),
        "seconds": spread(seconds),
        "nodes": statistics.median(leak.nodes for leak in found),
        "width": spread([leak.high - leak.low for leak in found]),
        "exact": sum(leak.how == "exact" for leak in found) / len(found),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=100_000)
    arguments = parser.parse_args()
    opened, _ = open_model(None)
    automaton = Automaton.of(Policy.shipped().words, opened.tokenizer)
    guard = automaton.guard(opened.config.block_size)
    loads = [load()]
    sampled = []
    for name in ("native", "numpy"):
        for dtype in ("float64", "float32"):
            if name in ENGINES and engine_class(name).supports(opened.config, dtype) is None:
                opened.dtype = dtype
                engine = engine_for(opened, name)
                count = arguments.count if name == "native" else arguments.count // 20
                sampled.append(sampling(engine, guard, count, arguments.rounds))
    opened.dtype = "float64"
    loads.append(load())
    meter = LeakMeter(engine_for(opened), opened.tokenizer, automaton)
    meter.of("ma", nodes=10, samples=100)  # loads its float32 engine
    names = load_data("names").docs
    drawn = random.Random(1)
    measured = []
    for letters in range(1, 7):
        heads = dict.fromkeys(
            name[:letters] for name in drawn.choices(names, k=24) if len(name) >= letters
        )
        chosen = list(heads)
        bars = (ALLOW, REFUSE)
        measured.append({
            "letters": letters,
            "bounds": leaks(meter, chosen, nodes=NODES, samples=0),
            "estimate": leaks(meter, chosen[:6], nodes=32, samples=SAMPLES, width=0.0),
            "both": leaks(meter, chosen[:6], nodes=NODES, samples=SAMPLES),
            "rule": leaks(meter, chosen, nodes=NODES, samples=SAMPLES, bars=bars),
        })  # fmt: skip
    loads.append(load())

    lines = [
        "The guard: names a processor second with the shipped model at temperature 0.7, "
        f"{len(guard.next)} states, one core; free and guarded alternating, medians of "
        f"{arguments.rounds} rounds; the bar is {BAR:.0%}. Load of the machine meanwhile: "
        f"{min(loads)} to {max(loads)}.",
        "",
        "| engine | numbers | free | guarded | guarded / free | least | |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    for row in sampled:
        ratio = row["ratio"]
        lines.append(
            f"| {row['engine']} | {row['dtype']} | {row['free_per_second']['median']:,.0f} "
            f"| {row['guarded_per_second']['median']:,.0f} | {ratio['median']:.1%} "
            f"| {ratio['least']:.1%} | {'held' if ratio['median'] >= BAR else 'missed'} |"
        )
    lines += [
        "",
        f"Leaks: processor seconds for a prefix (median, most). Bounds: {NODES:,} nodes, float64; "
        f"exact: the share at most 0.001 wide. Estimate: {SAMPLES:,} samples from the prefix on "
        "(32 nodes). Both: the samples begin where the bounds are still open. Rule: both, until "
        f"the verdict at {ALLOW} and {REFUSE} is clear. Widths are medians.",
        "",
        "| letters | bounds | width | exact | estimate | width | both | width | rule |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]

    def told(part: dict[str, Any]) -> str:
        return f"{part['seconds']['median']:.3f}, {part['seconds']['most']:.3f}"

    for row in measured:
        bounds, estimate, both, by_rule = (row[k] for k in ("bounds", "estimate", "both", "rule"))
        lines.append(
            f"| {row['letters']} | {told(bounds)} | {bounds['width']['median']:.2g} "
            f"| {bounds['exact']:.0%} | {told(estimate)} | {estimate['width']['median']:.2g} "
            f"| {told(both)} | {both['width']['median']:.2g} | {told(by_rule)} |"
        )
    save("guard", {"bar": BAR, "load": loads, "sampling": sampled, "leaks": measured}, lines)


if __name__ == "__main__":
    main()

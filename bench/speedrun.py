"""The speedrun's unit of cost: how steady it is beside other work, and between instructions.

    python bench/speedrun.py unit [--rounds 15] [--threads 1] [--busy 0]
    python bench/speedrun.py levels [--seeds 5]

`unit` trains a recipe for the names again and again, between readings of NumPy's product of two
512 × 512 matrices, and divides the one time by the other in eight ways: by the clock and by the
processor's time, float32 and float64, median, mean and least. `--busy N` keeps N processes busy
meanwhile. Nothing is saved: it depends on what else the machine does, which has to be written next
to it (notes/speedrun.md).

`levels` runs our entry for the names with other instructions of the same processor, by
`microgpt speedrun names --validation`, and writes bench/results/speedrun-levels.json and .md, from
which the guide has its table. On x86-64 with NumPy's own OpenBLAS.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from common import load, microgpt, save, whole_process

from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.training import Trainer

RECIPE: dict[str, Any] = {"batch_size": 128, "steps": 2000, "lr": 0.025, "eps": 1e-3, "warmup": 50}
PRODUCTS = 30
LEVELS = (  # what the kernel and NumPy's products are told to use
    ("AVX-512", "avx512", None),
    ("AVX2", "avx2", "Haswell"),
    ("SSE2, and SSE4.2 in the products", "sse2", "Nehalem"),
)


def products(kind: str, threads: int) -> dict[str, float]:
    """Seconds of one product by the clock (of so many threads together) and of the processor."""
    each: list[tuple[float, float]] = []
    ready = threading.Barrier(threads + 1)

    def work() -> None:
        a = np.random.default_rng(0).standard_normal((512, 512)).astype(kind)
        out = np.empty_like(a)
        np.matmul(a, a, out=out)
        ready.wait()
        for _ in range(PRODUCTS):
            busy, begun = time.thread_time(), time.perf_counter()
            np.matmul(a, a, out=out)
            each.append((time.perf_counter() - begun, time.thread_time() - busy))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    ready.wait()
    begun = time.perf_counter()
    for worker in workers:
        worker.join()
    whole = time.perf_counter() - begun
    clock, busy = [[one[i] for one in each] for i in (0, 1)]
    return {
        f"clock, {kind}, median": statistics.median(clock) / threads,
        f"clock, {kind}, mean": whole / len(each),
        f"clock, {kind}, least": min(clock) / threads,
        f"processor, {kind}, median": statistics.median(busy),
        f"processor, {kind}, mean": statistics.fmean(busy),
        f"processor, {kind}, least": min(busy),
    }


def trained(seed: int, threads: int) -> dict[str, float]:
    """Seconds of a run's steps, by the clock and of the processor."""
    config = make_config("final", holdout=0.1, seed=seed, **RECIPE)
    trainer = Trainer(
        config, load_data("names"), engine="native", dtype="float32", threads=threads, eval_every=0
    )
    begun, busy = time.perf_counter(), time.process_time()
    for event in trainer.events():
        if "run" in event:
            begun, busy = time.perf_counter(), time.process_time()
        if event.get("step") == config.steps:
            break
    found = {"clock": time.perf_counter() - begun, "processor": time.process_time() - busy}
    trainer.engine.close()
    return found


def _spin() -> None:
    while True:
        pass


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Inside, so many processes keep the machine busy."""
    spinning = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(count)]
    for process in spinning:
        process.start()
    try:
        yield
    finally:
        for process in spinning:
            process.kill()


def unit(arguments: argparse.Namespace) -> None:
    def readings() -> dict[str, float]:
        return products("float32", arguments.threads) | products("float64", arguments.threads)

    costs: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {"clock": [], "processor": []}
    with busy(arguments.busy):
        before = readings()
        for seed in range(1, arguments.rounds + 1):
            taken = trained(seed, arguments.threads)
            after = readings()
            for name, reading in before.items():
                time_of = name.partition(",")[0]
                costs.setdefault(name, []).append(2 * taken[time_of] / (reading + after[name]))
            for name in seconds:
                seconds[name].append(taken[name])
            before = after
    print(f"{arguments.rounds} runs, {arguments.threads} threads, load {load()} at the end")
    for name, numbers in {**seconds, **costs}.items():
        varies = statistics.stdev(numbers) / statistics.fmean(numbers)
        print(f"{name:<28} median {statistics.median(numbers):9.4g}  varies by {varies:6.1%}")


def levels(arguments: argparse.Namespace) -> None:
    loads, rows = [load()], []
    command = [*microgpt(), "speedrun", "names", "--validation", "--json"]
    command += ["--seeds", str(arguments.seeds)]
    for name, kernel, core in LEVELS:
        variables = {"MICROGPT_LEVEL": kernel, **({"OPENBLAS_CORETYPE": core} if core else {})}
        output = whole_process(command, **variables)[2]
        record = json.loads(output)["speedrun"]
        assert record["level"] == kernel
        rows.append(
            {
                "instructions": name,
                "entry": record["entry"],
                "seconds": record["processor_seconds"],
                "unit_ms": record["unit"]["ms"],
                "cost": record["cost"],
                "cost_error": record["cost_error"],
                "mean": record["mean"],
            }
        )
        loads.append(load())
    lines = [
        f"`microgpt speedrun names --validation --seeds {arguments.seeds}` with other instructions "
        f"of the same processor (MICROGPT_LEVEL, OPENBLAS_CORETYPE), medians of {arguments.seeds} "
        f"seeds, processor time. Load of the machine meanwhile: {min(loads)} to {max(loads)}.",
        "",
        "| instructions | a run | unit | cost in units |",
        "|---|--:|--:|--:|",
    ]
    for row in rows:
        lines.append(
            f"| {row['instructions']} | {row['seconds']:.2f} s | {row['unit_ms']:.2f} ms "
            f"| {row['cost']:.0f} ± {2 * row['cost_error']:.0f} |"
        )
    save("speedrun-levels", {"load": loads, "rows": rows}, lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("unit")
    command.add_argument("--rounds", type=int, default=15)
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--busy", type=int, default=0)
    command.set_defaults(run=unit)
    command = commands.add_parser("levels")
    command.add_argument("--seeds", type=int, default=5)
    command.set_defaults(run=levels)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()

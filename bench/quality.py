"""Held-out loss: how fast a recipe reaches it, and how far recipes get at 4,192 parameters.

    python bench/quality.py curve [--rounds 5]
    python bench/quality.py search [--count 60] [--seed 1] [--documents 1280000]
    python bench/quality.py grid [--beta2 0.99]
    python bench/quality.py compare [--seeds 12]

`curve` runs `microgpt train` as a whole process on all cores, several recipes in turn, one seed per
round. Bars: 2.22 within 0.4 seconds, 2.11 within 1 second.

`search` draws recipes at random (batch size, learning rate, schedule, warm-up, Adam's betas and
eps; the shape stays that of preset `final`, the number of documents is fixed), trains each on the
texts that are neither held out nor for validation, and ranks them by the validation loss; the best
eight are ranked again by their mean over three further seeds. The held-out texts are never looked
at.

`grid` is the search's continuation: learning rate against Adam's eps, by validation loss again.

`compare` trains the recipes below again, with the benchmark's split (`--holdout 0.1`), and gives
held-out losses with two standard errors: over seeds, and over documents for the difference.

Results go to bench/results/quality-*.json and .md. Float32, native engine.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from common import held_out, load, microgpt, save, spread, whole_process

from microgpt.batches import TokenTable, pieces
from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.evaluation import mean_loss
from microgpt.training import Trainer

Recipe = dict[str, Any]

CURVE: list[Recipe] = [
    {"steps": 1000},
    {"batch_size": 16, "steps": 1000},
    {"batch_size": 16, "steps": 1000, "lr": 0.02},
    {"batch_size": 64, "steps": 1000, "lr": 0.02},
    {"batch_size": 128, "steps": 1500, "lr": 0.025, "eps": 1e-3, "warmup": 50},
    {"batch_size": 128, "steps": 2000, "lr": 0.025, "eps": 1e-3, "warmup": 50},
    {"batch_size": 64, "steps": 5000},
    {"batch_size": 64, "steps": 20000},
]
BARS = ((2.22, 0.4), (2.11, 1.0))

BASELINE: Recipe = {"batch_size": 64, "steps": 20000, "lr": 0.01}
COMPARED: dict[str, Recipe] = {
    "baseline": BASELINE,
    "larger eps": {"batch_size": 64, "steps": 20000, "lr": 0.03, "eps": 0.01},
    "larger eps, 4 times the documents": {
        "batch_size": 256, "steps": 20000, "lr": 0.04, "eps": 0.01,
    },
}  # fmt: skip
FIRST_SEED = 101  # none that the choice was made with

HOLDOUT = 0.1


def trained(recipe: Recipe, seed: int, validation: bool = False, threads: int = 1) -> Trainer:
    """A run of the recipe to its end, in memory; its losses are not yet measured."""
    config = make_config("final", holdout=HOLDOUT, validation=validation, seed=seed, **recipe)
    trainer = Trainer(config, DATA, engine="native", dtype="float32", threads=threads)
    for event in trainer.events():
        if event.get("step") == config.steps:
            break
    return trainer


def document_losses(trainer: Trainer, docs: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Sum of -log p of each document [n], and its positions [n]."""
    table = TokenTable(docs, trainer.tokenizer)
    starts, lengths = pieces(table, trainer.config)
    flat, offsets = table.slices(starts, lengths)
    lists = [flat[a:b].tolist() for a, b in pairwise(offsets.tolist())]
    sums = []
    for first in range(0, len(lists), 512):
        here = lists[first : first + 512]
        for tokens, logits in zip(here, trainer.engine.logits([t[:-1] for t in here]), strict=True):
            z = logits.astype(np.float64)
            top = z.max(axis=1)
            log_total = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
            sums.append(float((log_total - z[np.arange(len(z)), tokens[1:]]).sum()))
    return np.array(sums), lengths - 1


def flags(recipe: Recipe) -> list[str]:
    return [word for k, v in recipe.items() for word in (f"--{k.replace('_', '-')}", str(v))]


def words(recipe: Recipe) -> str:
    """A recipe as a reader wants it: documents × steps first."""
    full = {**{k: getattr(make_config("final"), k) for k in ("batch_size", "steps")}, **recipe}
    rest = {k: v for k, v in full.items() if k not in ("batch_size", "steps")}
    tail = "".join(f", {k} {v}" for k, v in rest.items())
    return f"{full['batch_size']} × {full['steps']:,}{tail}"


def curve(arguments: argparse.Namespace) -> None:
    found = [{"recipe": recipe, "seconds": [], "busy": [], "losses": []} for recipe in CURVE]
    common = ["--engine", "native", "--dtype", "float32", "--holdout", str(HOLDOUT), "--json"]
    loads = [load()]
    whole_process([*microgpt(), "train", *common, "--steps", "10"])  # brings files into memory
    for seed in range(1, arguments.rounds + 1):
        for row in found:
            command = [*microgpt(), "train", *common, *flags(row["recipe"]), "--seed", str(seed)]
            wall, busy, output = whole_process(command)
            row["seconds"].append(wall)
            row["busy"].append(busy)
            row["losses"].append(held_out(output))
        loads.append(load())
    lines = [
        f"`microgpt train --engine native --dtype float32 --holdout 0.1`, whole process on "
        f"{os.cpu_count()} cores, {arguments.rounds} rounds in turn, one seed each. Load of the "
        f"machine meanwhile: {min(loads)} to {max(loads)}.",
        "",
        "| documents × steps | held-out loss, mean | worst seed | seconds, median | least "
        "| processor seconds |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for row in found:
        lines.append(
            f"| {words(row['recipe'])} | {statistics.mean(row['losses']):.4f} "
            f"| {max(row['losses']):.4f} | {statistics.median(row['seconds']):.3f} "
            f"| {min(row['seconds']):.3f} | {statistics.median(row['busy']):.2f} |"
        )
    lines.append("")
    for loss, seconds in BARS:
        good = [
            row
            for row in found
            if statistics.mean(row["losses"]) <= loss
            and statistics.median(row["seconds"]) <= seconds
        ]
        best = f"held: {words(good[0]['recipe'])}" if good else "missed"
        lines.append(f"{loss} within {seconds:g} s: {best}.")
    for row in found:
        row["seconds_spread"] = spread(row["seconds"])
    save("quality-curve", {"load": loads, "rows": found}, lines)


def draw(rng: random.Random, documents: int) -> Recipe:
    """Large batches take higher learning rates."""
    batch = rng.choice([64, 128, 256, 512])
    steps = documents // batch
    return {
        "batch_size": batch,
        "steps": steps,
        "lr": float(f"{0.01 * (batch / 64) ** 0.5 * 10 ** rng.uniform(-0.3, 0.4):.2g}"),
        "schedule": rng.choice(["linear", "cosine"]),
        "warmup": int(steps * rng.choice([0, 0.01, 0.05])),
        "beta1": rng.choice([0.8, 0.85, 0.9, 0.95]),
        "beta2": rng.choice([0.98, 0.99, 0.995, 0.999]),
        "eps": rng.choice([1e-8, 1e-4, 1e-3, 1e-2]),
    }


def validation_loss(recipe: Recipe, seed: int) -> float:
    trainer = trained(recipe, seed, validation=True)
    loss, _ = mean_loss(trainer.engine, trainer.kept_out.validation, trainer.tokenizer)
    trainer.engine.close()
    return loss


def search(arguments: argparse.Namespace) -> None:
    rng = random.Random(arguments.seed)
    recipes = [{**BASELINE, "steps": arguments.documents // 64}]
    recipes += [draw(rng, arguments.documents) for _ in range(arguments.count)]
    rows = []
    for i, recipe in enumerate(recipes):
        rows.append({"recipe": recipe, "losses": [validation_loss(recipe, 1)]})
        print(f"{i:3d} {rows[-1]['losses'][0]:.4f}  {words(recipe)}", flush=True)
    ranked = sorted(rows[1:], key=lambda row: row["losses"][0])[:8]
    for row in (rows[0], *ranked):  # further seeds, without the one that chose them
        row["further"] = [validation_loss(row["recipe"], seed) for seed in (2, 3, 4)]
        print(f"{statistics.mean(row['further']):.4f}  {words(row['recipe'])}", flush=True)
    ranked.sort(key=lambda row: statistics.mean(row["further"]))
    lines = [
        f"{arguments.count} recipes drawn at random, {arguments.documents:,} documents each, by "
        "validation loss; the best eight and the baseline again with three further seeds.",
        "",
        "| documents × steps | seed 1 | mean of seeds 2-4 |",
        "|---|--:|--:|",
    ]
    for row in (rows[0], *ranked):
        lines.append(
            f"| {words(row['recipe'])} | {row['losses'][0]:.4f} "
            f"| {statistics.mean(row['further']):.4f} |"
        )
    name = f"quality-search-{arguments.documents // 1000}k"
    save(name, {"seed": arguments.seed, "rows": rows}, lines)


def grid(arguments: argparse.Namespace) -> None:
    """Learning rate against eps, the baseline's batch and steps."""
    rows = []
    for eps in (0.003, 0.01, 0.03, 0.1):
        for lr in (0.015, 0.02, 0.03, 0.05):
            recipe = {**BASELINE, "lr": lr, "eps": eps, "beta2": arguments.beta2}
            losses = [validation_loss(recipe, seed) for seed in (2, 3, 4)]
            rows.append({"recipe": recipe, "losses": losses})
            print(f"{statistics.mean(losses):.4f}  {words(recipe)}", flush=True)
    lines = [
        "Validation loss, mean of seeds 2-4.",
        "",
        "| documents × steps | mean | least | most |",
        "|---|--:|--:|--:|",
    ]
    for row in sorted(rows, key=lambda row: statistics.mean(row["losses"])):
        lines.append(
            f"| {words(row['recipe'])} | {statistics.mean(row['losses']):.4f} "
            f"| {min(row['losses']):.4f} | {max(row['losses']):.4f} |"
        )
    save("quality-grid", {"rows": rows}, lines)


def compare(arguments: argparse.Namespace) -> None:
    """Held-out losses of all recipes in COMPARED, the same seeds for each."""
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    rows: dict[str, dict[str, Any]] = {}
    sums: dict[str, np.ndarray] = {}
    for name, recipe in COMPARED.items():
        losses, per_document, seconds = [], [], []
        for seed in seeds:
            begun = time.perf_counter()
            trainer = trained(recipe, seed)
            seconds.append(time.perf_counter() - begun)
            nats, positions = document_losses(trainer, trainer.kept_out.holdout)
            trainer.engine.close()
            losses.append(float(nats.sum() / positions.sum()))
            per_document.append(nats)
        sums[name] = np.mean(per_document, axis=0)
        rows[name] = {"recipe": recipe, "losses": losses, "seconds": spread(seconds)}
        print(f"{statistics.mean(losses):.4f}  {name}: {words(recipe)}", flush=True)
    base = rows["baseline"]["losses"]
    lines = [
        f"Held-out loss (`--holdout 0.1`, distinct; {len(positions):,} documents, "
        f"{int(positions.sum()):,} tokens), 4,192 parameters, float32, seeds {seeds[0]} to "
        f"{seeds[-1]}. ± is two standard errors: over the seeds, each pair of runs with the "
        "same seed; in the last column over the held-out documents, after averaging their losses "
        "over the seeds.",
        "",
        "| recipe | documents × steps | loss, mean | ± over seeds | against the baseline, by seeds "
        "| by documents |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for name, row in rows.items():
        mean, error = with_error(row["losses"])
        row |= {"mean": mean, "two_standard_errors": error}
        cells = ["-", "-"]
        if name != "baseline":
            gap, gap_error = with_error([a - b for a, b in zip(row["losses"], base, strict=True)])
            # of the ratio sum of differences / positions
            rest = sums[name] - sums["baseline"] - gap * positions
            by_docs = 2 * float(np.sqrt((rest**2).sum()) / positions.sum())
            row |= {"gap": gap, "gap_by_seeds": gap_error, "gap_by_documents": by_docs}
            cells = [f"{gap:+.4f} ± {gap_error:.4f}", f"± {by_docs:.4f}"]
        lines.append(
            f"| {name} | {words(row['recipe'])} | {mean:.4f} | ± {error:.4f} "
            f"| {cells[0]} | {cells[1]} |"
        )
    save("quality-compare", {"seeds": arguments.seeds, "rows": rows}, lines)


def with_error(numbers: Sequence[float]) -> tuple[float, float]:
    """Mean and two standard errors of it."""
    error = 2 * statistics.stdev(numbers) / math.sqrt(len(numbers)) if len(numbers) > 1 else 0.0
    return statistics.mean(numbers), error


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("curve")
    command.add_argument("--rounds", type=int, default=5)
    command.set_defaults(run=curve)
    command = commands.add_parser("search")
    command.add_argument("--count", type=int, default=60)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--documents", type=int, default=1_280_000)
    command.set_defaults(run=search)
    command = commands.add_parser("grid")
    command.add_argument("--beta2", type=float, default=0.99)
    command.set_defaults(run=grid)
    command = commands.add_parser("compare")
    command.add_argument("--seeds", type=int, default=12)
    command.set_defaults(run=compare)
    arguments = parser.parse_args()
    arguments.run(arguments)


DATA = load_data("names")

if __name__ == "__main__":
    main()

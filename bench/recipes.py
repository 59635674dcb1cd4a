"""The recipes for Shakespeare, each trained to its end: what loss they reach on the held-out tenth.

    python bench/recipes.py [--runs FOLDER] [NAME ...]

Trains each recipe into FOLDER/NAME [runs/recipes] by the command that a user types, and goes on
where a run was interrupted; one that is finished isn't trained again. Seconds are those of the
steps alone, on whatever else the machine does meanwhile. Results go to bench/results/recipes.json
and .md. `make prove` does the same and fails where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from common import ROOT, load, microgpt, save

from microgpt.config import Config

BARS = {"shakespeare-classic": 1.75, "shakespeare-modern": 1.64, "shakespeare-muon": 1.60}


def finished(name: str, run: Path) -> dict[str, Any]:
    """Train a recipe, or what is left of it, and return what its run says of itself."""
    what = ["--resume", str(run)]
    if not (run / "run.json").exists():
        what = ["--config", str(ROOT / "recipes" / f"{name}.toml"), "--out", str(run)]
    command = [*microgpt(), "train", *what]
    if _last_eval(run) is None:
        subprocess.run([*command, "--log-every", "100"], check=True)
    return measured(name, run)


def measured(name: str, run: Path) -> dict[str, Any]:
    made = json.loads((run / "run.json").read_text(encoding="utf-8"))
    judged = _last_eval(run)
    assert judged is not None
    return {
        "recipe": name,
        "engine": made["engine"],
        "dtype": made["dtype"],
        "threads": made["threads"],
        "parameters": Config(**made["config"]).parameters(),
        "steps": judged["step"],
        "loss": judged["loss"],
        "bits_per_byte": judged["bits_per_byte"],
        "tokens": judged["tokens"],
        "bar": BARS[name],
        "seconds": _seconds(run),
    }


def _log(run: Path) -> list[dict[str, Any]]:
    path = run / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def _last_eval(run: Path) -> dict[str, Any] | None:
    """What was measured after the last planned step, if that has been reached."""
    found = [line["eval"] for line in _log(run) if "eval" in line]
    made = run / "run.json"
    if found and found[-1]["step"] == json.loads(made.read_text("utf-8"))["config"]["steps"]:
        return found[-1]
    return None


def _seconds(run: Path) -> float:
    """All legs of a run together: each counts its seconds from 0."""
    seconds = [line["seconds"] for line in _log(run) if "seconds" in line]
    return sum(a for a, b in pairwise([*seconds, 0.0]) if b < a)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(BARS))
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "recipes")
    asked = parser.parse_args()
    unknown = sorted(set(asked.names) - set(BARS))
    if unknown:
        sys.exit(f"there is no bar for {unknown[0]}, only for {', '.join(BARS)}")
    loads = [load()]
    rows = []
    for name in asked.names:
        asked.runs.mkdir(parents=True, exist_ok=True)
        rows.append(finished(name, asked.runs / name))
        loads.append(load())
    lines = [
        "Shakespeare by characters, 4 layers, 4 heads, n_embd 128, block_size 64, batches of 12, "
        f"2,000 steps, seed 42: loss on the text's last tenth, all of it ({rows[0]['tokens']:,} "
        "predicted tokens, in blocks that don't overlap), in nats per token. Seconds are those of "
        "the steps, beside other work on the machine.",
        "",
        "| recipe | engine | numbers | threads | parameters | held-out loss | bits per byte "
        "| bar | | seconds |",
        "|---|---|---|--:|--:|--:|--:|--:|---|--:|",
    ]
    for row in rows:
        held = "held" if row["loss"] <= row["bar"] else "missed"
        lines.append(
            f"| {row['recipe']} | {row['engine']} | {row['dtype']} | {row['threads']} "
            f"| {row['parameters']:,} | {row['loss']:.4f} | {row['bits_per_byte']:.4f} "
            f"| {row['bar']:.2f} | {held} | {row['seconds']:,.0f} |"
        )
    save("recipes", {"load": loads, "rows": rows}, lines)
    if any(row["loss"] > row["bar"] for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()

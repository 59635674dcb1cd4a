"""How long runs stay the same: kernel levels, compilers, NumPy, WebAssembly, the scalar engine.

    python bench/levels.py [--only "the default run" ...] [--dtypes float64]

Every run is trained by every maker there is on this machine, in a process of its own: the native
engine at each level that the processor has, as installed and as zig compiles it (the PyPI package
ziglang), NumPy with the processor's instructions and with the oldest, the kernel as WebAssembly in
Node; for the two presets' runs, the scalar engine's losses are in conformance/vectors. What it
finds are the first steps at which not all of them agree:

* printed: the losses, written with 4 decimals, aren't all the same text. That may be an accident
  of rounding (2.34565 is the edge between two texts), or the beginning of another run.
* within: the largest and the smallest loss of the step are further apart than 1e-9 in float64,
  1e-5 in float32.
* bits: the losses aren't the same numbers to the last bit.

What is missing on this machine is left out, and that is said. Results go to
bench/results/levels.json and levels.md. It takes some 4 minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import ROOT, load, save

SEEDS = 20
RUNS: dict[str, dict[str, Any]] = {
    "the default run": {},
    f"the same from the {SEEDS} seeds 1 to {SEEDS}": {},
    "`--preset early`": {"preset": "early"},
    "`--batch-size 64 --steps 5000 --holdout 0.1`": {
        "batch_size": 64, "steps": 5000, "holdout": 0.1,
    },
    "`--steps 20000`": {"steps": 20000},
    "`--lr 0.03`": {"lr": 0.03},
    "`--lr 0.03 --steps 20000`": {"lr": 0.03, "steps": 20000},
    "`--n-layer 2 --n-embd 64`": {"n_layer": 2, "n_embd": 64},
}  # fmt: skip
WITHIN = {"float64": 1e-9, "float32": 1e-5}
OLDEST = ("NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE")  # of scripts/portable.py

IN_NODE = """
import { readFile } from "node:fs/promises";
import { loadKernel } from "./guide/js/kernel.js";
import { TrainingRun } from "./guide/js/training-run.js";
const { docs, runs } = JSON.parse(await readFile(process.argv[1]));
const kernel = await loadKernel(await readFile("guide/js/kernel.wasm"));
const found = runs.map(({ which, ...options }) => {
  const run = new TrainingRun({ ...options, docs: docs[which] }, kernel);
  const events = [];
  while (!run.done) events.push(...run.advance(1000));
  const written = events.find(({ type }) => type === "samples").samples.map(({ text }) => text);
  run.close();
  return { losses: run.losses, samples: written, held_out: null };
});
console.log(JSON.stringify(found));
"""


def seeds(name: str) -> list[int]:
    return list(range(1, SEEDS + 1)) if "seeds" in name else [42]


def config_of(name: str, seed: int) -> Any:
    from microgpt.config import make_config

    changes = {"preset": "final", **RUNS[name]}
    return make_config(changes.pop("preset"), seed=seed, **changes)


def train(engine: str, dtype: str, names: list[str]) -> list[dict[str, Any]]:
    """In the child: all runs by one engine, as the environment says."""
    from microgpt.data import load_data
    from microgpt.training import Trainer

    data = load_data("names")
    found = []
    for name in names:
        for seed in seeds(name):
            # One thread: results don't depend on it, and the machine may have other work.
            trainer = Trainer(config_of(name, seed), data, engine=engine, dtype=dtype, threads=1)
            events = list(trainer.events())
            evals = [e["eval"]["loss"] for e in events if "eval" in e]
            found.append(
                {
                    "losses": [e["loss"] for e in events if "loss" in e],
                    "samples": [s["text"] for s in events[-1]["samples"]],
                    "held_out": evals[0] if evals else None,
                }
            )
            trainer.engine.close()
    return found


def child(told: dict[str, Any]) -> None:
    """What a process of ``makers`` does: train, and print what came out."""
    if told["library"]:
        from microgpt.engines.native import build

        build.library_path = lambda *_: Path(told["library"])
    print(json.dumps(train(told["engine"], told["dtype"], told["names"])))


def python_maker(
    engine: str, dtype: str, names: list[str], library: Path | None = None, **environment: str
) -> list[dict[str, Any]]:
    told = {"engine": engine, "dtype": dtype, "names": names}
    told["library"] = str(library) if library else None
    set_here = {k: v for k, v in os.environ.items() if k not in (*OLDEST, "MICROGPT_LEVEL")}
    done = subprocess.run(
        [sys.executable, __file__, "--child", json.dumps(told)],
        env={**set_here, "OPENBLAS_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def node_maker(node: str, dtype: str, names: list[str]) -> list[dict[str, Any]]:
    """The page's own way: initial weights drawn in JavaScript. It evaluates nothing."""
    from microgpt.data import load_data, split

    documents = load_data("names").docs
    docs, runs = {}, []
    for name in names:
        for seed in seeds(name):
            config = config_of(name, seed)
            docs[name] = split(documents, config.holdout, config.validation).train
            preset = RUNS[name].get("preset", "final")
            changes = {k: v for k, v in RUNS[name].items() if k in ("steps", "lr")}
            changes |= {k: v for k, v in RUNS[name].items() if k.startswith("n_")}
            run = {"which": name, "preset": preset, "seed": seed, "dtype": dtype}
            runs.append({**run, "config": changes, "batchSize": config.batch_size})
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "runs.json")
        told.write_text(json.dumps({"docs": docs, "runs": runs}), encoding="utf-8")
        done = subprocess.run(
            [node, "--input-type=module", "--eval", IN_NODE, str(told)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
        )
    return json.loads(done.stdout)


def recorded(names: list[str]) -> list[dict[str, Any] | None]:
    """The scalar engine's, in float64; None for each run that isn't in the vectors."""
    text = (ROOT / "conformance/vectors/losses.json").read_text(encoding="utf-8")
    presets = {case["name"]: case for case in json.loads(text)["cases"]}
    of = {"the default run": "final", "`--preset early`": "early"}
    return [
        {
            "losses": (case := presets[of[name]])["losses"],
            "samples": case["samples"],
            "held_out": case["held_out"]["loss"],
        }
        if name in of
        else None
        for name in names
        for _ in seeds(name)
    ]


def makers(dtype: str, names: list[str], folder: Path) -> Iterator[tuple[str, list[Any]]]:
    """Name of a maker and what came out of its runs, one maker after the other."""
    sys.path.insert(0, str(ROOT / "scripts"))
    from microgpt.engines.native import build, level_problems
    from portable import ENVIRONMENT

    levels = [level for level, reason in level_problems().items() if reason is None]
    compilers: list[tuple[str, Path | None]] = [("", None)]
    if zig := build.zig():
        library = folder / build.library_path().name
        if not library.exists():
            build.build(compiler=zig, to=library)
        compilers.append((", by zig", library))
    for said, library in compilers:
        for level in levels:
            yield (
                f"native {level}{said}",
                python_maker("native", dtype, names, library, MICROGPT_LEVEL=level),
            )
    yield "numpy", python_maker("numpy", dtype, names)
    if build.family() == "x86_64":
        oldest = {name: ENVIRONMENT[name] for name in OLDEST}
        yield "numpy, oldest instructions", python_maker("numpy", dtype, names, **oldest)
    if node := shutil.which("node"):
        yield "WebAssembly in Node", node_maker(node, dtype, names)
    if dtype == "float64":
        yield "scalar, recorded", recorded(names)


# ------------------------------------------------------------------ comparing


def first(wrong: Iterator[bool]) -> int | None:
    """The first step, counted from 1, at which something is so."""
    return next((step for step, is_so in enumerate(wrong, 1) if is_so), None)


def parting(losses: list[list[float]], within: float) -> dict[str, int | None]:
    """The first steps at which runs aren't all the same, printed and as numbers."""
    steps = list(zip(*losses, strict=True))
    return {
        "printed": first(len({f"{loss:.4f}" for loss in step}) > 1 for step in steps),
        "within": first(max(step) - min(step) > within for step in steps),
        "bits": first(len(set(step)) > 1 for step in steps),
    }


def compare(runs: list[dict[str, Any]], within: float) -> dict[str, Any]:
    held_out = [run["held_out"] for run in runs if run["held_out"] is not None]
    return {
        **parting([run["losses"] for run in runs], within),
        "samples": len({tuple(run["samples"]) for run in runs}) == 1,
        "held_out": [min(held_out), max(held_out)] if held_out else None,
        "steps": len(runs[0]["losses"]),
    }


def earliest(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Of several runs, such as those of many seeds: the first step of any."""
    merged: dict[str, Any] = {"steps": found[0]["steps"]}
    for key in ("printed", "within", "bits"):
        merged[key] = min((one[key] for one in found if one[key]), default=None)
    merged["samples"] = all(one["samples"] for one in found)
    merged["held_out"] = found[0]["held_out"] if len(found) == 1 else None
    return merged


def rows_of(made: dict[str, list[Any]], names: list[str], within: float) -> list[dict[str, Any]]:
    rows = []
    at = 0
    for name in names:
        several = range(at, at := at + len(seeds(name)))
        all_runs = {maker: [runs[i] for i in several] for maker, runs in made.items()}
        there = {maker: runs for maker, runs in all_runs.items() if runs[0] is not None}
        one, *others = there
        together = [compare(list(runs), within) for runs in zip(*there.values(), strict=True)]
        rows.append(
            {
                "run": name,
                "all": {**earliest(together), "makers": len(there)},
                "against_first": {
                    other: earliest(
                        [compare(list(two), within) for two in zip(there[one], there[other])]  # noqa: B905
                    )
                    for other in others
                },
            }
        )
    return rows


def said(step: int | None, steps: int) -> str:
    return f"all {steps:,}" if step is None else f"{step - 1:,}"


def lines_of(dtype: str, makers_: list[str], rows: list[dict[str, Any]]) -> list[str]:
    within = WITHIN[dtype]
    lines = [
        f"## {dtype}",
        "",
        f"Up to which step all agree ({'; '.join(makers_)}):",
        "",
        f"| run | steps | makers | 4 decimals | within {within:g} | samples | held-out loss |",
        "|---|--:|--:|--:|--:|---|---|",
    ]
    for row in rows:
        a = row["all"]
        held = "" if a["held_out"] is None else f"{a['held_out'][0]:.6f}"
        if held and f"{a['held_out'][1]:.6f}" != held:
            held += f" to {a['held_out'][1]:.6f}"
        lines.append(
            f"| {row['run']} | {a['steps']:,} | {a['makers']} | {said(a['printed'], a['steps'])} | "
            f"{said(a['within'], a['steps'])} | {'the same' if a['samples'] else 'differ'} | "
            f"{held} |"
        )
    lines += [
        "",
        f"Each against {makers_[0]}: steps with the same 4 decimals / within {within:g} / with "
        "the same bits (+ where the samples are the same)",
        "",
        "| run | " + " | ".join(makers_[1:]) + " |",
        "|---|" + "--:|" * (len(makers_) - 1),
    ]
    for row in rows:
        cells = []
        for maker in makers_[1:]:
            one = row["against_first"].get(maker)
            cells.append(
                " / ".join(said(one[key], one["steps"]) for key in ("printed", "within", "bits"))
                + (" +" if one["samples"] else "")
                if one
                else ""
            )
        lines.append(f"| {row['run']} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(RUNS), default=list(RUNS), metavar="RUN")
    parser.add_argument("--dtypes", nargs="+", choices=list(WITHIN), default=list(WITHIN))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(json.loads(arguments.child))
        return
    loads = [load()]
    found: dict[str, Any] = {}
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for dtype in arguments.dtypes:
            made = dict(makers(dtype, arguments.only, Path(folder)))
            rows = rows_of(made, arguments.only, WITHIN[dtype])
            found[dtype] = {"makers": list(made), "within": WITHIN[dtype], "rows": rows}
            lines += lines_of(dtype, list(made), rows)
            loads.append(load())
    lines.append(f"Load of the machine meanwhile: {min(loads)} to {max(loads)}.")
    save("levels", {"load": loads, "dtypes": found}, lines)


if __name__ == "__main__":
    main()

"""Start-up, short runs and ``bench`` against another checkout of microgpt, as ratios in one run.

    python bench/startup.py OTHER [--rounds 12] [--instructions] [--bench 3] [--only import]

OTHER is a checkout whose kernel is built (``git worktree add``, ``make native`` in it). Both run
under this Python, each with its own ``src``. They take turns, and who goes first changes from
round to round; the ratio is this checkout's processor time over the other's, in medians of rounds,
so above 1 is slower. Time on the wall is shown beside it: on a busy machine it says little.

``--instructions`` counts the instructions that a process executes instead, with valgrind: slow,
but hardly moved by other programs. Where it is given, runs end before their last step, because
the threads that measure at a run's end wait for each other with instructions of their own.
``--bench`` ROUNDS compares ``microgpt bench``, row by row. Results go to bench/results/startup.json
and .md, unless ``--only`` names some of the commands.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import ROOT, load, save, spread, whole_process

MICROGPT = ("-m", "microgpt")
COMMANDS = {
    "import": ("-c", "import microgpt.cli.train"),
    "version": (*MICROGPT, "--version"),
    "help": (*MICROGPT, "--help"),
    "train": (*MICROGPT, "train"),
    "train --json": (*MICROGPT, "train", "--json", "--steps", "5000"),
}
COUNTED = {
    **COMMANDS,
    "train": (*COMMANDS["train"], "--threads", "1", "--stop-after", "999"),
    "train --json": (*COMMANDS["train --json"], "--threads", "1", "--stop-after", "4999"),
}


def timed(tree: Path, words: tuple[str, ...]) -> tuple[float, float, str]:
    return whole_process([sys.executable, *words], source=tree / "src")


def modules(tree: Path, words: tuple[str, ...]) -> int:
    """How many modules a command loads."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    return sum(line.startswith("import time:") for line in done.stderr.splitlines()) - 1


def instructions(tree: Path, words: tuple[str, ...]) -> int:
    """How many instructions a command executes; its strings hash the same each time."""
    with tempfile.NamedTemporaryFile("r", suffix=".log") as log:
        valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--log-file={log.name}"]
        valgrind += ["--cachegrind-out-file=/dev/null", sys.executable]
        whole_process([*valgrind, *words], source=tree / "src", PYTHONHASHSEED="0")
        found = re.search(r"I +refs: +([\d,]+)", log.read())
    assert found is not None, "valgrind counted nothing"
    return int(found[1].replace(",", ""))


def in_turns(trees: tuple[Path, Path], words: tuple[str, ...], rounds: int) -> dict[str, Any]:
    """The ratios of one command."""
    walls: list[float] = []
    busies: list[float] = []
    seconds: tuple[list[float], list[float]] = ([], [])
    for tree in trees:
        timed(tree, words)  # bytecode is written, files come into memory
    for number in range(rounds):
        found = {}
        for which in (0, 1) if number % 2 else (1, 0):
            found[which] = timed(trees[which], words)
        walls.append(found[0][0] / found[1][0])
        busies.append(found[0][1] / found[1][1])
        for which in (0, 1):
            seconds[which].append(found[which][1])
    return {
        "wall": spread(walls),
        "processor": spread(busies),
        "processor_seconds": [spread(s) for s in seconds],
        "modules": [modules(tree, words) for tree in trees],
    }


def benches(trees: tuple[Path, Path], rounds: int) -> dict[str, float]:
    """What each row of ``bench`` takes at best, in three runs of each, as ratios."""
    words = (*MICROGPT, "bench", "--json", "--rounds", str(rounds))
    best: tuple[dict[str, float], dict[str, float]] = ({}, {})
    for number in range(3):
        for which in (0, 1) if number % 2 else (1, 0):
            found = rows(json.loads(timed(trees[which], words)[2])["bench"])
            best[which].update({n: min(t, best[which].get(n, t)) for n, t in found.items()})
    return {name: best[0][name] / best[1][name] for name in best[0]}


def rows(bench: dict[str, Any]) -> dict[str, float]:
    times = {
        f"{row['engine']} {row['dtype']}, batch {row['batch_size']}": row["best_microseconds"]
        for row in bench["training"]
    }
    for row in bench["sampling"]:
        times[f"{row['engine']} {row['dtype']}, sampling"] = 1e6 / row["best_tokens_per_second"]
    return times


def commit(tree: Path) -> str:
    git = ["git", "-C", str(tree), "rev-parse", "--short", "HEAD"]
    return subprocess.run(git, capture_output=True, text=True).stdout.strip() or "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--bench", type=int, default=0, metavar="ROUNDS")
    parser.add_argument("--only", action="append", choices=COMMANDS)
    asked = parser.parse_args()
    trees = (ROOT, asked.other.resolve())
    names = asked.only or list(COMMANDS)
    found: dict[str, Any] = {"against": commit(trees[1]), "rounds": asked.rounds, "load": [load()]}
    lines = [f"This checkout over commit {found['against']}; above 1 is slower.", ""]
    if asked.instructions:
        lines += ["| command | instructions | of the other | ratio |", "|---|--:|--:|--:|"]
        for name in names:
            for tree in trees:
                timed(tree, COUNTED[name])
            mine, others = (instructions(tree, COUNTED[name]) for tree in trees)
            found.setdefault("instructions", {})[name] = [mine, others]
            words = " ".join(COUNTED[name]).replace("-m microgpt", "microgpt")
            lines.append(f"| `{words}` | {mine:,} | {others:,} | {mine / others:.3f} |")
            print(lines[-1], file=sys.stderr, flush=True)
        lines.append("")
    if asked.rounds:
        lines += ["| command | processor time | time on the wall | modules |", "|---|--:|--:|--:|"]
    for name in names if asked.rounds else []:
        row = in_turns(trees, COMMANDS[name], asked.rounds)
        found.setdefault("commands", {})[name] = row
        words = " ".join(COMMANDS[name]).replace("-m microgpt", "microgpt")
        mine, others = row["modules"]
        lines.append(
            f"| `{words}` | {row['processor']['median']:.3f} | {row['wall']['median']:.3f} "
            f"| {mine}, the other {others} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    if asked.bench:
        found["bench"] = benches(trees, asked.bench)
        lines += ["", "| `microgpt bench` | time |", "|---|--:|"]
        lines += [f"| {name} | {ratio:.3f} |" for name, ratio in found["bench"].items()]
    found["load"].append(load())
    lines += ["", f"Load of the machine: {found['load'][0]} to {found['load'][-1]}."]
    if asked.only:
        print("\n".join(lines))
    else:
        save("startup", found, lines)


if __name__ == "__main__":
    main()

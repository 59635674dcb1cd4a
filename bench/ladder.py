"""How fast rungs 5 to 9 of the ladder learn, one against the other in one run.

    python bench/ladder.py [--rounds 10]

Each program is set up once, in this process; then they take turns, and in each round every one
takes its next few training steps, the very lines of its file. Counted is the processor time per
token (padding isn't one), since on a busy machine time on the wall says little; all of them use
one core. A ratio is the median of the rounds' ratios. Then each program runs whole, in a process
of its own. Needs NumPy and PyTorch. Results go to bench/results/ladder.json and .md, from which
the headers of the rungs, ladder/README.md and the guide have their figures (tests/test_ladder.py).
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import gc
import io
import os
import statistics
import sys
import time
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from common import ROOT, load, save, whole_process

BATCHES = (1, 16, 64)
# Rung, batch size, how many steps it takes in a round, and n_embd and n_layer.
SMALL, WIDE = (16, 1), (256, 2)
PROGRAMS = [
    (5, 1, 16, SMALL),
    (6, 1, 64, SMALL),
    *((n, b, 64 if b < 64 else 16, SMALL) for n in (7, 8, 9) for b in BATCHES),
    *((n, 16, 3, WIDE) for n in (7, 8, 9)),
]
SETTINGS = (
    "n_embd, n_head, n_layer, block_size = 16, 4, 1, 16",
    "batch_size, learning_rate, num_steps = 16,",
)


class Rung:
    """A program, set up to its training loop, of which it takes as many steps as it is told."""

    def __init__(self, number: int, batch_size: int, steps: int, shape: tuple[int, int]) -> None:
        self.number, self.batch_size, self.steps, self.shape = number, batch_size, steps, shape
        self.step = 0
        path = ROOT / "ladder" / f"train{number}.py"
        source = path.read_text(encoding="utf-8")
        wanted = (
            SETTINGS[0].replace("16, 4, 1,", f"{shape[0]}, 4, {shape[1]},"),
            SETTINGS[1].replace("16,", f"{batch_size},"),
        )
        for old, new in zip(SETTINGS, wanted, strict=True):
            assert source.count(old) == 1 or number < 7
            source = source.replace(old, new)
        tree = ast.parse(source)
        (at,) = (
            i
            for i, node in enumerate(tree.body)
            if isinstance(node, ast.For) and ast.unparse(node.target) == "step"
        )
        loop = tree.body[at]
        assert isinstance(loop, ast.For)
        self.lines = compile(ast.Module(loop.body, []), str(path), "exec")
        self.names: dict[str, Any] = {"__name__": "__main__", "__file__": str(path)}
        gc.enable()
        self.run(compile(ast.Module(tree.body[:at], []), str(path), "exec"))
        self.collects = gc.isenabled()  # rung 5 switches that off

    def run(self, code: Any) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, self.names)

    def tokens(self) -> int:
        """How many tokens its next steps learn from."""
        docs, longest = self.names["docs"], self.names["block_size"]
        first = self.step * self.batch_size
        rows = range(first, first + self.steps * self.batch_size)
        return sum(min(longest, len(docs[row % len(docs)]) + 1) for row in rows)

    def microseconds(self) -> float:
        """Takes its next steps: processor time per token."""
        tokens = self.tokens()
        gc.collect()
        (gc.enable if self.collects else gc.disable)()
        begun = time.process_time_ns()
        for _ in range(self.steps):
            self.names["step"] = self.step
            self.run(self.lines)
            self.step += 1
        return (time.process_time_ns() - begun) / 1000 / tokens


def in_turns(rounds: int) -> list[dict[str, Any]]:
    rungs = [Rung(*program) for program in PROGRAMS]
    for rung in rungs:
        rung.microseconds()  # what happens only once: memory, caches
    times: list[list[float]] = [[] for _ in rungs]
    for number in range(rounds):
        order = list(range(len(rungs)))
        for i in reversed(order) if number % 2 else order:
            times[i].append(rungs[i].microseconds())
    return [
        {
            "rung": rung.number,
            "batch_size": rung.batch_size,
            "n_embd": rung.shape[0],
            "n_layer": rung.shape[1],
            "microseconds_per_token": statistics.median(mine),
            "times": {
                str(other.number): statistics.median(
                    a / b for a, b in zip(theirs, mine, strict=True)
                )
                for other, theirs in zip(rungs, times, strict=True)
                if other.number < rung.number and _compared(other, rung)
            },
        }
        for rung, mine in zip(rungs, times, strict=True)
    ]


def _compared(other: Rung, rung: Rung) -> bool:
    """Same model; same batch, or a program that knows of none."""
    return other.shape == rung.shape and (other.number < 7 or other.batch_size == rung.batch_size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    asked = parser.parse_args()
    sys.argv = ["ladder", str(ROOT / "data" / "names.txt")]  # what the rungs read
    loads = [load()]
    rows = in_turns(asked.rounds)
    whole = {}
    for n in (6, 7, 8, 9):
        _, whole[n], _ = whole_process([sys.executable, str(ROOT / "ladder" / f"train{n}.py")])
    loads.append(load())
    lines = [
        "Training alone, processor time per token on one core, medians of "
        f"{asked.rounds} rounds in turns. The last columns say how many times as fast it is as an "
        "earlier rung; rungs 7 and 8 take the same batch there.",
        "",
        "| rung | n_embd, n_layer | documents a step | µs per token | rung 5 | 6 | 7 | 8 |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        times = (f"{row['times'][n]:,.2f}" if n in row["times"] else "" for n in "5678")
        lines.append(
            f"| {row['rung']} | {row['n_embd']}, {row['n_layer']} | {row['batch_size']} "
            f"| {row['microseconds_per_token']:,.1f} | {' | '.join(times)} |"
        )
    lines += ["", "| whole program | seconds of a processor |", "|---|--:|"]
    lines += [f"| `train{n}.py` | {seconds:.1f} |" for n, seconds in whole.items()]
    lines += ["", f"Load of the machine: {loads[0]} to {loads[1]}."]
    save("ladder", {"rounds": asked.rounds, "load": loads, "training": rows, "whole": whole}, lines)


if __name__ == "__main__":
    main()

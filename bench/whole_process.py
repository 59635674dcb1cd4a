"""`microgpt train` as a whole process, against `python -c "import numpy"`.

    python bench/whole_process.py [--rounds 15]

Each command is run in a fresh empty directory, all of them in turn, with default settings: the
published run of 1,000 steps, saved twice, evaluated, twenty samples. The bar: at most 4 times the
import of NumPy, in medians. Results go to bench/results/whole_process.json and .md.
"""

from __future__ import annotations

import argparse
import statistics
import sys

from common import load, microgpt, save, spread, whole_process

BAR = 4.0
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    'python -c "import numpy"': [sys.executable, "-c", "import numpy"],
    "microgpt --version": [*microgpt(), "--version"],
    "microgpt train": [*microgpt(), "train"],
    "microgpt train --dtype float32": [*microgpt(), "train", "--dtype", "float32"],
    "microgpt train --engine numpy": [*microgpt(), "train", "--engine", "numpy"],
}
UNIT = 'python -c "import numpy"'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    walls: dict[str, list[float]] = {name: [] for name in COMMANDS}
    busies: dict[str, list[float]] = {name: [] for name in COMMANDS}
    loads = [load()]
    for name in COMMANDS:  # once untimed: files come into memory, bytecode is written
        whole_process(COMMANDS[name])
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            wall, busy, _ = whole_process(command)
            walls[name].append(wall)
            busies[name].append(busy)
        loads.append(load())
    lines = [
        f"Whole processes, medians of {rounds} rounds in turn. Load of the machine meanwhile: "
        f"{min(loads)} to {max(loads)}.",
        "",
        "| command | seconds | least | processor seconds | times import of NumPy |",
        "|---|--:|--:|--:|--:|",
    ]
    rows = {}
    for name in COMMANDS:
        ratios = [a / b for a, b in zip(walls[name], walls[UNIT], strict=True)]
        rows[name] = {
            "seconds": spread(walls[name]),
            "processor_seconds": spread(busies[name]),
            "ratio": spread(ratios),
        }
        lines.append(
            f"| `{name}` | {statistics.median(walls[name]):.3f} | {min(walls[name]):.3f} "
            f"| {statistics.median(busies[name]):.3f} | {statistics.median(ratios):.2f} |"
        )
    ratio = rows["microgpt train"]["ratio"]["median"]
    lines += ["", f"`microgpt train`: {ratio:.2f} times, the bar is {BAR:g}."]
    save("whole_process", {"bar": BAR, "rounds": rounds, "load": loads, "rows": rows}, lines)


if __name__ == "__main__":
    main()

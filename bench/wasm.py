"""How long the kernel takes as WebAssembly: 1,000 steps of the real model, in Node and Chromium.

    python bench/wasm.py [--rounds 7] [--json]

Each round is a fresh process, so that its first call is a first call. The median over the rounds is
printed and, after it, the best: on a shared machine the best is closest to what the code takes.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from chromium_runner import run_page  # noqa: E402

IN_NODE = """
import { readFile } from "node:fs/promises";
import { timing } from "./bench/wasm_timing.js";
const { losses } = JSON.parse(await readFile("conformance/vectors/losses.json")).cases[0];
const [bytes, names] = [await readFile("guide/js/kernel.wasm"), await readFile("data/names.txt")];
console.log(JSON.stringify(await timing(bytes, String(names), losses, "DTYPE")));
"""
COLUMNS = (  # key, heading, which is best, bars of float32 and float64
    ("loading", "load", min),
    ("first", "first", min),
    ("second", "second", min),
    ("warm", "warm", min),
    ("tokens", "M tokens/s", max),
)


def in_node(node: str, dtype: str) -> dict:
    command = [node, "--input-type=module", "--eval", IN_NODE.replace("DTYPE", dtype)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def in_chromium(chromium: str, dtype: str) -> dict:
    return run_page(chromium, f"bench/wasm.html?dtype={dtype}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    places = {
        name: (measure, shutil.which(name))
        for name, measure in (("node", in_node), ("chromium", in_chromium))
    }
    rows = {}
    for _ in range(arguments.rounds):
        for place, (measure, program) in places.items():
            for dtype in ("float32", "float64") if program else ():
                rows.setdefault((place, dtype), []).append(measure(program, dtype))
    if arguments.json:
        print(json.dumps({" ".join(key): values for key, values in rows.items()}))
        return
    print(f"{'ms, median (best)':<20}" + "".join(f"{name:>16}" for _, name, _ in COLUMNS))
    for (place, dtype), values in rows.items():
        line = f"{place} {dtype}".ljust(20)
        for key, _, best in COLUMNS:
            numbers = [v[key] / (1e6 if key == "tokens" else 1) for v in values]
            line += f"{statistics.median(numbers):.2f} ({best(numbers):.2f})".rjust(16)
        print(f"{line}   losses off by {max(v['worst'] for v in values):.1e}")


if __name__ == "__main__":
    main()

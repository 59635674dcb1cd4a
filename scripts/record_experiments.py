"""Make guide/data/experiments.json: experiments to try, and what came of each.

    python scripts/record_experiments.py            run them, write the file and the page's tables
    python scripts/record_experiments.py --check    run them again; exit code 1 if anything differs

Every number comes out of `microgpt train`, `sample` and `eval`, with the commands that the page
names. Losses of training runs are taken over eight seeds, so that one can see which difference is
more than chance; what is shown of a run is the one with seed 42. All of it is computed with what
every x86-64 processor has (scripts/portable.py). The tables in
guide/pages/learn/complete.md between its two marks are written by this script.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT / "src") not in sys.path:
    sys.path.insert(0, str(ROOT / "src"))

import portable

if __name__ == "__main__":
    portable.use()

from microgpt.files import write_atomic

OUT = ROOT / "guide" / "data" / "experiments.json"
PAGE = ROOT / "guide" / "pages" / "learn" / "complete.md"
BEGIN, END = "<!-- experiments: written by scripts/record_experiments.py -->", "<!-- end -->"
SEEDS = (42, 1, 2, 3, 4, 5, 6, 7)
# Key, what is changed, its flags, and the page that does it with one click.
RUNS: list[tuple[str, str, list[str], str]] = [
    ("default", "nothing", [], "loop/#?train=speed:all"),
    (
        "wide",
        "`n_embd` 32 in place of 16",
        ["--n-embd", "32"],
        "loop/#?train=b:n_embd~32,two:1,speed:all",
    ),
    (
        "long",
        "2,000 steps in place of 1,000",
        ["--steps", "2000"],
        "loop/#?train=b:steps~2000,two:1,speed:all",
    ),
    ("list", "another list: 1,163 dinosaurs", ["--data", "dinosaurs"], "own-list/"),
]
# Further recipes besides the default, seed by seed: how much two runs of one seed differ by chance.
PAIRED: dict[str, list[str]] = {
    "sgd": ["--optimizer", "sgd", "--lr", "0.1"],
    "one_head": ["--n-head", "1"],
}
TEMPERATURES = (0.5, 0.1, 1.0, 2.0)
REGION = (
    '<div class="mg-scroll wide-table" tabindex="0" role="region" aria-label="{}" markdown="1">'
)
SHOWN = 5  # samples in the table
MANY = 2000  # samples that shares are taken of


def microgpt(folder: str, *arguments: str) -> list[dict[str, Any]]:
    """Runs a command in a folder; the JSON objects that it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "microgpt", *arguments, "--json"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode:
        sys.exit(f"microgpt {' '.join(arguments)} failed:\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def counted(samples: list[dict[str, str]]) -> dict[str, int]:
    """How many samples are trained, in the file, new; and how many differ."""
    marks = [sample["mark"] for sample in samples]
    found = {mark: marks.count(mark) for mark in ("trained", "file", "new")}
    return found | {"different": len({sample["text"] for sample in samples})}


def trained(folder: str, key: str, flags: list[str]) -> tuple[list[float], str]:
    """Losses of one recipe, seed by seed, on documents that the run never reached."""
    losses = []
    for seed in SEEDS:
        out = f"{key}-{seed}"
        microgpt(folder, "train", *flags, "--seed", str(seed), "--out", out)
        found = [line["eval"] for line in microgpt(folder, "eval", out) if "eval" in line]
        losses.append(round(found[0]["loss"], 6))
    return losses, found[0]["split"]


def spread(default: list[float], others: list[list[float]]) -> float:
    """Two standard deviations of how much a recipe differs from the default, seed by seed."""
    differences = [[b - a for a, b in zip(default, other, strict=True)] for other in others]
    return 2 * math.sqrt(statistics.mean(statistics.variance(row) for row in differences))


def experiment(folder: str, key: str, flags: list[str]) -> dict[str, Any]:
    """One change of the recipe: losses on documents that the run never reached, and samples."""
    losses, split = trained(folder, key, flags)
    samples = microgpt(folder, "sample", f"{key}-42")[0]["samples"]
    return {"losses": losses, "split": split, "samples": samples, **counted(samples)}


def temperature(folder: str, value: float) -> dict[str, Any]:
    """The default run at another temperature: 20 samples, and the shares among many."""
    arguments = ["sample", "default-42", "--temperature", f"{value:g}"]
    samples = microgpt(folder, *arguments)[0]["samples"]
    many = microgpt(folder, *arguments, "--count", str(MANY))[0]["samples"]
    return {"temperature": value, "samples": samples, **counted(many)}


def record() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="microgpt-experiments-") as folder:
        runs = {key: experiment(folder, key, flags) for key, _, flags, _ in RUNS}
        paired = {key: trained(folder, key, flags)[0] for key, flags in PAIRED.items()}
        default, *others = [runs[key]["losses"] for key in ("default", "wide", "long")]
        return {
            "what": "python scripts/record_experiments.py: what microgpt train, eval, sample print",
            "unit": "nats per token, on documents that the run never reached",
            "made_with": portable.MADE_WITH,
            "seeds": SEEDS,
            "runs": runs,
            "paired": paired,
            "chance": {
                "one_seed": round(spread(default, [*others, *paired.values()]), 3),
                "two_seeds": round(max(default) - min(default), 3),
            },
            "temperatures": [temperature(folder, value) for value in TEMPERATURES],
        }


def names(samples: list[dict[str, str]]) -> str:
    return ", ".join(sample["text"] or "(empty)" for sample in samples[:SHOWN])


def table(found: dict[str, Any]) -> str:
    """The page's two tables, in Markdown."""
    lines = [
        REGION.format("Experiments in training"),
        "",
        "| change | in the page | in a terminal | loss, seed 42 | eight seeds | it writes |",
        "|---|---|---|---|---|---|",
    ]
    for key, what, flags, link in RUNS:
        run = found["runs"][key]
        low, high = min(run["losses"]), max(run["losses"])
        lines.append(
            f'| {what} | <a href="{link}">train it</a> | `{" ".join(["microgpt train", *flags])}` '
            f"| {run['losses'][0]:.3f} | {low:.3f} to {high:.3f} | {names(run['samples'])} |"
        )
    lines += [
        "",
        "</div>",
        "",
        REGION.format("Experiments with the temperature"),
        "",
        "| temperature | in the page | in a terminal | it writes | different | in the list |",
        "|---|---|---|---|---|---|",
    ]
    for row in found["temperatures"]:
        value = f"{row['temperature']:g}"
        listed = 100 * (row["trained"] + row["file"]) / MANY
        usual = ", the usual one" if row["temperature"] == 0.5 else ""
        lines.append(
            f'| {value}{usual} | <a href="../#?chat=t:{value}">chat at {value}</a> '
            f"| `microgpt sample --temperature {value}` | {names(row['samples'])} "
            f"| {row['different']:,} of {MANY:,} | {listed:.1f} % |"
        )
    return "\n".join([*lines, "", "</div>"])


def on_page(text: str, found: dict[str, Any]) -> str:
    """The page with the tables as they should be."""
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        sys.exit(f"{PAGE.name} has no place for the experiments: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{after}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the file, write nothing")
    options = parser.parse_args()
    text = json.dumps(record(), indent=1, ensure_ascii=False) + "\n"
    page = PAGE.read_text(encoding="utf-8")
    wanted = on_page(page, json.loads(text))
    if options.check:
        same = OUT.exists() and OUT.read_text(encoding="utf-8") == text and page == wanted
        print("as recorded" if same else f"{OUT.name} or {PAGE.name} differs")
        return 0 if same else 1
    write_atomic(OUT, text.encode())
    write_atomic(PAGE, wanted.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())

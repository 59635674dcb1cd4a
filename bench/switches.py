"""From microgpt to nanochat, one switch at a time: what each block, each part of a recipe brings.

    python bench/switches.py names [--jobs 1]
    python bench/switches.py shakespeare [--jobs 2]
    python bench/switches.py names --seeds-from 101 --check bench/results/switches-names.json

Each switch alone, added to the published model and recipe, and all of them together, with as many
parameters (mlp_width makes up for what a switch adds or takes away) and as much processor time (as
many fewer steps as its steps take longer). Learning rates are chosen for each variant, on texts
that the table isn't judged by.

First the time of a step: each variant and the published model take turns, and the ratio counts.
Then the runs, `--jobs` of them at a time with one thread each. Every finished one is a line in
`--work`; so the same command goes on where it was interrupted. Steps are fixed once the ratios are
known, so losses don't depend on how busy the machine is.

`--check` makes the runs with as many steps as in those results, compares the two tables, writes to
bench/results/NAME-again.* and fails where more rows disagree than chance explains.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from switch_runs import ROUNDS, Losses, Run, Work, commit, ratios, run_of, turns, work_off

# isort: split
from common import ROOT, load, save
from switch_plan import BASE, SWITCHES, TOGETHER, Setting, larger, names, shakespeare
from switch_sums import Point, Sums, compared, steps_in
from switch_text import table

SETTINGS = {"names": names, "shakespeare": shakespeare}
CONFIRMED = 3
UNLIKELY = 0.01


def steps_of(setting: Setting, work: Work, old: Mapping[str, Any], rounds: int) -> dict[str, Any]:
    """The ratio of each variant's time of a step, measured once; and how many steps follow."""
    known = {row["name"]: row["time"] for row in old.get("rows", [])}

    def of(name: str) -> Run:
        own = run_of(setting, setting.config(name, setting.rates[0]))
        return {"time_of": own, "rounds": rounds}

    missing = [n for n in setting.names if n not in (BASE, *known) and work.get(of(n)) is None]
    if missing:
        print(f"{setting.name}: the time of a step, {rounds} rounds", flush=True)
        found = list(turns(setting, missing, rounds))
        for name, ratio in ratios(found).items():
            work.add(of(name), {"time": ratio, "load": load()})
    known = {n: (work.get(of(n)) or {"time": None})["time"] for n in setting.names} | known
    known[BASE] = {"ratio": 1.0, "least": 1.0, "most": 1.0}
    return {name: known[name] for name in setting.names}


class _Kept:
    """Hears of finished runs: keeps them, and says how many are to go."""

    def __init__(self, name: str, work: Work, runs: Mapping[int, Point]) -> None:
        self.name, self.work, self.left = name, work, dict(runs)
        self.commit = commit()

    def __call__(self, run: Run, losses: Losses) -> None:
        self.work.add(run, {**losses, "commit": self.commit})
        point = self.left.pop(id(run))
        print(f"{self.name}, {len(self.left)} to go: {point} {losses}", flush=True)


def measured(
    setting: Setting, work: Work, arguments: argparse.Namespace, old: Mapping[str, Any]
) -> tuple[Sums, dict[str, Any]]:
    """Make all runs of a setting, and what its table says."""
    times = steps_of(setting, work, old, arguments.rounds)
    steps = {name: steps_in(setting.steps, time["ratio"]) for name, time in times.items()}

    @functools.cache
    def run(point: Point) -> Run:
        return run_of(setting, setting.config(point.name, point.rate, point.seed, point.steps))

    sums = Sums(setting, steps, lambda point: work.get(run(point)))
    while wanted := sums.wanted():
        kept = _Kept(setting.name, work, {id(run(point)): point for point in wanted})
        work_off([run(point) for point in wanted], arguments.jobs, kept)
    rows = [{**sums.row(name), "time": times[name]} for name in setting.names]
    lines = [work.get(run(point)) or {} for point in sums.every()]
    return sums, {
        "seeds": list(setting.judged),
        "search": list(setting.search),
        "steps": setting.steps,
        "runs": len(lines),
        "processor_seconds": round(sum(line["seconds"] for line in lines)),
        "commits": sorted({line["commit"] for line in lines}),
        "rows": rows,
    }


def confirmed(
    setting: Setting, sums: Sums, work: Work, arguments: argparse.Namespace, old: Mapping[str, Any]
) -> dict[str, Any]:
    """The best switches and those together, at 0.8 million parameters."""
    best = sums.best([switch.name for switch in SWITCHES], CONFIRMED)
    chosen = [BASE, *best, *(switch.name for switch in TOGETHER)]
    rates = {name: sums.rate(name) or 0.0 for name in chosen}
    _, found = measured(larger(setting, rates), work, arguments, old)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("setting", choices=list(SETTINGS))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--work", type=Path, help="[runs/switches/SETTING.jsonl]")
    parser.add_argument("--seeds-from", type=int, default=1, metavar="N")
    parser.add_argument("--check", type=Path, metavar="OLD.json")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="in which times are measured")
    arguments = parser.parse_args()
    old = json.loads(arguments.check.read_text(encoding="utf-8")) if arguments.check else {}
    if old and set(old["seeds"]) & set(SETTINGS[arguments.setting](arguments.seeds_from).judged):
        sys.exit("--check compares other seeds: give --seeds-from")
    setting = SETTINGS[arguments.setting](arguments.seeds_from)
    work = Work(arguments.work or ROOT / "runs" / "switches" / f"{setting.name}.jsonl")
    sums, found = measured(setting, work, arguments, old)
    name = f"switches-{setting.name}" + ("-again" if old else "")
    if old:
        found["check"] = compared(old, found)
    if setting.name == "shakespeare":
        save(name, found, table(setting, found))  # what is complete so far
        found["larger"] = confirmed(setting, sums, work, arguments, old.get("larger", {}))
        if "larger" in old:
            found["larger"]["check"] = compared(old["larger"], found["larger"])
    save(name, found, table(setting, found))
    for part in (found, found.get("larger", {})):
        if "check" in part and part["check"]["probability"] < UNLIKELY:
            sys.exit("more rows disagree with the older table than chance explains")


if __name__ == "__main__":
    main()

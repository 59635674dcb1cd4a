"""The speedrun's records, and what its unit was measured with, as Markdown made from JSON files."""

import json
from typing import Any

from docstrings import ROOT, package

LEVELS = ROOT / "bench" / "results" / "speedrun-levels.json"

HEAD = (
    "| entry | nats a character | p | cost in units |",
    "|---|---|---|---|",
)


def tables() -> list[str]:
    """For each track a heading, what is to be reached, and its records, the cheapest first."""
    package()
    from microgpt.speedrun.records import shipped
    from microgpt.speedrun.tracks import TRACKS

    lines: list[str] = []
    for track in TRACKS.values():
        records = sorted(shipped(track.name), key=lambda one: float(one["cost"]))
        lines += [f"### {track.name}", "", f"A {track.about()}.", ""]
        lines += [*HEAD, *map(row, records), ""] if records else ["No record yet.", ""]
        lines += [line for one in records for line in (made(one), "")]
    return lines


def row(one: dict[str, Any]) -> str:
    """One record as a row."""
    noisy = " (noisy)" if one["noisy"] else ""
    cells = (
        f"{one['entry']['name']}, {one['date']}",
        f"{one['mean']:.4f} ± {2 * one['standard_error']:.4f}",
        "< 0.0001" if one["p"] < 1e-4 else f"{one['p']:.1g}",
        f"{one['cost']:,.0f} ± {2 * one['cost_error']:,.0f}{noisy}",
    )
    return f"| {' | '.join(cells)} |"


def made(one: dict[str, Any]) -> str:
    """What a record was made with."""
    versions = one["versions"]
    threads = "1 thread" if one["threads"] == 1 else f"{one['threads']} threads"
    torch = f", PyTorch {versions['torch']}" if "torch" in versions else ""
    return (
        f"`{one['command']}`: {one['bits_per_byte']:.4f} bits per byte; {one['tokenizer']}, "
        f"{one['parameters']:,} parameters, {one['steps']:,} steps, seeds 1 to "
        f"{len(one['seeds'])}, {one['engine']}, "
        f"{one['dtype']}, {threads}; {one['machine']}, Python {versions['python']}, NumPy "
        f"{versions['numpy']}{torch}; a unit is {one['unit']['ms']:.2f} ms, a run "
        f"{one['processor_seconds']:,.2f} s."
    )


def levels() -> list[str]:
    """What other instructions of one processor make of a cost, and what that says of the unit."""
    found = json.loads(LEVELS.read_text(encoding="utf-8"))
    rows = found["rows"]
    lines = ["| instructions | a run | unit | cost in units |", "|---|---|---|---|"]
    for one in rows:
        lines.append(
            f"| {one['instructions']} | {one['seconds']:.2f} s | {one['unit_ms']:.2f} ms "
            f"| {one['cost']:.0f} |"
        )
    slower = rows[-1]["seconds"] / rows[0]["seconds"]
    costs = [one["cost"] for one in rows]
    lines += [
        "",
        f"On {found['date']}, {found['machine']}. A run takes {slower:.1f} times as long with the "
        f"last row's as with the first row's, and the costs go from {min(costs):.0f} to "
        f"{max(costs):.0f}: the unit takes out most of the difference, not all of it.",
    ]
    return lines

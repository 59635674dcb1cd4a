"""The records of the speedrun as Markdown tables, made from the JSON files that ship."""

from typing import Any

from docstrings import package

HEAD = (
    "| entry | held-out loss | p | cost in units | a run | numbers |",
    "|---|---|---|---|---|---|",
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
        f"{one['entry']['name']}, {one['parameters']:,} parameters",
        f"{one['mean']:.4f} ± {2 * one['standard_error']:.4f}",
        f"{one['p']:.1g}",
        f"{one['cost']:,.0f} ± {2 * one['cost_error']:,.0f}{noisy}",
        f"{one['processor_seconds']:,.2f} s",
        f"{one['engine']}, {one['dtype']}",
    )
    return f"| {' | '.join(cells)} |"


def made(one: dict[str, Any]) -> str:
    """Where, when and with what a record was made."""
    versions = one["versions"]
    torch = f", PyTorch {versions['torch']}" if "torch" in versions else ""
    return (
        f"`{one['command']}` on {one['date']}, {one['machine']}, Python {versions['python']}, "
        f"NumPy {versions['numpy']}{torch}: seeds 1 to {len(one['seeds'])}, {one['steps']:,} "
        f"steps, a unit of {one['unit']['ms']:.2f} ms."
    )

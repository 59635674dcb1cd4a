"""The tables of `bench/switches.py` in Markdown, with what a reader must know of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from switch_plan import BASE, VARIANTS, Setting, larger
from switch_sums import outside


def table(setting: Setting, found: Mapping[str, Any]) -> list[str]:
    lines = [_about(setting, found), "", *_table(setting, found)]
    if "larger" in found:
        part = found["larger"]
        bigger = larger(setting, {row["name"]: row["rate"] for row in part["rows"]})
        lines += ["", "**Larger.** " + _about(bigger, part), "", *_table(bigger, part)]
    return lines


def _about(setting: Setting, found: Mapping[str, Any]) -> str:
    config = setting.config(BASE, setting.rates[0])
    seeds = found["seeds"]
    plain = found["rows"][0]["parameters"]
    share = outside(len(seeds) - 1)
    sizes = (
        f"n_layer {config.n_layer}, n_embd {config.n_embd}, block_size {config.block_size}, "
        f"batch {config.batch_size}, {found['steps']:,} steps"
    )
    if setting.given:
        rates = "Learning rates are those that were best above."
    elif set(setting.search) & set(setting.judged):
        rates = (
            "Learning rates are chosen by the validation loss, for each seed by the mean over the "
            "other seeds, among three and, while the best is at an end, the next one there; shown "
            "is the best over all seeds."
        )
    else:
        rates = (
            f"Learning rates are chosen by the validation loss of seed {setting.search[0]}, which "
            "isn't in the table, among three and, while the best is at an end, the next one there."
        )
    return (
        f"{setting.data[0]}, {plain:,} parameters, within 1 % the same for all by mlp_width; "
        f"published: {sizes}, linear decay, Adam. Torch engine, float32, one thread. Step: "
        "processor time of a step over the published model's, median of rounds in turn; steps are "
        "fewer by as much (less than 3 % can't be told from nothing and counts as that). "
        f"{rates} Held-out loss in nats per token and Δ against the published model, each at its "
        f"own best rate; seeds {seeds[0]} to {seeds[-1]}. ± is two standard errors of the paired "
        f"differences over {len(seeds)} seeds: with so few, {share:.0%} of true differences lie "
        "outside. Bold: Δ is larger than that. "
        f"{found['runs']} runs, {found['processor_seconds']:,} seconds of processor time."
    )


def _table(setting: Setting, found: Mapping[str, Any]) -> list[str]:
    lines = [
        "| switch | what it is | parameters | step | steps | lr | held-out loss | Δ, equal time "
        "| Δ, equal steps |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in found["rows"]:
        switch = VARIANTS[row["name"]]
        gap = steps = "-"
        if row["name"] != BASE:
            gap = _with(row["gap"], row["gap_error"])
            equal = row.get("equal_steps")
            steps = _with(equal["gap"], equal["gap_error"]) if equal else "the same"
        lines.append(
            f"| {switch.name} | {switch.about} | {row['parameters']:,} "
            f"| {row['time']['ratio']:.2f} | {row['steps']:,} | {row['rate']:g}{_edge(row)} "
            f"| {row['mean']:.4f} ± {row['error']:.4f} | {gap} | {steps} |"
        )
    if any(map(_edge, found["rows"])):
        lines += ["", "\\* the best rate is at an end of those that were tried."]
    if "check" in found:
        lines += ["", *_check(found["check"])]
    return lines


def _with(gap: float, error: float) -> str:
    said = f"{gap:+.4f} ± {error:.4f}".replace("-", "−")
    return f"**{said}**" if abs(gap) > error else said


def _edge(row: Mapping[str, Any]) -> str:
    tried = [float(rate) for rate in row["validation"]]
    return " \\*" if len(tried) > 1 and row["rate"] in (min(tried), max(tried)) else ""


def _check(check: Mapping[str, Any]) -> list[str]:
    rows = check["rows"]
    lines = [
        f"Against the older table: {len(rows) - check['outside']} of {len(rows)} rows agree within "
        "both tables' stated errors (the root of the sum of their squares). By chance "
        f"{check['chance']:.0%} of rows fall outside, {check['chance'] * len(rows):.1f} of "
        f"{len(rows)}; {check['outside']} or more do with a probability of "
        f"{check['probability']:.2f}.",
        "",
        "| switch | Δ then | Δ now | difference | allowed | |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        what = f"{row['name']} (loss)" if row["name"] == BASE else row["name"]
        lines.append(
            f"| {what} | {row['was']:+.4f} | {row['now']:+.4f} | {row['difference']:+.4f} "
            f"| {row['allowed']:.4f} | {'agrees' if row['agrees'] else 'doesn’t'} |"
        )
    return lines

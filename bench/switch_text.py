"""The tables of `bench/switches.py` in Markdown, with what a reader must know of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from switch_plan import BASE, DTYPE, ENGINE, VARIANTS, Setting, larger
from switch_sums import NOISE, outside

WHY = (
    "Why these: rope, qk_norm, relu², the final norm, zero init, wsd and Muon are what nanochat "
    "has and microgpt hasn't; swiglu, gains, tied weights, fewer key/value heads and AdamW with "
    "weight decay are what Llama models have instead or besides. RMSNorm, the norm after the "
    "embedding, an lm_head of its own and no biases are in microgpt and nanochat alike. Not "
    "measured: nanochat's soft-cap of the logits, its other standard deviations of first weights "
    "and one learning rate for each kind of weight, attention in a window, larger batches "
    "(notes/recipes.md has those)."
)


def table(setting: Setting, found: Mapping[str, Any]) -> list[str]:
    """All of the file below its first line."""
    command = f"`python bench/switches.py {setting.name}`"
    if "check" in found:
        command += f" `--check` an older table, with `--seeds-from {min(found['seeds'])}`"
    lines = [
        f"{command}: {_what(setting, found)}",
        "",
        *_how(setting, found),
        "",
        WHY,
        "",
        *_table(found),
    ]
    if "larger" in found:
        part = found["larger"]
        bigger = larger(setting, {row["name"]: row["rate"] for row in part["rows"]})
        lines += ["", f"Larger: {_what(bigger, part)}"]
        lines += ["", *_how(bigger, part), "", *_table(part)]
    return lines


def _what(setting: Setting, found: Mapping[str, Any]) -> str:
    config = setting.config(BASE, setting.rates[0])
    total = found["rows"][0]["parameters"]
    return (
        f"{setting.data[0]}, {total:,} parameters: n_layer {config.n_layer}, n_embd "
        f"{config.n_embd}, block_size {config.block_size}; {found['steps']:,} steps of "
        f"{config.batch_size} {'windows' if config.long == 'window' else 'documents'}, linear "
        f"decay, Adam. Engine {ENGINE}, {DTYPE}, one thread. {found['runs']} runs, "
        f"{found['processor_seconds']:,} seconds of processor time."
    )


def _how(setting: Setting, found: Mapping[str, Any]) -> list[str]:
    seeds = found["seeds"]
    beyond = f"{outside(len(seeds) - 1):.0%}"
    further = "among three values and, while the best is at an end, the next one beyond it"
    if setting.given:
        rate = "the best of the smaller models"
    elif set(found["search"]) & set(seeds):
        rate = (
            "by the validation texts, for each seed by the mean over the other seeds, "
            f"{further}. Shown is the best over all seeds"
        )
    else:
        chosen = ", ".join(map(str, found["search"]))
        rate = f"by the validation text with seed {chosen}, which isn't in the table, {further}"
    return [
        "- step: processor time of a step over the published model's, median of rounds in which "
        f"the two take turns; steps: as many fewer. Less than {NOISE:.0%} counts as nothing.",
        f"- lr: chosen {rate}. Muon has the same one for its matrices.",
        "- held-out loss: nats per token. Δ: against the published model, each at its own lr. ± is "
        f"two standard errors, of Δ over the differences seed by seed; seeds {seeds[0]} to "
        f"{seeds[-1]}. With {len(seeds)} seeds {beyond} of such intervals miss the true value. "
        "Bold: Δ is larger than its error.",
    ]


def _table(found: Mapping[str, Any]) -> list[str]:
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

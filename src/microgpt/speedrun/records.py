"""What a run of an entry comes to: its record, what it is kept in, and the best one so far."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import platform
import re
import statistics
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from microgpt import __version__
from microgpt.benchmark import machine
from microgpt.data import bundled
from microgpt.errors import FileError, MicrogptError
from microgpt.files import dump_json, parse_json, read_bytes, write_atomic
from microgpt.speedrun.attempt import Attempt, Lap
from microgpt.speedrun.chance import p_below, standard_error
from microgpt.speedrun.tracks import FEWEST, HOLDOUT
from microgpt.speedrun.yardstick import SIDE

SIGNIFICANT = 0.01
NOISY = 0.05
"""A unit, or a cost, whose standard deviation is a larger share of its mean than this is noisy."""

CHEAPER = 0.05
"""By how large a share a new record has to be cheaper than the old one."""

FOLDER = Path("runs", "speedrun")
_MOST_BYTES = 4_000_000


# ------------------------------------------------------------------ circumstances


def circumstances(attempt: Attempt, seeds: int) -> dict[str, Any]:
    """All that is known before the first seed: the first part of the record.

    Laps are taken up again only by a run for which all of it is the same.
    """
    entry, track = attempt.entry, attempt.track
    config = entry.config.to_dict()
    for name in ("seed", "holdout", "validation"):
        config.pop(name)
    made = attempt.facts()
    return {
        "track": track.name,
        "target": track.target,
        "judged_on": "validation" if entry.config.validation else "held-out",
        "holdout": HOLDOUT,
        "data_sha256": track.sha256,
        "entry": {"name": entry.name, "sha256": entry.sha256, "config": config},
        "tokenizer": entry.tokenizer.describe(),
        "parameters": entry.config.parameters(),
        "steps": entry.config.steps,
        **made,
        "clock": attempt.clock.name,
        "seeds": list(range(1, seeds + 1)),
        "machine": machine(),
        "versions": versions(made["engine"]),
        "commit": commit(),
    }


def versions(engine: str) -> dict[str, str]:
    """What computed: programs and libraries, that of NumPy's products too, as the unit is its."""
    found = {
        "microgpt": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": _blas(),
    }
    if engine == "torch":
        with contextlib.suppress(metadata.PackageNotFoundError):
            found["torch"] = metadata.version("torch")
    return found


def _blas() -> str:
    try:
        built: Any = np.show_config(mode="dicts")
        blas = built["Build Dependencies"]["blas"]
        return f"{blas['name']} {blas['version']}"
    except (KeyError, TypeError):
        return "unknown"


def commit() -> str | None:
    """The checkout's commit, with ``+`` where its source has changed since; None without one."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    git = ("git", "-C", str(root))
    try:
        said = [
            subprocess.run([*git, *words], capture_output=True, text=True, check=True).stdout
            for words in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "src"))
        ]
    except (OSError, subprocess.CalledProcessError):
        return None
    return said[0].strip() + ("+" if said[1] else "")


# ------------------------------------------------------------------ the record


def record_of(
    facts: dict[str, Any], laps: Sequence[Lap], command: str, rivals: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The record of an attempt whose seeds are all done, compared with the ``rivals``'."""
    losses = [lap.loss for lap in laps]
    costs = [lap.cost for lap in laps]
    readings = [reading for lap in laps for reading in lap.unit_seconds]
    p = p_below(losses, facts["target"])
    variation = {"unit": _variation(readings), "cost": _variation(costs)}
    enough = len(laps) >= FEWEST and facts["judged_on"] == "held-out"
    found = {
        **facts,
        "losses": losses,
        "mean": statistics.fmean(losses),
        "bits_per_byte": statistics.fmean(lap.bits_per_byte for lap in laps),
        "standard_error": standard_error(losses),
        "p": p,
        "reached": enough and p < SIGNIFICANT,
        "seconds": statistics.median(lap.seconds for lap in laps),
        "seconds_each": [lap.seconds for lap in laps],
        "processor_seconds": statistics.median(lap.processor_seconds for lap in laps),
        "processor_seconds_each": [lap.processor_seconds for lap in laps],
        "unit": {
            "product": f"{SIDE} x {SIDE} x {SIDE} float32, one thread",
            "ms": 1e3 * statistics.median(readings),
            "readings": len(readings),
            "least_ms": 1e3 * min(readings),
            "most_ms": 1e3 * max(readings),
        },
        "cost": statistics.median(costs),
        "cost_error": standard_error(costs),
        "costs": costs,
        "variation": variation,
        "noisy": max(variation.values()) > NOISY,
        "command": command,
        "date": datetime.date.today().isoformat(),
    }
    return {**found, **against(found, rivals)}


def _variation(numbers: Sequence[float]) -> float:
    """Standard deviation over mean."""
    return statistics.stdev(numbers) / statistics.fmean(numbers) if len(numbers) > 1 else 0.0


def against(found: dict[str, Any], rivals: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Whether it is a new record, why not, and the one it had to be cheaper than."""
    best = min(rivals, key=lambda one: float(one["cost"]), default=None)
    why_not = None
    if found["judged_on"] != "held-out":
        why_not = "it was judged on validation, to choose by"
    elif len(found["losses"]) < FEWEST:
        why_not = f"that takes {FEWEST} seeds or more"
    elif not found["reached"]:
        why_not = f"p is not below {SIGNIFICANT}"
    elif found["noisy"]:
        why_not = "its times are noisy: run it again when the machine has less to do"
    elif best is not None and found["entry"]["sha256"] == best["entry"]["sha256"]:
        why_not = f"this entry holds it, at {best['cost']:,.0f} units"
    elif best is not None and found["cost"] > (1 - CHEAPER) * best["cost"]:
        why_not = (
            f"{found['cost']:,.0f} units aren't {CHEAPER:.0%} below the {best['cost']:,.0f} of "
            f"{best['entry']['name']}"
        )
    rival = None
    if best is not None:
        rival = {"name": best["entry"]["name"], "cost": best["cost"], "date": best["date"]}
    return {"record": why_not is None, "why_not": why_not, "best_so_far": rival}


def shipped(track: str, but: Path | None = None) -> list[dict[str, Any]]:
    """The records of a track that came with microgpt, ``but`` for the one in this file."""
    try:
        folder = bundled("recipes/speedrun/records")
    except FileError:
        return []
    replaced = None if but is None else but.resolve()
    paths = [path for path in sorted(folder.glob("*.json")) if path.resolve() != replaced]
    found = [parse_json(read_bytes(p, _MOST_BYTES), str(p), "Reinstall microgpt.") for p in paths]
    return [one for one in found if one["track"] == track]


# ------------------------------------------------------------------ files


class Kept:
    """The laps of an attempt that isn't over yet, in a file from which the next run goes on."""

    def __init__(self, facts: dict[str, Any]) -> None:
        entry, self.facts = facts["entry"], facts
        self.stem = re.sub(r"[^\w.-]+", "-", f"{facts['track']}-{entry['name']}")
        if facts["judged_on"] == "validation":
            self.stem += "-validation"
        which = f"{entry['sha256'][:8]}-{len(facts['seeds'])}"
        self.path = FOLDER / f"{self.stem}-{which}.unfinished.json"
        self.laps: list[Lap] = []
        self.other = False
        """Whether the file held laps of other circumstances, which don't count."""

    def read(self) -> None:
        """Take up what an earlier run has left; what can't be read, or is another's, is nothing."""
        if not self.path.exists():
            return
        try:
            found = parse_json(read_bytes(self.path, _MOST_BYTES), str(self.path), "")
            same = found["facts"] == self.facts
            laps = [Lap(**lap) for lap in found["laps"]]
            in_order = [lap.seed for lap in laps] == self.facts["seeds"][: len(laps)]
        except (MicrogptError, KeyError, TypeError, AttributeError):
            same, laps, in_order = False, [], False
        if same and in_order:
            self.laps = laps
        else:
            self.other = True

    def add(self, lap: Lap) -> None:
        """One more seed is done."""
        self.laps.append(lap)
        FOLDER.mkdir(parents=True, exist_ok=True)
        laps = [dataclasses.asdict(one) for one in self.laps]
        write_atomic(self.path, dump_json({"facts": self.facts, "laps": laps}).encode())

    def finish(self, record: dict[str, Any], out: Path | None) -> Path:
        """Write the record, to a name that is free unless ``out`` is one; the laps' file goes."""
        path = out or _free(self.stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, (dump_json(record, indent=1) + "\n").encode())
        self.path.unlink(missing_ok=True)
        return path


def _free(stem: str) -> Path:
    number = 1
    while (path := FOLDER / f"{stem}-{number}.json").exists():
        number += 1
    return path

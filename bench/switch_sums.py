"""The arithmetic of `bench/switches.py`: which runs are needed, and what follows from them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from switch_plan import BASE, Setting

MOST_RATES = 6
NOISE = 0.03
"""Ratios of times that are closer to 1 than this count as 1.

Three switches change nothing that a step does; beside other work their ratios were measured as
0.982 to 1.001.
"""


@dataclass(frozen=True)
class Point:
    """One run of a setting."""

    name: str
    rate: float
    seed: int
    steps: int


Found = Callable[[Point], Mapping[str, Any] | None]
"""The losses of a run, None before it's made."""


def value(found: Mapping[str, Any], label: str) -> float:
    """A loss; infinite where the run broke down."""
    return math.inf if found[label] is None else float(found[label])


def rates_wanted(rates: Sequence[float], loss: Callable[[float], float | None]) -> list[float]:
    """The rates, and beyond whichever end is the best one the next, twice as large or half.

    ``loss``: the validation loss of a rate, None where it isn't known yet.
    """
    wanted = list(rates)
    while len(wanted) < MOST_RATES:
        known = [loss(rate) for rate in wanted]
        if None in known:
            break
        best = min(range(len(wanted)), key=lambda i: known[i])
        if best == 0:
            wanted.insert(0, wanted[0] / 2)
        elif best == len(wanted) - 1:
            wanted.append(wanted[-1] * 2)
        else:
            break
    return wanted


def steps_in(steps: int, ratio: float) -> int:
    """How many steps take as long as ``steps`` of the published model."""
    return steps if abs(ratio - 1) < NOISE else round(steps / ratio)


class Sums:
    """What a setting's runs say, as far as they are made. ``steps``: of each variant."""

    def __init__(self, setting: Setting, steps: Mapping[str, int], found: Found) -> None:
        self.setting, self.steps, self.found = setting, steps, found

    def mean(self, name: str, rate: float, seeds: Collection[int]) -> float | None:
        """Mean validation loss, None unless all are known."""
        runs = [self.found(Point(name, rate, seed, self.steps[name])) for seed in seeds]
        known = [value(run, "validation") for run in runs if run is not None]
        return statistics.fmean(known) if len(known) == len(runs) else None

    def rates(self, name: str) -> list[float]:
        if name in self.setting.given:
            return [self.setting.given[name]]
        seeds = self.setting.search
        return rates_wanted(self.setting.rates, lambda rate: self.mean(name, rate, seeds))

    def rate(self, name: str, without: int | None = None) -> float | None:
        """The best rate by the validation losses of all searching seeds but one; None: unknown."""
        rates = self.rates(name)
        if len(rates) == 1:
            return rates[0]
        if any(self.mean(name, rate, self.setting.search) is None for rate in rates):
            return None
        seeds = [seed for seed in self.setting.search if seed != without]
        means = {rate: self.mean(name, rate, seeds) for rate in rates}
        return min((mean, rate) for rate, mean in means.items() if mean is not None)[1]

    def points(self, name: str) -> list[Point]:
        """The runs of the table, once the rates are known: of each judged seed."""
        found = []
        for seed in self.setting.judged:
            rate = self.rate(name, without=seed)
            if rate is not None:
                found.append(Point(name, rate, seed, self.steps[name]))
        return found

    def equal_steps(self, name: str) -> list[Point]:
        """The same at as many steps as the published model takes, where these differ."""
        steps, rate = self.setting.steps, self.rate(name)
        if rate is None or self.steps[name] == steps:
            return []
        return [Point(name, rate, seed, steps) for seed in self.setting.judged]

    def every(self) -> list[Point]:
        """The runs that are needed, as far as is known by now."""
        points: dict[Point, None] = {}
        for stage in (self._search, self.points, self.equal_steps):
            for name in self.setting.names:
                points |= dict.fromkeys(stage(name))
        return list(points)

    def wanted(self) -> list[Point]:
        """Those that aren't made."""
        return [point for point in self.every() if self.found(point) is None]

    def _search(self, name: str) -> list[Point]:
        return [
            Point(name, rate, seed, self.steps[name])
            for rate in self.rates(name)
            for seed in self.setting.search
        ]

    def losses(self, points: Sequence[Point], label: str = "held_out") -> list[float]:
        return [value(self.found(point) or {label: None}, label) for point in points]

    def row(self, name: str) -> dict[str, Any]:
        """What the table says of a variant; all runs must be made."""
        points, rates = self.points(name), self.rates(name)
        seeds = self.setting.search or self.setting.judged
        losses, base = self.losses(points), self.losses(self.points(BASE))
        mean, error = with_error(losses)
        gap, gap_error = with_error([a - b for a, b in zip(losses, base, strict=True)])
        config = self.setting.config(name, rates[0])
        row = {
            "name": name,
            "parameters": config.parameters(),
            "mlp_width": config.hidden,
            "steps": self.steps[name],
            "rate": self.rate(name),
            "rates": [point.rate for point in points],
            "validation": {str(rate): self.mean(name, rate, seeds) for rate in rates},
            "losses": losses,
            "mean": mean,
            "error": error,
            "gap": gap,
            "gap_error": gap_error,
        }
        if equal := self.equal_steps(name):
            apart = [a - b for a, b in zip(self.losses(equal), base, strict=True)]
            row["equal_steps"] = dict(zip(("gap", "gap_error"), with_error(apart), strict=True))
        return row

    def best(self, names: Sequence[str], count: int) -> list[str]:
        """The variants with the lowest validation losses in the table's runs."""
        means = {n: statistics.fmean(self.losses(self.points(n), "validation")) for n in names}
        return sorted(names, key=lambda name: means[name])[:count]


# ------------------------------------------------------------------ errors


def with_error(numbers: Sequence[float]) -> tuple[float, float]:
    """Mean and two standard errors of it."""
    if not all(map(math.isfinite, numbers)):
        return math.inf, math.inf
    return statistics.fmean(numbers), 2 * statistics.stdev(numbers) / math.sqrt(len(numbers))


def outside(degrees: int) -> float:
    """How often Student's t with so many degrees of freedom is further than 2 from 0.

    The share of true values that lie outside of ± two standard errors, where the standard
    deviation is estimated from so few numbers: 0.116 for five of them, 0.184 for three.
    """
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2))
    scale /= math.sqrt(degrees * math.pi)
    pieces = 1000  # Simpson's rule over 0 to 2
    total = 0.0
    for i in range(pieces + 1):
        t = 2 * i / pieces
        weight = 1 if i in (0, pieces) else 4 if i % 2 else 2
        total += weight * (1 + t * t / degrees) ** (-(degrees + 1) / 2)
    return 1 - 2 * scale * total * (2 / pieces) / 3


def by_chance(count: int, trials: int, share: float) -> float:
    """The probability that ``count`` or more of ``trials`` happen, each with this share."""
    return math.fsum(
        math.comb(trials, k) * share**k * (1 - share) ** (trials - k)
        for k in range(count, trials + 1)
    )


def compared(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables of one setting: whether each row agrees within both stated errors.

    ``chance``: the share of rows that fall outside where nothing has changed. ``probability``: of
    as many outside as there are, or more, if rows were independent. (They aren't quite: each is
    a difference from the same published runs.)
    """
    before = {row["name"]: row for row in old["rows"]}
    rows = []
    for row in new["rows"]:
        if row["name"] not in before:
            continue
        was = before[row["name"]]
        gap, error = ("mean", "error") if row["name"] == BASE else ("gap", "gap_error")
        allowed = math.hypot(was[error], row[error])
        difference = row[gap] - was[gap]
        rows.append(
            {
                "name": row["name"], "was": was[gap], "now": row[gap], "difference": difference,
                "allowed": allowed, "agrees": abs(difference) <= allowed,
            }
        )  # fmt: skip
    chance = outside(len(old["seeds"]) + len(new["seeds"]) - 2)
    count = sum(not row["agrees"] for row in rows)
    return {
        "rows": rows,
        "outside": count,
        "chance": chance,
        "probability": by_chance(count, len(rows), chance),
    }

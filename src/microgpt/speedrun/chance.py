"""Whether the mean of a few losses is below a target by more than chance: Student's t test."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for x from 0 to 1 and a, b above 0.

    Its power series, all of whose terms are positive, on the side on which they shrink:
    x^a (1-x)^b / (a B(a, b)) · (1 + x (a+b)/(a+1) + x² (a+b)(a+b+1)/((a+1)(a+2)) + …).
    """
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_share(1 - x, b, a)
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    total, term, k = 0.0, 1.0, 0
    while term > 1e-17 * total:
        total += term
        term *= x * (a + b + k) / (a + 1 + k)
        k += 1
    return total * math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta) / a


def t_tail(t: float, freedom: int) -> float:
    """The chance that Student's t with so many degrees of freedom is above ``t``."""
    half = 0.5 * beta_share(freedom / (freedom + t * t), freedom / 2, 0.5)
    return half if t >= 0 else 1 - half


def standard_error(numbers: Sequence[float]) -> float:
    """Of their mean; 0 for a single one."""
    if len(numbers) < 2:
        return 0.0
    return statistics.stdev(numbers) / math.sqrt(len(numbers))


def p_below(losses: Sequence[float], target: float) -> float:
    """The p of the one-sided t test that the mean loss is below ``target``; needs two losses.

    How likely means as low as this one, or lower, would be if seeds gave the target on average.
    """
    gap, error = target - statistics.fmean(losses), standard_error(losses)
    if error == 0:
        return 0.0 if gap > 0 else 1.0
    return t_tail(gap / error, len(losses) - 1)
